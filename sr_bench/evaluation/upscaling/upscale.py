"""The upscale stage: degrade each hr of the run's datasets, run the method, save."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import torch

from sr_bench.data.datasets.manifest import Dataset, Entry
from sr_bench.evaluation.upscaling.circumstances import circumstances
from sr_bench.evaluation.upscaling.made import Made, open_made
from sr_bench.imaging import images
from sr_bench.imaging.degrade import Degradation
from sr_bench.networks.device import CPU, ON_CPU, Computing
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.method import Method, Setup
from sr_bench.networks.method_files import find_method_file
from sr_bench.project.entries import Run
from sr_bench.project.project import COMPUTED, Project, Work
from sr_bench.project.run_part import WHOLE, RunPart
from sr_bench.project.run_weights import noted_weights
from sr_bench.support.errors import SrBenchError, about
from sr_bench.support.files import put, sha256, sweep, write_text
from sr_bench.support.parallel import cores, outcomes

_AROUND_A_GPU = 4  # threads: one image is computed, the others are read, copied or written
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

    Returns:
        Which folders there are, and which images were made.

    Raises:
        BadImages: naming every image that failed, after all others were made; what was written by
            an earlier run stays.
        SrBenchError: if the run can't be made at all, or another process is making or scoring it.
    """
    with project.writing(f"run {run.name}", f"run-{run.name}"):
        return _Upscaling.begin(project, run, computing, part).all(progress)


@dataclass(frozen=True)
class _Upscaling:
    """A run under way."""

    project: Project
    run: Run
    method: Method
    file: Path | None
    work: tuple[Work, ...]  # what is made now
    datasets: dict[str, Dataset]
    images: dict[str, Made]  # by degradation
    computing: Computing
    whole: bool  # whether that is all of the run

    @classmethod
    def begin(cls, project: Project, run: Run, computing: Computing, part: RunPart) -> _Upscaling:
        code, method = find_method_file(run.method, project.method_folders)
        file = noted_weights(project, run, method)
        work = tuple(part.of(project, run))
        datasets = {one.dataset: project.dataset(one.dataset) for one in work}
        common = {
            "run": run.model_dump(exclude={"protocols", "origin"}),
            "weights": None if file is None else sha256(file),
            **circumstances(code, project.method_folders),
            **computing.facts,
        }
        used = dict.fromkeys(one.degradation for one in project.require_work(run))
        # Of lr that is given each image counts by itself.
        inputs = {d.name: {**common, "degradation": d.model_dump(exclude={"given"})} for d in used}
        images = open_made(project.made(run.name), project.sr_of(run.name), inputs)
        whole = len(work) == len(project.work(run))
        return cls(project, run, method, file, work, datasets, images, computing, whole)

    def all(self, progress: Callable[[int], None]) -> Upscaled:
        upscalers: dict[Degradation, Upscaler] = {}
        bad: list[str] = []
        done = Upscaled([work.sr for work in self.work])
        for work in self.work:
            bad += self._one(work, upscalers, progress, done)
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

    def _one(
        self,
        work: Work,
        upscalers: dict[Degradation, Upscaler],
        progress: Callable[[int], None],
        done: Upscaled,
    ) -> list[str]:
        """Make what is missing of a dataset under a degradation; returns what failed, and why."""
        dataset, rule = self._seen(work), work.degradation
        kept = self.images[rule.name]
        missing = [e for e in dataset if not kept.has(work.dataset, e)]
        there, name = len(dataset.entries) - len(missing), f"{rule.name}/{work.dataset}"
        done.made[name], done.kept[name] = len(missing), there
        progress(there)
        if not missing:
            return []
        if rule not in upscalers:
            upscaler = load_upscaler(self.run, self.method, self.file, rule)
            upscalers[rule] = upscaler.on(*self.computing)
        part, folder = replace(dataset, entries=tuple(missing)), kept.folder / work.dataset
        note = partial(kept.note, work.dataset)
        try:
            upscale_dataset(upscalers[rule], part, folder, progress=progress, note=note)
        except BadImages as error:
            return error.reasons
        return []

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
        if self.computing.facts:
            write_text(folder / COMPUTED, json.dumps(self.computing.facts, indent=1) + "\n")


def _remove_others(folder: Path, kept: Mapping[str, Collection[str]]) -> None:
    """Remove what lies in a run's folder besides ``<degradation>/<dataset>`` of ``kept``."""
    for rule in folder.iterdir():
        for path in rule.iterdir() if rule.name in kept else [rule]:
            if path == rule or path.name not in kept[rule.name]:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


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
    large to hold several at once take all cores, one after the other. A GPU computes one image
    while the next ones are read and the last ones written.

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
            lr = dataset.make_lr(entry, upscaler.degradation, scale=upscaler.scale)
        try:
            sr = upscaler(lr)
        except SrBenchError as error:
            raise SrBenchError(f"{dataset.name}/{entry.name}: {error}") from error
        images.write(folder / f"{entry.stem}.png", sr, colour=upscaler.degradation.colour)
        note(entry)
        progress(1)

    workers = workers_for(max((e.shape[0] * e.shape[1] for e in dataset), default=1))
    if upscaler.device != CPU:
        workers = _AROUND_A_GPU
    with torch_threads(max(1, cores() // workers)):
        found = outcomes(upscale_one, dataset.entries, workers=workers)
    if found.failed:
        what = f"{dataset.name}: {len(found.failed)} of {len(dataset.entries)} images failed"
        raise BadImages(what, [failure.reason for failure in found.failed])


def workers_for(largest: int) -> int:
    """How many images of so many SR pixels are computed at once."""
    return max(1, min(cores(), _PIXELS_AT_ONCE // max(1, largest)))


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Threads that one torch operation may use; what it was is restored."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
