"""Scoring a run of the project: its upscaled images against hr, under its protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from sr_bench.data.datasets.manifest import Dataset
from sr_bench.evaluation.scoring.kept import Kept, Keys
from sr_bench.evaluation.scoring.pairing import NamePair
from sr_bench.evaluation.scoring.pairs import CODE, Rules, score_pairs
from sr_bench.evaluation.scoring.record import write_record
from sr_bench.evaluation.scoring.score import ROW, Row
from sr_bench.evaluation.scoring.table import DECIMALS, IMAGE_COLUMNS, write_table
from sr_bench.imaging import images
from sr_bench.project.entries import Run
from sr_bench.project.project import Project, Work
from sr_bench.project.run_part import RunPart
from sr_bench.support.errors import SrBenchError
from sr_bench.support.executors import Executor
from sr_bench.support.files import sweep
from sr_bench.support.units import software

Progress = Callable[[int], object]


def score_run(
    project: Project,
    run: Run,
    *,
    progress: Progress = lambda _: None,
    executor: Executor | None = None,
) -> pd.DataFrame:
    """Write ``build/scores/<run>.csv``: one row per image x protocol x metric.

    Nothing is written unless every image of every dataset has its scores. Beside the table lies
    ``<run>.json``, the record of what was scored. What a process that was stopped had scored is
    kept in ``build/scoring/<run>.jsonl`` until the table is there.

    Args:
        project: the project folder.
        run: of ``params.yaml``.
        progress: called with 1 after each image.
        executor: whose workers score; ``None``: this process. The table is the same.

    Raises:
        SrBenchError: naming every upscaled image that is missing, can't be read or doesn't fit its
            hr; or if another process is upscaling or scoring the run.
    """
    with project.writing(f"run {run.name}", f"run-{run.name}"):
        path = project.scores(run.name)
        sweep(path)
        work = project.require_work(run)
        opened = {name: project.dataset(name) for name in project.datasets(run)}
        kept = Kept.open(project.scoring(run.name))
        table = _Scoring(run, executor, progress, kept).table(work, opened)
        write_record(path, run, write_table(path, table), work, opened)
        kept.finish()
    return table


def score_part(
    project: Project,
    run: Run,
    part: RunPart,
    *,
    progress: Progress = lambda _: None,
    executor: Executor | None = None,
) -> pd.DataFrame:
    """The rows of a part of the run; ``build/scores/<run>.csv``, which is of all, stays as it is.

    Raises:
        WrongUse: for a dataset or a protocol that the run isn't scored on.
        SrBenchError: as :func:`score_run`.
    """
    with project.writing(f"run {run.name}", f"run-{run.name}"):
        work = part.of(project, run)
        opened = {one.dataset: project.dataset(one.dataset) for one in work}
        return _Scoring(run, executor, progress).table(work, opened)


@dataclass(frozen=True)
class _Scoring:
    """A run being scored."""

    run: Run
    executor: Executor | None
    progress: Progress
    kept: Kept = field(default_factory=lambda: Kept(None))

    def table(self, work: Sequence[Work], opened: Mapping[str, Dataset]) -> pd.DataFrame:
        parts, problems = [], []
        for part in work:
            try:
                rows = self._part(opened[part.dataset], part)
            except SrBenchError as error:
                problems.append(f"{part.dataset}, {part.degradation.name}: {error}")
                continue
            parts.append(rows.assign(dataset=part.dataset))
        if problems:
            raise SrBenchError("\n".join(problems))
        run = self.run
        table = pd.concat(parts, ignore_index=True).assign(
            run=run.name,
            method=run.method,
            variant=run.variant,
            weights=run.weights,
            scale=run.scale,
        )[IMAGE_COLUMNS]
        table["value"] = table["value"].round(DECIMALS)
        return table

    def _part(self, dataset: Dataset, part: Work) -> pd.DataFrame:
        pairs = _pairs(dataset, part, self.run.name)
        keys = Keys.of(part.protocols, software(CODE), {e.stem: e.sha256 for e in dataset})
        rows = self._found(pairs, keys)
        self.progress(len(rows))
        missing = {pair.name: pair for pair in pairs if pair.name not in rows}

        def done(image: str, made: list[Row] | None) -> None:
            if made is not None:
                rows[image] = made
                self.kept.note(keys.of_pair(missing[image]), made)
            self.progress(1)

        pixels = {e.stem: e.shape[0] * e.shape[1] for e in dataset}
        score_pairs(
            list(missing.values()),
            Rules(part.protocols, self.run.scale),
            executor=self.executor,
            pixels=lambda pair: pixels[pair.name],
            done=done,
        ).whole()
        listed = [(pair.name, *row) for pair in pairs for row in rows[pair.name]]
        return pd.DataFrame(listed, columns=ROW)

    def _found(self, pairs: Sequence[NamePair], keys: Keys) -> dict[str, list[Row]]:
        """The rows that a stopped process had scored."""
        if not self.kept.found:
            return {}
        made = {pair.name: self.kept.found.get(keys.of_pair(pair)) for pair in pairs}
        return {name: rows for name, rows in made.items() if rows is not None}


def _pairs(dataset: Dataset, part: Work, run: str) -> list[NamePair]:
    """The files of a part.

    Raises:
        SrBenchError: if an SR image is missing, or there is one too many.
    """
    folder = part.sr
    expected = {f"{e.stem}.png" for e in dataset}
    present = {p.name for p in folder.glob("*.png") if images.is_image(p)}
    if expected != present:
        missing, extra = sorted(expected - present), sorted(present - expected)
        raise SrBenchError(
            f"{folder}: has {len(present)} images, {dataset.name} has {len(expected)} "
            f"(missing: {_named(missing)}; not of the set: {_named(extra)}); "
            f"run: sr-bench upscale {run}"
        )
    return [NamePair(e.stem, folder / f"{e.stem}.png", dataset.folder / e.name) for e in dataset]


def _named(names: list[str]) -> str:
    return ", ".join(names) or "none"
