"""A part of an evaluation under way: its images through its models, and their scores."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.data.datasets.manifest import Entry
from sr_bench.evaluation.evaluating.candidate import Candidate
from sr_bench.evaluation.evaluating.parts import Part
from sr_bench.evaluation.scoring.score import Pair, score_pair
from sr_bench.evaluation.scoring.table import DECIMALS
from sr_bench.evaluation.upscaling.dataset import torch_threads, workers_for
from sr_bench.imaging import images
from sr_bench.imaging.crops import middle
from sr_bench.imaging.images import Colour, Image
from sr_bench.networks.device import CPU
from sr_bench.networks.inference import Upscaler
from sr_bench.support.errors import SrBenchError, about
from sr_bench.support.parallel import Map, cores, outcomes, strips_mapper

_REPEATED = 64  # lr pixels a side, at most, that each model upscales once more
_PIXELS_BESIDE_GPU = 32_000_000  # of hr images under way: they take about 4 GB
Row = tuple[str, int, str, str, str, str, float, str]
ROW = ["model", "scale", "dataset", "protocol", "metric", "image", "value", "signature"]
Lr = NDArray[np.generic]


@dataclass(frozen=True)
class Fault:
    """What couldn't be scored: a model on a dataset, or on one image of it, and why."""

    model: str
    dataset: str
    image: str
    reason: str


class Unsteady(NamedTuple):
    """A model that gave other pixels for the same image, and how many."""

    model: str
    found: str


@dataclass
class PartScores:
    """What came of a part, or of some images of it.

    Args:
        rows: one for each model, protocol, metric and image.
        faults: what has no score, without that a model failed.
        stopped: models that failed, each with its first failure: they have no score at all.
        unsteady: models whose scores are of one time alone.
    """

    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    stopped: dict[str, Fault] = field(default_factory=dict)
    unsteady: list[Unsteady] = field(default_factory=list)

    def add(self, other: PartScores) -> None:
        """What came of the next images."""
        self.rows += other.rows
        self.faults += other.faults
        self.stopped = other.stopped | self.stopped
        self.unsteady += other.unsteady

    @property
    def scored(self) -> list[Row]:
        """The rows of models that didn't fail."""
        return [row for row in self.rows if row[0] not in self.stopped]

    @property
    def all_faults(self) -> list[Fault]:
        """Everything that has no score."""
        return [*self.stopped.values(), *self.faults]


def calls_at_once(part: Part) -> int:
    """How many calls of models run side by side in one process."""
    if all(candidate.shared for candidate, _ in part.models):
        return workers_for(part.test_set.largest)
    return 1


@dataclass(frozen=True)
class Called:
    """A model ready to be called, and the protocols that score it."""

    candidate: Candidate
    protocols: tuple[Protocol, ...]
    upscaler: Upscaler


class _Calls(NamedTuple):
    """How images are computed: how many models at once, strips of an image, who is told."""

    compute: threading.BoundedSemaphore
    mapper: Map
    progress: Callable[[int], None]


