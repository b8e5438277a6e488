"""The upscale stage: degrade each hr of the run's datasets, run the method, save."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from sr_bench.data.datasets.manifest import Dataset, Entry
from sr_bench.evaluation.upscaling.blocks import Block, make_block
from sr_bench.evaluation.upscaling.dataset import BadImages, upscale_dataset
from sr_bench.evaluation.upscaling.made import Made, open_made
from sr_bench.evaluation.upscaling.prepared import Prepared
from sr_bench.networks.device import ON_CPU, Computing
from sr_bench.project.entries import Run
from sr_bench.project.layout import COMPUTED
from sr_bench.project.project import Project, Work
from sr_bench.project.run_part import WHOLE, RunPart
from sr_bench.support.executors import Executor
from sr_bench.support.files import put, sweep, write_text
from sr_bench.support.units import as_facts, in_blocks


@dataclass
class Upscaled:
    """What came of a run.

    Args:
        folders: of its SR images, one for each dataset and degradation.
        made: how many images were upscaled, by ``<degradation>/<dataset>``.
        kept: how many were there, made from the same inputs.
        stale: folders of the run beside the part that was made, whose images are of other inputs.
    """

    folders: list[Path]
    made: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    stale: tuple[Path, ...] = ()


def upscale_run(
    project: Project,
    run: Run,
    *,
    progress: Callable[[int], None],
    computing: Computing = ON_CPU,
    part: RunPart = WHOLE,
    executor: Executor | None = None,
) -> Upscaled:
    """Write ``build/sr/<run>/<degradation>/<dataset>/*.png`` for all the run is scored on.

    An image that is there stays, if all that decides its pixels is the same: a new dataset
    upscales its own images. Images come into ``build/made/<run>/`` until all are there; a run that
    was stopped, or in which images failed, goes on from these.

    Args:
        project: the project folder.
        run: of ``params.yaml``.
        progress: called with 1 after each image.
        computing: where, and in what precision. What isn't float32 on the CPU is recorded beside
            the SR images: ``build/sr/<run>/computed.json``.
        part: which of its datasets and protocols; whatever else is there of the run stays.
        executor: whose workers make the images; ``None``: this process. The images are the same.

    Returns:
        Which folders there are, and which images were made.

    Raises:
        BadImages: naming every image that failed, after all others were made; what was written by
            an earlier run stays.
        SrBenchError: if the run can't be made at all, or another process is making or scoring it.
    """
    with project.writing(f"run {run.name}", f"run-{run.name}"):
        return _Upscaling.begin(project, run, computing, part).all(progress, executor)


class _Missing(NamedTuple):
    """The images of a work that have to be made, and where they come until all are there."""

    work: Work
    dataset: Dataset
    entries: tuple[Entry, ...]
    made: Made


@dataclass(frozen=True)
class _Upscaling:
    """A run under way."""

    project: Project
    prepared: Prepared
    work: tuple[Work, ...]  # what is made now
    datasets: dict[str, Dataset]
    images: dict[str, Made]  # by degradation
    whole: bool  # whether that is all of the run

    @classmethod
    def begin(cls, project: Project, run: Run, computing: Computing, part: RunPart) -> _Upscaling:
        prepared = Prepared.of(project, run, computing)
        work = tuple(part.of(project, run))
        datasets = {one.dataset: project.dataset(one.dataset) for one in work}
        used = dict.fromkeys(one.degradation for one in project.require_work(run))
        inputs = {rule.name: prepared.inputs(rule) for rule in used}
        images = open_made(project.made(run.name), project.sr_of(run.name), inputs)
        whole = len(work) == len(project.work(run))
        return cls(project, prepared, work, datasets, images, whole)

    @property
    def run(self) -> Run:
        return self.prepared.run

    def all(self, progress: Callable[[int], None], executor: Executor | None) -> Upscaled:
        done = Upscaled([work.sr for work in self.work])
        missing = [self._missing(work, done) for work in self.work]
        progress(sum(done.kept.values()))
        if executor is None:
            bad = self._make_here(missing, progress)
        else:
            bad = self._make_elsewhere(missing, progress, executor)
        if bad:
            total = sum(len(self.datasets[work.dataset].entries) for work in self.work)
            raise BadImages(
                f"{self.run.name}: {len(bad)} of {total} images failed; the others are kept, and "
                "the same command makes these alone",
                bad,
            )
        self._put()
        done.stale = () if self.whole else tuple(self._stale())
        return done

    def _stale(self) -> Iterator[Path]:
        for other in self.project.work(self.run):
            noted = self.images[other.degradation.name].noted
            known = any(name.startswith(f"{other.dataset}/") for name in noted)
            if other.sr.is_dir() and not known:
                yield other.sr

    def _missing(self, work: Work, done: Upscaled) -> _Missing:
        dataset, made = self._seen(work), self.images[work.degradation.name]
        missing = tuple(e for e in dataset if not made.has(work.dataset, e))
        name = f"{work.degradation.name}/{work.dataset}"
        done.made[name], done.kept[name] = len(missing), len(dataset.entries) - len(missing)
        return _Missing(work, dataset, missing, made)

    def _make_here(self, missing: Sequence[_Missing], progress: Callable[[int], None]) -> list[str]:
        """Make what is missing; returns what failed, and why."""
        upscaler = cache(self.prepared.upscaler)
        bad: list[str] = []
        for work, dataset, entries, made in missing:
            if not entries:
                continue
            note, folder = partial(made.note, work.dataset), made.folder / work.dataset
            loaded = upscaler(work.degradation)
            try:
                upscale_dataset(
                    loaded, dataset, folder, progress=progress, note=note, entries=entries
                )
            except BadImages as error:
                bad += error.reasons
        return bad

    def _make_elsewhere(
        self, missing: Sequence[_Missing], progress: Callable[[int], None], executor: Executor
    ) -> list[str]:
        """The same by workers; what they wrote is noted here."""
        blocks = {
            self._block(one, part): (one, part)
            for one in missing
            for part in in_blocks(one.entries, lambda e: e.shape[0] * e.shape[1])
        }
        bad: list[str] = []
        for block, found in executor.each(make_block, list(blocks)):
            one, part = blocks[block]
            for entry in part:
                if entry.stem in found.made:
                    one.made.note(one.work.dataset, entry)
            progress(len(found.made))
            bad += found.failed
        return bad

    def _block(self, missing: _Missing, entries: Sequence[Entry]) -> Block:
        work, folder = missing.work, missing.made.folder / missing.work.dataset
        return Block(
            self.project.root.resolve(),
            self.run.name,
            work.degradation.name,
            work.dataset,
            tuple(e.stem for e in entries),
            folder.resolve(),
            self.prepared.computing,
            as_facts(self.prepared.facts),
        )

    def _seen(self, work: Work) -> Dataset:
        """The dataset of a work, with the hash of what its lr comes from: hr, or lr itself."""
        dataset, scale = self.datasets[work.dataset], self.run.scale
        origins = [dataset.origin(e, work.degradation, scale=scale).sha256 for e in dataset]
        entries = [replace(e, sha256=origin) for e, origin in zip(dataset, origins)]
        return replace(dataset, entries=tuple(entries))

    def _put(self) -> None:
        """Move what is new to its place, and remove what is no part of the run any more."""
        kept: dict[str, dict[str, Dataset]] = {rule: {} for rule in self.images}
        for work in self.work:
            images, dataset = self.images[work.degradation.name], self._seen(work)
            kept[work.degradation.name][work.dataset] = dataset
            sweep(work.sr)
            if not images.is_finished(work.dataset, dataset):
                put(images.gather(work.dataset, dataset), work.sr)
        folder = self.project.sr_of(self.run.name)
        if self.whole:
            for rule, images in self.images.items():
                images.finish(kept[rule])
            _remove_others(folder, kept)
        if self.prepared.computing.facts:
            write_text(
                folder / COMPUTED, json.dumps(self.prepared.computing.facts, indent=1) + "\n"
            )


def _remove_others(folder: Path, kept: Mapping[str, Collection[str]]) -> None:
    """Remove what lies in a run's folder besides ``<degradation>/<dataset>`` of ``kept``."""
    for rule in folder.iterdir():
        for path in rule.iterdir() if rule.name in kept else [rule]:
            if path == rule or path.name not in kept[rule.name]:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
