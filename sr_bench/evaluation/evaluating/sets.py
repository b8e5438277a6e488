"""The images that models are evaluated on: a dataset by name, a folder, or pairs of HR and LR."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.data.catalogue.sources import source_names
from sr_bench.data.datasets.cache import open_anywhere
from sr_bench.data.datasets.fetch import Progress
from sr_bench.evaluation.scoring.pairing import pair_folders
from sr_bench.imaging import images
from sr_bench.imaging.color import rgb_to_ycbcr, to_uint8
from sr_bench.imaging.degrade import Degradation, degrade, modcrop
from sr_bench.imaging.images import Image, Skip
from sr_bench.support.errors import about, unknown

GIVEN = "given"  # in the signature, where the degradation would stand


@dataclass(frozen=True)
class TestImage:
    """One HR image: its name in tables, its file and size, and the file of its LR if given."""

    __test__ = False  # pytest collects classes of this name

    name: str
    hr: Path
    pixels: int
    lr: Path | None = None

    def read(self, degradation: Degradation, scale: int) -> tuple[Image, NDArray[np.generic]]:
        """HR as it is, and LR in the planes of the degradation: made by it, or the given file's.

        Raises:
            SrBenchError: if a file can't be read, HR is too small, or the given LR doesn't fit HR.
        """
        hr = images.read(self.hr)
        if self.lr is None:
            with about(self.hr):
                return hr, degrade(hr, degradation, scale=scale)
        lr = images.read(self.lr)
        with about(self.lr):
            _require_fit(lr, modcrop(hr, degradation.multiple(scale)), hr, scale)
        if degradation.colour == "ycbcr" and lr.ndim == 3:
            return hr, to_uint8(rgb_to_ycbcr(lr))
        return hr, lr


@dataclass(frozen=True)
class TestSet:
    """Images under one name.

    Args:
        name: in tables.
        images: in the order of their names.
        catalogued: whether it is a dataset of the catalogue, so that published numbers may be of
            the same images.
    """

    __test__ = False

    name: str
    images: tuple[TestImage, ...]
    catalogued: bool = False

    @property
    def largest(self) -> int:
        """Pixels of the largest HR image."""
        return max(image.pixels for image in self.images)

    @property
    def lr_given(self) -> bool:
        """Whether LR is read, not made."""
        return self.images[0].lr is not None

    def signature(self, protocol: Protocol) -> str:
        """The protocol's signature; where LR is given, it says so in place of the degradation."""
        if not self.lr_given:
            return protocol.signature
        return protocol.signature.replace(f"lr:{protocol.degradation}", f"lr:{GIVEN}")


def open_test_sets(
    named: Sequence[str], *, progress: Progress, skip: Skip | None = None
) -> list[TestSet]:
    """Datasets of the catalogue, fetched into the user's cache, and folders of HR images.

    Args:
        named: names of ``sr-bench list sources``, or paths of folders.
        progress: called with the number of bytes that have newly come.
        skip: called with each file of a folder that isn't an image, and the reason.

    Raises:
        WrongUse: for what is neither.
        SrBenchError: if a dataset can't be had, or there is no image in a folder.
    """
    opened = [(name, _opened(name, progress, skip)) for name in dict.fromkeys(named)]
    names = [test_set.name for _, test_set in opened]
    return [  # two folders of one name are called by their paths
        test_set if names.count(test_set.name) == 1 else replace(test_set, name=name)
        for name, test_set in opened
    ]


def _opened(named: str, progress: Progress, skip: Skip | None) -> TestSet:
    if named in source_names():
        dataset = open_anywhere(named, progress=progress)
        entries = (
            TestImage(e.stem, dataset.folder / e.name, e.shape[0] * e.shape[1]) for e in dataset
        )
        return TestSet(named, tuple(entries), catalogued=True)
    folder = Path(named)
    if not folder.exists() and folder.name == named:
        raise unknown("dataset", named, source_names(), where="the catalogue, and no folder")
    paths = images.listing(folder, skip=skip)
    found = tuple(TestImage(p.stem, p, images.pixels_of(p)) for p in paths)
    return TestSet(folder.resolve().name, found)


def open_pairs(hr: Path, lr: Path, *, scale: int, skip: Skip | None = None) -> TestSet:
    """Two folders whose files pair by their names; LR is given, not made.

    Raises:
        SrBenchError: naming every file that has no partner, or more than one.
    """
    pairs = pair_folders(lr, hr, scale=scale, skip=skip)
    found = tuple(TestImage(p.name, p.hr, images.pixels_of(p.hr), p.sr) for p in pairs)
    return TestSet(hr.resolve().name, found)


def _require_fit(lr: Image, cut: Image, hr: Image, scale: int) -> None:
    expected = (cut.shape[0] // scale, cut.shape[1] // scale)
    if lr.shape[:2] != expected:
        raise ValueError(
            f"lr is {lr.shape[:2]}, hr is {hr.shape[:2]}, so at scale {scale} lr is {expected}; "
            "check the scale, or give hr alone and let lr be made"
        )
