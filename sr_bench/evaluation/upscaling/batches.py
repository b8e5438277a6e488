"""Images that a model sees at once: those of one size, on a GPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sr_bench.data.datasets.manifest import Dataset, Entry
from sr_bench.imaging.images import Image
from sr_bench.networks.device import CPU
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.tiles import takes_batches
from sr_bench.support.errors import SrBenchError, about

_MOST = 16  # images: more hardly make a GPU faster
Batch = tuple[Entry, ...]
Lr = NDArray[np.generic]


def batches_of(dataset: Dataset, upscaler: Upscaler, *, most: int) -> list[Batch]:
    """A dataset's images in the batches that are computed together.

    On the CPU each image is computed by itself: its bytes never depend on the others.

    Args:
        dataset: its hr images.
        upscaler: the model, where it runs.
        most: hr pixels of a batch of several.
    """
    if upscaler.device == CPU or not takes_batches(upscaler.model):
        return [(entry,) for entry in dataset]
    alike: dict[tuple[int, ...], list[Entry]] = {}
    for entry in dataset:
        alike.setdefault(tuple(entry.shape), []).append(entry)
    found: list[Batch] = []
    for (height, width, *_), entries in alike.items():
        count = max(1, min(_MOST, most // (height * width)))
        found += [tuple(entries[i : i + count]) for i in range(0, len(entries), count)]
    return found


@dataclass(frozen=True)
class Batches:
    """Batches of a dataset's images, from hr to sr.

    Args:
        upscaler: the model, for lr of one degradation.
        dataset: whose images they are.
        done: called with each image and its sr.
    """

    upscaler: Upscaler
    dataset: Dataset
    done: Callable[[Entry, Image], None]

    def one(self, batch: Batch) -> list[str]:
        """Upscale a batch; a bad image doesn't cost the others.

        Returns:
            Why images failed.
        """
        lrs: dict[Entry, Lr] = {}
        reasons: list[str] = []
        for entry in batch:
            try:
                lrs[entry] = self._lr(entry)
            except SrBenchError as error:
                reasons.append(str(error))
        if lrs and not self._together(lrs):
            reasons += [reason for entry in lrs for reason in self._alone(entry, lrs[entry])]
        return reasons

    def _together(self, lrs: Mapping[Entry, Lr]) -> bool:
        """False where the model fails on one of several: which one, is seen from each alone."""
        if len(lrs) == 1:
            return False
        try:
            srs = self.upscaler.together(list(lrs.values()))
        except (SrBenchError, MemoryError):
            return False
        for entry, sr in zip(lrs, srs):
            self.done(entry, sr)
        return True

    def _alone(self, entry: Entry, lr: Lr) -> list[str]:
        try:
            sr = self.upscaler(lr)
        except (SrBenchError, MemoryError) as error:
            return [f"{self.dataset.name}/{entry.name}: {error or 'not enough memory'}"]
        self.done(entry, sr)
        return []

    def _lr(self, entry: Entry) -> Lr:
        with about(self.dataset.folder / entry.name):
            rule, scale = self.upscaler.degradation, self.upscaler.scale
            return self.dataset.make_lr(entry, rule, scale=scale)
