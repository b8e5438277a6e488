"""A run's missing images in blocks, each made by a worker: another process, another machine.

Workers read and write the same project folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from sr_bench.data.datasets.manifest import Dataset, Entry
from sr_bench.evaluation.upscaling.dataset import BadImages, upscale_dataset
from sr_bench.evaluation.upscaling.prepared import Prepared
from sr_bench.networks.device import Computing
from sr_bench.networks.inference import Upscaler
from sr_bench.project.project import Project
from sr_bench.support.units import as_facts, first_to_last, require_same_facts


@dataclass(frozen=True)
class Block:
    """Some images of a dataset, to be upscaled by a run under one degradation.

    Args:
        root: the project folder, absolute.
        run: the run's name.
        degradation: the name of what makes lr.
        dataset: the name of what the images belong to.
        images: stems.
        folder: where the SR images go, absolute.
        computing: where, and in what precision.
        facts: ``Prepared.facts`` as JSON; the worker has to find the same.
    """

    root: Path
    run: str
    degradation: str
    dataset: str
    images: tuple[str, ...]
    folder: Path
    computing: Computing
    facts: str

    def __str__(self) -> str:
        return f"{self.run}: {self.degradation}/{self.dataset}/{first_to_last(self.images)}"


class BlockDone(NamedTuple):
    """What came of a block: stems of images that were written, and why others were not."""

    made: tuple[str, ...]
    failed: tuple[str, ...]


def make_block(block: Block) -> BlockDone:
    """Upscale the images of a block, one after the other; for a worker.

    Raises:
        SrBenchError: if this worker could make other pixels than the process that gave the block.
    """
    run = _opened(block.root, block.run, block.computing, block.facts)
    images = run.images(block.dataset)
    made, failed = list[Entry](), list[str]()
    try:
        upscale_dataset(
            run.upscaler(block.degradation),
            images.dataset,
            block.folder,
            progress=lambda _: None,
            note=made.append,
            entries=[images.by_stem[stem] for stem in block.images],
            at_once=1,
        )
    except BadImages as error:
        failed = error.reasons
    return BlockDone(tuple(e.stem for e in made), tuple(failed))


class _Images(NamedTuple):
    """A dataset, and its images by their stems."""

    dataset: Dataset
    by_stem: dict[str, Entry]


class _Run:
    """A run in a worker: what was opened for one block serves the next."""

    def __init__(self, project: Project, prepared: Prepared) -> None:
        self._project, self._prepared = project, prepared
        self._images: dict[str, _Images] = {}
        self._upscalers: dict[str, Upscaler] = {}

    def images(self, name: str) -> _Images:
        if name not in self._images:
            dataset = self._project.dataset(name)
            self._images[name] = _Images(dataset, {e.stem: e for e in dataset})
        return self._images[name]

    def upscaler(self, degradation: str) -> Upscaler:
        if degradation not in self._upscalers:
            work = self._project.require_work(self._prepared.run)
            rules = {one.degradation.name: one.degradation for one in work}
            self._upscalers[degradation] = self._prepared.upscaler(rules[degradation])
        return self._upscalers[degradation]


@lru_cache(maxsize=2)
def _opened(root: Path, name: str, computing: Computing, facts: str) -> _Run:
    project = Project.load(root)
    prepared = Prepared.of(project, project.run(name), computing)
    require_same_facts(as_facts(prepared.facts), facts, name)
    return _Run(project, prepared)
