"""Models on test sets: LR is made once for all models of a scale, upscaled, and scored.

What is scored is what ``sr-bench upscale`` writes and ``sr-bench score`` reads: uint8 SR. Threads
read, degrade and score while a model computes; nothing is kept but the scores.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.data.datasets.manifest import Entry
from sr_bench.evaluation.evaluating.candidate import Candidate
from sr_bench.evaluation.evaluating.parts import Part
from sr_bench.evaluation.scoring.score import Pair, score_pair
from sr_bench.evaluation.scoring.table import DECIMALS
from sr_bench.evaluation.upscaling.dataset import torch_threads, workers_for
from sr_bench.imaging import images
from sr_bench.imaging.images import Colour, Image
from sr_bench.networks.device import CPU
from sr_bench.networks.inference import Upscaler
from sr_bench.support.errors import SrBenchError, about
from sr_bench.support.parallel import Map, cores, outcomes, strips_mapper

_PIXELS_BESIDE_GPU = 32_000_000  # of hr images under way: they take about 4 GB
ROW = ["model", "scale", "dataset", "protocol", "metric", "image", "value", "signature"]
Row = tuple[str, int, str, str, str, str, float, str]
Lr = NDArray[np.generic]


@dataclass(frozen=True)
class Fault:
    """What couldn't be scored: a model on a dataset, or on one image of it, and why."""

    model: str
    dataset: str
    image: str
    reason: str


@dataclass(frozen=True)
class Evaluation:
    """What came out.

    Args:
        rows: one for each model, dataset, protocol, metric and image; the columns of :data:`ROW`.
        faults: everything that has no score.
    """

    rows: pd.DataFrame
    faults: tuple[Fault, ...]

    @property
    def table(self) -> pd.DataFrame:
        """The rows, and one with an ``error`` for each fault; without faults no such column."""
        if not self.faults:
            return self.rows
        bad = pd.DataFrame(
            [
                {"model": f.model, "dataset": f.dataset, "image": f.image, "error": f.reason}
                for f in self.faults
            ]
        )
        table = pd.concat([self.rows, bad], ignore_index=True)
        return table.fillna({"error": "", "protocol": "", "metric": "", "signature": ""})


def evaluate(
    parts: Sequence[Part], *, progress: Callable[[int], None], save: Path | None = None
) -> Evaluation:
    """Score every model of every part.

    Args:
        parts: from :func:`~sr_bench.evaluation.evaluating.parts.parts_of`.
        progress: called with 1 after each image of each model.
        save: the folder for SR images; ``None`` keeps none.

    Returns:
        The scores, and what has none: a model that fails on an image isn't called again for that
        test set, and has no score there; an image that can't be read costs no other.
    """
    rows: list[pd.DataFrame] = []
    faults: list[Fault] = []
    for part in parts:
        work = _Work.begin(part, save)
        rows.append(work.all(progress))
        faults += work.faults
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=ROW)
    return Evaluation(table, tuple(faults))


@dataclass(frozen=True)
class _Called:
    """A model ready to be called, and the protocols that score it."""

    candidate: Candidate
    protocols: tuple[Protocol, ...]
    upscaler: Upscaler


@dataclass
class _Work:
    """A part under way."""

    part: Part
    save: Path | None
    called: list[_Called] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    stopped: set[str] = field(default_factory=set)  # models that failed
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def begin(cls, part: Part, save: Path | None) -> _Work:
        """Build the models for the part's LR."""
        work = cls(part, save)
        for candidate, protocols in part.models:
            try:
                part.test_set.require_lr(part.scale)
                upscaler = candidate.upscaler(part.degradation)
            except SrBenchError as error:
                work.stop(candidate.name, None, error)
                continue
            work.called.append(_Called(candidate, protocols, upscaler))
        return work

    def stop(self, model: str, image: Entry | None, error: Exception) -> None:
        """Note a model's first failure; it isn't called again."""
        with self.lock:
            if model in self.stopped:
                return
            self.stopped.add(model)
        reason = str(error) or "not enough memory"
        self._note(model, image, reason)

    def _note(self, model: str, image: Entry | None, reason: str) -> None:
        name = "" if image is None else image.stem
        self.faults.append(Fault(model, self.part.test_set.name, name, reason))

    def all(self, progress: Callable[[int], None]) -> pd.DataFrame:
        """Every image through every model."""
        entries = self.part.test_set.dataset.entries
        progress(len(entries) * (len(self.part.models) - len(self.called)))
        at_once = self._at_once()
        mapper, strips = strips_mapper(len(entries))
        compute = threading.BoundedSemaphore(at_once)

        def one(image: Entry) -> list[Row]:
            return list(self._rows(image, compute, mapper, progress))

        with strips, torch_threads(cores() // at_once):
            found = outcomes(one, entries if self.called else [], workers=self._workers(at_once))
        for failure in found.failed:
            self._note("", failure.item, failure.reason)
        rows = [row for _, rows in found.done for row in rows if row[0] not in self.stopped]
        return pd.DataFrame(rows, columns=ROW)

    def _at_once(self) -> int:
        """How many calls of models run side by side."""
        if all(called.candidate.shared for called in self.called):
            return workers_for(self.part.test_set.largest)
        return 1

    def _workers(self, at_once: int) -> int:
        """Images under way: while models compute, others are read, degraded and scored.

        Beside a GPU all cores do that, as far as memory goes.
        """
        if all(called.upscaler.device == CPU for called in self.called):
            return at_once + 1
        most = _PIXELS_BESIDE_GPU // max(1, self.part.test_set.largest)
        return max(at_once + 1, min(cores(), most))

    def _rows(
        self,
        image: Entry,
        compute: threading.BoundedSemaphore,
        mapper: Map,
        progress: Callable[[int], None],
    ) -> Iterator[Row]:
        """The scores of one image, model by model."""
        part = self.part
        try:
            hr, lr = part.test_set.read(image, part.degradation, scale=part.scale)
        except SrBenchError:
            progress(len(self.called))
            raise
        for called in self.called:
            sr = self._upscaled(called, image, lr, compute)
            if sr is not None:
                yield from self._scored(called, image, Pair(sr, hr, self._colour(sr)), mapper)
            progress(1)

    def _upscaled(
        self, called: _Called, image: Entry, lr: Lr, compute: threading.BoundedSemaphore
    ) -> Image | None:
        """SR, which is saved where that was asked for; ``None`` of a model that failed."""
        name = called.candidate.name
        try:
            with compute:
                sr = None if name in self.stopped else called.upscaler(lr)
        except (SrBenchError, MemoryError) as error:
            self.stop(name, image, error)
            return None
        if sr is not None and self.save is not None:
            path = self.part.sr_path(self.save, called.candidate, image)
            images.write(path, sr, colour=self.part.degradation.colour)
        return sr

    def _colour(self, sr: Image) -> Colour:
        return self.part.degradation.colour if sr.ndim == 3 else "rgb"

    def _scored(self, called: _Called, image: Entry, pair: Pair, mapper: Map) -> Iterator[Row]:
        name, scale = called.candidate.name, self.part.scale
        dataset = self.part.test_set.dataset
        for protocol in called.protocols:
            signature = called.candidate.signature(protocol.signature)
            try:
                with about(dataset.folder / image.name):
                    values = score_pair(pair, protocol, scale=scale, mapper=mapper)
            except SrBenchError as error:
                self._note(name, image, str(error))
                continue
            for metric, value in values.items():
                cell = (name, scale, dataset.name, protocol.name, str(metric))
                yield (*cell, image.stem, round(value, DECIMALS), signature)
