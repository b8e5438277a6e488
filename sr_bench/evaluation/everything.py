"""Everything that a project names, as far as its files can be had."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sr_bench.data.catalogue.sources import Source
from sr_bench.data.datasets.folders import index_folder
from sr_bench.data.datasets.manifest import fetch_dataset
from sr_bench.data.datasets.transfer import is_present
from sr_bench.evaluation.scoring.pairs import CODE
from sr_bench.evaluation.scoring.record import record_of, require_unchanged
from sr_bench.evaluation.scoring.run import score_run
from sr_bench.evaluation.upscaling.upscale import upscale_run
from sr_bench.networks.device import ON_CPU, Computing
from sr_bench.networks.method_files import find_method
from sr_bench.project.entries import Run
from sr_bench.project.project import Project
from sr_bench.project.run_weights import note_weights
from sr_bench.support.errors import SourceError, SrBenchError
from sr_bench.support.files import sha256, write_text
from sr_bench.support.text_files import read_object
from sr_bench.support.version import code_hash

Say = Callable[[str], None]
LEFT = "not made yet; sr-bench all goes on"


@dataclass
class Outcome:
    """What came of it.

    Args:
        made: runs that were upscaled or scored now.
        kept: runs of which nothing had changed, or whose scores in ``reports/`` hold.
        missing: a dataset or a run to the file that it needs, and its address.
        failed: a dataset or a run to the error.
        left: runs that are not made: the time was over, or they were not asked for.
    """

    made: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    def without_datasets(self, project: Project, run: str) -> None:
        """Note that none of the run's datasets is there, for the reason of the first."""
        for dataset in project.datasets(project.run(run)):
            for found in (self.missing, self.failed):
                if dataset in found:
                    found[run] = found[dataset]
                    return


def make_everything(
    project: Project,
    runs: Sequence[str] = (),
    *,
    say: Say,
    computing: Computing = ON_CPU,
    minutes: float = math.inf,
    held: Callable[[], Collection[str]] = tuple,
) -> Outcome:
    """Fetch, upscale and score all runs; what can't be had is left out, noted, and tried again.

    A run is made on the datasets that are there, and not repeated for nothing: one that stands
    among ``kept`` has the scores of its images, under its protocols, by this code.
    ``build/missing.json`` names for each dataset and run what it lacks: the ledger's reasons.

    Args:
        project: whose files these are.
        runs: those to make, in this order; none: all, in the order of ``params.yaml``.
        say: gets a line for each run that was made, and for what can't be had.
        computing: where, and in what precision.
        minutes: after this time no run is begun.
        held: called when the datasets are there: the runs that have scores of another machine which
            hold here. They aren't made.

    Raises:
        SrBenchError: if the project has no such run.
    """
    chosen = dict.fromkeys([project.run(name).name for name in runs] or project.params.runs)
    outcome, until = Outcome(), time.monotonic() + 60 * minutes
    for name in (*project.params.fetch, *project.params.datasets):
        _fetched(project, name, outcome, say)
    there = project.without({*outcome.missing, *outcome.failed})
    scored, held_here = _Scored(project), held()
    for name in dict.fromkeys([*chosen, *project.params.runs]):
        if name in held_here:
            outcome.kept.append(name)
        elif name not in there.params.runs:
            outcome.without_datasets(project, name)
        elif name in chosen and time.monotonic() < until:
            _make_run(there, there.run(name), scored, outcome, say, computing)
        elif scored.is_current(there, there.run(name)):
            outcome.kept.append(name)
        else:
            outcome.left.append(name)
    failed = {name: error.partition("\n")[0] for name, error in outcome.failed.items()}
    lacking = outcome.missing | failed | dict.fromkeys(outcome.left, LEFT)
    write_text(project.missing, json.dumps(lacking, indent=1) + "\n")
    return outcome


def _fetched(project: Project, name: str, outcome: Outcome, say: Say) -> None:
    try:
        if name in project.params.datasets:
            index_folder(project.own(name), project.manifest(name))
        else:
            source, manifest = project.source(name), project.manifest(name)
            fetch_dataset(source, project.data, manifest, progress=lambda _: None)
    except SourceError:
        outcome.missing[name] = _lacking(project.source(name), project.data)
        say(f"{name}: not to be had: {outcome.missing[name]}")
    except SrBenchError as error:
        outcome.failed[name] = str(error)
        say(f"{name}: {error}")


def _make_run(
    project: Project, run: Run, scored: _Scored, outcome: Outcome, say: Say, computing: Computing
) -> None:
    try:
        note_weights(project, run.name, progress=lambda _: None)
        images = upscale_run(project, run, progress=lambda _: None, computing=computing)
        if scored.is_current(project, run):
            outcome.kept.append(run.name)
            return
        score_run(project, run)
    except SourceError:
        if scored.is_current(project, run):
            outcome.kept.append(run.name)
            return
        outcome.missing[run.name] = _lacking_weights(project, run)
        say(f"{run.name}: not to be had: {outcome.missing[run.name]}")
    except SrBenchError as error:
        outcome.failed[run.name] = str(error)
        say(f"{run.name}: {error}")
    else:
        scored.note(project, run)
        outcome.made.append(run.name)
        say(f"{run.name}: {sum(images.made.values())} images upscaled, scored")


def _lacking_weights(project: Project, run: Run) -> str:
    method = find_method(run.method, project.method_folders)
    published = method.weights_file(run.base_variant, run.weights, run.scale)
    assert published is not None  # whose fetching failed
    return _lacking(project.source(published.group), project.data, published.name)


def _lacking(source: Source, data: Path, name: str | None = None) -> str:
    """The file that isn't there, and its address; where a person has to get it, its page."""
    if not source.files:
        place = Path(data.name, source.folder).as_posix()  # in the project, on whatever machine
        return f"{source.images} images for {place} at {source.page}"
    folder = data / source.folder
    gone = (
        f for f in source.files if name in (None, f.name) and not is_present(f, folder / f.name)
    )
    file = next(gone, source.files[0])
    return f"{file.name} at {file.urls[0]}"


class _Scored:
    """``build/scored.json``: runs whose scores are of this code, by the hash of their record."""

    def __init__(self, project: Project) -> None:
        self.path = project.root / "build" / "scored.json"
        self.code = code_hash(CODE)
        again = "delete it, and run: sr-bench all"
        self.noted = read_object(self.path, remedy=again) if self.path.is_file() else {}

    def is_current(self, project: Project, run: Run) -> bool:
        """Whether the run's scores are of all of its images as they are, and of this code."""
        path = project.scores(run.name)
        if not path.is_file() or self.noted.get(run.name) != self._hash(path):
            return False
        record = read_object(record_of(path), remedy=f"sr-bench score {run.name}")
        work = project.work(run)
        protocols = {p.name for part in work for p in part.protocols}
        parts = {f"{part.degradation.name}/{part.dataset}" for part in work}
        if set(record["sr"]) != parts or not protocols <= set(record["protocols"]):
            return False
        try:
            require_unchanged(project, run.name)
        except SrBenchError:
            return False
        return True

    def note(self, project: Project, run: Run) -> None:
        """The run was scored now."""
        self.noted[run.name] = self._hash(project.scores(run.name))
        write_text(self.path, json.dumps(self.noted, indent=1) + "\n")

    def _hash(self, path: Path) -> str | None:
        record = record_of(path)
        return f"{self.code}-{sha256(record)}-{sha256(path)}" if record.is_file() else None