@dataclass
class PartWork:
    """A part under way.

    Args:
        part: its images and models.
        save: the folder for SR images; ``None`` keeps none.
        repeated: the image that each model is called with once more; ``None`` for a block of
            images, where another one has it.
    """

    part: Part
    save: Path | None
    repeated: Entry | None
    called: list[Called] = field(default_factory=list)
    found: PartScores = field(default_factory=PartScores)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def begin(cls, part: Part, save: Path | None, *, repeat: bool = True) -> PartWork:
        """Build the models for the part's LR."""
        entries = part.test_set.dataset.entries
        smallest = min(entries, key=lambda entry: entry.shape[0] * entry.shape[1], default=None)
        work = cls(part, save, smallest if repeat else None)
        for candidate, protocols in part.models:
            try:
                part.test_set.require_lr(part.scale)
                upscaler = candidate.upscaler(part.degradation)
            except SrBenchError as error:
                work.stop(candidate.name, None, error)
                continue
            work.called.append(Called(candidate, protocols, upscaler))
        return work

    def stop(self, model: str, image: Entry | None, error: Exception) -> None:
        """Note a model's first failure; it isn't called again."""
        fault = self._fault(model, image, str(error) or "not enough memory")
        with self.lock:
            self.found.stopped.setdefault(model, fault)

    def _fault(self, model: str, image: Entry | None, reason: str) -> Fault:
        name = "" if image is None else image.stem
        return Fault(model, self.part.test_set.name, name, reason)

    def all(self, progress: Callable[[int], None]) -> PartScores:
        """Every image through every model, by threads of this process."""
        at_once = calls_at_once(self.part)
        mapper, strips = strips_mapper(len(self.part.test_set.dataset.entries))
        with strips:
            calls = _Calls(threading.BoundedSemaphore(at_once), mapper, progress)
            return self._made(calls, cores() // at_once, self._workers(at_once))

    def in_turn(self, threads: int) -> PartScores:
        """The same on one image after the other; for a worker.

        Args:
            threads: that a model may use: as many as where all images are computed.
        """
        calls = _Calls(threading.BoundedSemaphore(1), map, lambda _: None)
        return self._made(calls, threads, 1)

    def _made(self, calls: _Calls, threads: int, workers: int) -> PartScores:
        entries = self.part.test_set.dataset.entries
        calls.progress(len(entries) * (len(self.part.models) - len(self.called)))

        def one(image: Entry) -> list[Row]:
            return list(self._rows(image, calls))

        with torch_threads(threads):
            found = outcomes(one, entries if self.called else [], workers=workers)
        self.found.faults += [self._fault("", f.item, f.reason) for f in found.failed]
        self.found.rows += [row for _, rows in found.done for row in rows]
        return self.found

    def _workers(self, at_once: int) -> int:
        """Images under way: while models compute, others are read, degraded and scored.

        Beside a GPU all cores do that, as far as memory goes.
        """
        if all(called.upscaler.device == CPU for called in self.called):
            return at_once + 1
        most = _PIXELS_BESIDE_GPU // max(1, self.part.test_set.largest)
        return max(at_once + 1, min(cores(), most))

    def _rows(self, image: Entry, calls: _Calls) -> Iterator[Row]:
        """The scores of one image, model by model."""
        part = self.part
        try:
            hr, lr = part.test_set.read(image, part.degradation, scale=part.scale)
        except SrBenchError:
            calls.progress(len(self.called))
            raise
        for called in self.called:
            sr = self._upscaled(called, image, lr, calls)
            if sr is not None:
                yield from self._scored(called, image, Pair(sr, hr, self._colour(sr)), calls.mapper)
            calls.progress(1)

    def _upscaled(self, called: Called, image: Entry, lr: Lr, calls: _Calls) -> Image | None:
        """SR, which is saved where that was asked for; ``None`` of a model that failed."""
        name = called.candidate.name
        try:
            with calls.compute:
                sr = None if name in self.found.stopped else called.upscaler(lr)
                if sr is not None and image is self.repeated:
                    self._repeat(called, image, lr, sr)
        except (SrBenchError, MemoryError) as error:
            self.stop(name, image, error)
            return None
        if sr is not None and self.save is not None:
            path = self.part.sr_path(self.save, called.candidate, image)
            images.write(path, sr, colour=self.part.degradation.colour)
        return sr

    def _repeat(self, called: Called, image: Entry, lr: Lr, sr: Image) -> None:
        """Call a model once more with the middle of an image; its scores hold if it is the same."""
        part = middle(lr, _REPEATED)
        try:
            first = sr if part.shape == lr.shape else called.upscaler(part)
            again = called.upscaler(part)
        except (SrBenchError, MemoryError):  # it takes no image of this size; others it took
            return
        off = np.abs(again.astype(np.int16) - first)
        if off.any():
            where = f"{self.part.test_set.name}/{image.stem}"
            found = (
                f"{np.count_nonzero(off)} of {off.size} SR values of the same LR ({where}, "
                f"{part.shape[0]} x {part.shape[1]}) were different the second time, by up to "
                f"{off.max()}: it draws random numbers, or keeps something from call to call; "
                "its scores are those of one time"
            )
            with self.lock:
                self.found.unsteady.append(Unsteady(called.candidate.name, found))

    def _colour(self, sr: Image) -> Colour:
        return self.part.degradation.colour if sr.ndim == 3 else "rgb"

    def _scored(self, called: Called, image: Entry, pair: Pair, mapper: Map) -> Iterator[Row]:
        name, scale = called.candidate.name, self.part.scale
        dataset = self.part.test_set.dataset
        for protocol in called.protocols:
            signature = called.candidate.signature(protocol.signature)
            try:
                with about(dataset.folder / image.name):
                    values = score_pair(pair, protocol, scale=scale, mapper=mapper)
            except SrBenchError as error:
                self.found.faults.append(self._fault(name, image, str(error)))
                continue
            for metric, value in values.items():
                cell = (name, scale, dataset.name, protocol.name, str(metric))
                yield (*cell, image.stem, round(value, DECIMALS), signature)
