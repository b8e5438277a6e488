"""The upscale stage: degrade each hr of the run's datasets, run the method, save."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from sr_bench.data.datasets.manifest import Dataset, Entry
from sr_bench.evaluation.upscaling.unfinished import Unfinished, circumstances, open_unfinished
from sr_bench.imaging import images
from sr_bench.imaging.degrade import Degradation, degrade
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.method import Method, Setup
from sr_bench.networks.method_files import find_method
from sr_bench.project.entries import Run
from sr_bench.project.project import Project, Work
from sr_bench.project.run_weights import noted_weights
from sr_bench.support.errors import SrBenchError, about
from sr_bench.support.files import put, sha256, sweep
from sr_bench.support.notices import notice
from sr_bench.support.parallel import cores, outcomes

_PIXELS_AT_ONCE = 4_000_000  # of sr over all workers: 64 float32 channels of these take 1 GB


def load_upscaler(
    run: Run, method: Method, file: Path | None, degradation: Degradation
) -> Upscaler:
    """Build the run's model for lr made by ``degradation``."""
    setup = Setup(run.base_variant, run.weights, file, run.scale, degradation)
    upscaler = Upscaler(
        run.name,
        method.built(setup, run.name),
        degradation,
        run.scale,
        ensemble=run.ensemble,
        tile=run.tile,
    )
    upscaler.require_reach()
    return upscaler


class BadImages(SrBenchError):
    """Images that a run could not be made of; all others were."""

    def __init__(self, what: str, reasons: list[str]) -> None:
        super().__init__(f"{what}: {'; '.join(reasons)}")
        self.reasons = reasons


def upscale_run(project: Project, run: Run, *, progress: Callable[[int], None]) -> list[Path]:
    """Write ``build/sr/<run>/<degradation>/<dataset>/*.png`` for all the run is scored on.

    Images come into ``build/unfinished/<run>/`` until all are there. A run that was stopped, or in
    which images failed, goes on from these where nothing that decides a pixel has changed.

    Args:
        project: the project folder.
        run: of ``params.yaml``.
        progress: called with 1 after each image.

    Returns:
        The folders written.

    Raises:
        BadImages: naming every image that failed, after all others were made; what was written by
            an earlier run stays.
        SrBenchError: if the run can't be made at all, or another process is making or scoring it.
    """
    with project.writing(f"run {run.name}", f"run-{run.name}"):
        return _Upscaling.begin(project, run).all(progress)


@dataclass(frozen=True)
class _Upscaling:
    """A run under way."""

    project: Project
    run: Run
    method: Method
    file: Path | None
    datasets: dict[str, Dataset]
    unfinished: dict[str, Unfinished]

    @classmethod
    def begin(cls, project: Project, run: Run) -> _Upscaling:
        method = find_method(run.method, project.method_folders)
        file = noted_weights(project, run, method)
        datasets = {d: project.dataset(d) for d in project.datasets(run)}
        common = {
            "run": run.model_dump(exclude={"protocols", "origin"}),
            "weights": None if file is None else sha256(file),
            **circumstances(project.method_folders),
        }
        used = dict.fromkeys(work.degradation for work in project.work(run))
        inputs = {d.name: {**common, "degradation": d.model_dump()} for d in used}
        kept = open_unfinished(project.unfinished(run.name), inputs)
        return cls(project, run, method, file, datasets, kept)

    def all(self, progress: Callable[[int], None]) -> list[Path]:
        upscalers: dict[Degradation, Upscaler] = {}
        bad: list[str] = []
        for work in self.project.work(self.run):
            bad += self._one(work, upscalers, progress)
        if bad:
            total = self.project.images_of(self.run)
            raise BadImages(
                f"{self.run.name}: {len(bad)} of {total} images failed; the others are kept, and "
                "the same command makes these alone",
                bad,
            )
        return self._put()

    def _one(
        self, work: Work, upscalers: dict[Degradation, Upscaler], progress: Callable[[int], None]
    ) -> list[str]:
        """Make what is missing of a dataset under a degradation; returns what failed, and why."""
        dataset, rule = self.datasets[work.dataset], work.degradation
        kept = self.unfinished[rule.name]
        missing = [e for e in dataset if not kept.has(work.dataset, e)]
        there, total = len(dataset.entries) - len(missing), len(dataset.entries)
        progress(there)
        if there:
            what = f"{there} of {total} images are there from a run that was stopped"
            notice(kept.folder / work.dataset, what)
        if not missing:
            return []
        if rule not in upscalers:
            upscalers[rule] = load_upscaler(self.run, self.method, self.file, rule)
        part, folder = replace(dataset, entries=tuple(missing)), kept.folder / work.dataset
        note = partial(kept.note, work.dataset)
        try:
            upscale_dataset(upscalers[rule], part, folder, progress=progress, note=note)
        except BadImages as error:
            return error.reasons
        return []

    def _put(self) -> list[Path]:
        written = []
        for work in self.project.work(self.run):
            entries = self.datasets[work.dataset]
            sweep(work.sr)
            put(self.unfinished[work.degradation.name].finished(work.dataset, entries), work.sr)
            written.append(work.sr)
        unfinished = self.project.unfinished(self.run.name)
        shutil.rmtree(unfinished)
        with suppress(OSError):  # where other runs' lie
            unfinished.parent.rmdir()
        return written


def upscale_dataset(
    upscaler: Upscaler,
    dataset: Dataset,
    folder: Path,
    *,
    progress: Callable[[int], None],
    note: Callable[[Entry], None] = lambda entry: None,
) -> None:
    """Write ``folder/<stem>.png`` for each image.

    Small images go one to a core from file to file, which has no barriers to wait at; images too
    large to hold several at once take all cores, one after the other.

    Args:
        upscaler: the run's model for one degradation.
        dataset: its hr images.
        folder: where the SR images go.
        progress: called with 1 after each image.
        note: called with each image that is written.

    Raises:
        BadImages: naming every image that failed, after all others were made.
    """

    def upscale_one(entry: Entry) -> None:
        with about(dataset.folder / entry.name):
            lr = degrade(dataset.read(entry), upscaler.degradation, scale=upscaler.scale)
        try:
            sr = upscaler(lr)
        except SrBenchError as error:
            raise SrBenchError(f"{dataset.name}/{entry.name}: {error}") from error
        images.write(folder / f"{entry.stem}.png", sr, colour=upscaler.degradation.colour)
        note(entry)
        progress(1)

    largest = max((entry.shape[0] * entry.shape[1] for entry in dataset), default=1)
    workers = max(1, min(cores(), _PIXELS_AT_ONCE // largest))
    threads = cores() // workers
    with _torch_threads(threads):
        found = outcomes(upscale_one, dataset.entries, workers=workers)
    if found.failed:
        what = f"{dataset.name}: {len(found.failed)} of {len(dataset.entries)} images failed"
        raise BadImages(what, [failure.reason for failure in found.failed])


@contextmanager
def _torch_threads(count: int) -> Iterator[None]:
    """Threads that one torch operation may use; what it was is restored."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
