"""A run's missing images in blocks, each made by a worker: another process, another machine.

Workers read and write the same project folder. One whose code, libraries or processor are others
than those of the process that gave the block refuses it: its pixels could differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
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
from sr_bench.support.errors import SrBenchError

_PIXELS = 2_000_000  # of hr in a block: seconds of a small network, a minute of a large one


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
        last = f" to {self.images[-1]}" if len(self.images) > 1 else ""
        return f"{self.run}: {self.degradation}/{self.dataset}/{self.images[0]}{last}"


class BlockDone(NamedTuple):
    """What came of a block: stems of images that were written, and why others were not."""

    made: tuple[str, ...]
    failed: tuple[str, ...]


def in_blocks(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """The images in order, in blocks of about equal work."""
    block: list[Entry] = []
    pixels = 0
    for entry in entries:
        block.append(entry)
        pixels += entry.shape[0] * entry.shape[1]
        if pixels >= _PIXELS:
            yield block
            block, pixels = [], 0
    if block:
        yield block


def as_facts(prepared: Prepared) -> str:
    """What decides a run's images, in a form that a worker can compare."""
    return json.dumps(prepared.facts, sort_keys=True, default=str)


def make_block(block: Block) -> BlockDone:
    """Upscale the images of a block, one after the other; for a worker.

    Raises:
        SrBenchError: if this worker could make other pixels than the process that gave the block.
    """
    run = _opened(block.root, block.run, block.computing, block.facts)
    dataset, wanted, made = run.dataset(block.dataset), set(block.images), list[Entry]()
    failed: list[str] = []
    try:
        upscale_dataset(
            run.upscaler(block.degradation),
            dataset,
            block.folder,
            progress=lambda _: None,
            note=made.append,
            entries=[e for e in dataset if e.stem in wanted],
            at_once=1,
        )
    except BadImages as error:
        failed = error.reasons
    return BlockDone(tuple(e.stem for e in made), tuple(failed))


class _Run:
    """A run in a worker: what was opened for one block serves the next."""

    def __init__(self, project: Project, prepared: Prepared) -> None:
        self._project, self._prepared = project, prepared
        self._datasets: dict[str, Dataset] = {}
        self._upscalers: dict[str, Upscaler] = {}

    def dataset(self, name: str) -> Dataset:
        if name not in self._datasets:
            self._datasets[name] = self._project.dataset(name)
        return self._datasets[name]

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
    _require_same(as_facts(prepared), facts, name)
    return _Run(project, prepared)


def _require_same(here: str, given: str, run: str) -> None:
    ours, theirs = json.loads(here), json.loads(given)
    other = sorted(key for key in ours | theirs if ours.get(key) != theirs.get(key))
    if other:
        key = other[0]
        raise SrBenchError(
            f"{run}: a worker differs in {', '.join(other)} ({key}: {ours.get(key)}, where the "
            f"command was given {theirs.get(key)}), so that its pixels could differ; give all "
            "workers the same sr-bench, libraries, kind of processor and number of cores"
        )
