"""The images that models are evaluated on: a dataset by name, a folder, or pairs of HR and LR."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.data.catalogue.sources import Sources
from sr_bench.data.datasets.cache import open_source
from sr_bench.data.datasets.folders import OwnFolder, indexed
from sr_bench.data.datasets.manifest import Dataset, Entry
from sr_bench.data.datasets.transfer import Progress
from sr_bench.imaging.degrade import Degradation, GivenLr, degrade
from sr_bench.imaging.images import Image
from sr_bench.project.own_datasets import given_protocol
from sr_bench.support.errors import SrBenchError, about, unknown


@dataclass(frozen=True)
class TestSet:
    """Images that models are evaluated on.

    Args:
        dataset: the images; with LR where it is given.
        catalogued: whether its name is one of the catalogue or of the project, so that published
            numbers may be of the same images.
    """

    __test__ = False  # pytest collects classes of this name

    dataset: Dataset
    catalogued: bool = False

    @property
    def name(self) -> str:
        """The name in tables."""
        return self.dataset.name

    @property
    def largest(self) -> int:
        """Pixels of the largest HR image."""
        return max(entry.shape[0] * entry.shape[1] for entry in self.dataset)

    def some(self, entries: Sequence[Entry]) -> TestSet:
        """The same with these images alone."""
        lr = {s: {e.name: given[e.name] for e in entries} for s, given in self.dataset.lr.items()}
        return replace(self, dataset=replace(self.dataset, entries=tuple(entries), lr=lr))

    def under(self, protocol: Protocol) -> Protocol:
        """The protocol; where LR is given, one of its own that says so."""
        if not self.dataset.lr:
            return protocol
        return given_protocol(protocol, self.name, self.dataset.given)

    def require_lr(self, scale: int) -> None:
        """Refuse a scale that LR isn't given for.

        Raises:
            SrBenchError: with the scales that it is given for.
        """
        if self.dataset.lr and scale not in self.dataset.lr:
            given = ", ".join(f"x{s}" for s in self.dataset.lr)
            raise SrBenchError(f"LR of {self.name} is given for {given}, the model is x{scale}")

    def read(
        self, entry: Entry, rule: Degradation, *, scale: int
    ) -> tuple[Image, NDArray[np.generic]]:
        """HR as it is, and LR: made by the degradation, or as it is given.

        Raises:
            SrBenchError: if a file can't be read, or HR is too small.
        """
        hr = self.dataset.read(entry)
        if isinstance(rule, GivenLr):
            return hr, self.dataset.make_lr(entry, rule, scale=scale)
        with about(self.dataset.folder / entry.name):
            return hr, degrade(hr, rule, scale=scale)


def open_test_sets(
    named: Sequence[str],
    sources: Sources,
    own: Mapping[str, OwnFolder] = MappingProxyType({}),
    *,
    progress: Progress,
) -> list[TestSet]:
    """Datasets of the catalogue, fetched into the user's cache, and folders of HR images.

    Args:
        named: names of ``sr-bench list sources``; paths of folders, or patterns: ``hr/*_HR.png``.
        sources: what is known by name.
        own: a project's own datasets.
        progress: called with the number of bytes that have newly come.

    Raises:
        WrongUse: for what is neither.
        SrBenchError: if a dataset can't be had, there is no image in a folder, or one of its
            images can't be read.
    """
    opened = [(name, _opened(name, sources, own, progress)) for name in dict.fromkeys(named)]
    names = [test_set.name for _, test_set in opened]
    return [  # two folders of one name are called by their paths
        test_set
        if names.count(test_set.name) == 1
        else replace(test_set, dataset=replace(test_set.dataset, name=name))
        for name, test_set in opened
    ]


def _opened(
    named: str, sources: Sources, own: Mapping[str, OwnFolder], progress: Progress
) -> TestSet:
    if named in own:
        return TestSet(indexed(own[named]), catalogued=True)
    if named in sources:
        return TestSet(open_source(sources.find(named), progress=progress), catalogued=True)
    path = Path(named)
    if not path.exists() and path.name == named and "*" not in named:
        raise unknown("dataset", named, sources, where="the catalogue, and no folder")
    folder, pattern = (path.parent, path.name) if "*" in path.name else (path, "*")
    told = "--dataset 'FOLDER/*_HR.png', or --hr HR --lr LR"
    return TestSet(indexed(OwnFolder(folder.resolve().name, folder, pattern, told=told)))


def open_pairs(hr: Path, lr: Path, *, scale: int) -> TestSet:
    """Two folders whose files pair by their names; LR is given, not made.

    Raises:
        SrBenchError: for files without a partner, LR of another size than HR / scale, and images
            that can't be read.
    """
    for folder, option in ((hr, "--hr"), (lr, "--lr")):
        if not folder.is_dir():
            raise SrBenchError(f"{folder}: no such folder; correct {option}")
    both = Path(os.path.commonpath([hr.absolute(), lr.absolute()]))
    names = [folder.absolute().relative_to(both).as_posix() for folder in (hr, lr)]
    own = OwnFolder(
        hr.resolve().name, both, names[0], {scale: names[1]}, told=f"--hr {hr} and --lr {lr}"
    )
    return TestSet(indexed(own))
