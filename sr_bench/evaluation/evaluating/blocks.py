"""Parts of an evaluation in blocks of images, each scored by a worker, which opens the models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.data.datasets.manifest import Entry
from sr_bench.evaluation.evaluating.candidate import Candidate, CandidateOptions, open_candidates
from sr_bench.evaluation.evaluating.parts import Part
from sr_bench.evaluation.evaluating.sets import TestSet
from sr_bench.evaluation.evaluating.work import PartScores, PartWork, calls_at_once
from sr_bench.evaluation.scoring.pairs import CODE
from sr_bench.evaluation.upscaling.circumstances import code_and_machine
from sr_bench.imaging.degrade import Degradation
from sr_bench.project.here import catalogue_here, methods_here, project_here
from sr_bench.support.errors import SrBenchError
from sr_bench.support.executors import Executor
from sr_bench.support.parallel import Failure, cores
from sr_bench.support.units import (
    as_facts,
    first_to_last,
    in_blocks,
    in_order,
    require_same_facts,
    work_in,
)
from sr_bench.support.version import code_hash


@dataclass(frozen=True)
class Asked:
    """The models as the user named them: a loaded one can't be sent to another process.

    Args:
        named: files, functions, methods, runs.
        options: how they are opened, without the catalogue, which the worker reads itself.
        folder: where paths and names begin, absolute.
    """

    named: tuple[str, ...]
    options: CandidateOptions
    folder: Path

    @classmethod
    def here(cls, named: Sequence[str], options: CandidateOptions) -> Asked:
        """What was named in the current folder."""
        opened = replace(options.opened, sources=None)
        return cls(tuple(named), replace(options, opened=opened), Path.cwd())


@dataclass(frozen=True)
class Elsewhere:
    """Whose workers score, and what they open."""

    executor: Executor
    asked: Asked


@dataclass(frozen=True)
class PartBlock:
    """Some images of a part.

    Args:
        asked: how the worker opens the models.
        models: their names, each with the protocols that score it.
        test_set: these images alone.
        degradation, scale: how LR is made.
        threads: that a model may use.
        save: the folder for SR images, absolute; ``None`` keeps none.
        facts: what decides the scores; the worker has to find the same.
        repeat: whether each model is called with an image once more.
    """

    asked: Asked
    models: tuple[tuple[str, tuple[Protocol, ...]], ...]
    test_set: TestSet
    degradation: Degradation
    scale: int
    threads: int
    save: Path | None
    facts: str
    repeat: bool

    def __str__(self) -> str:
        images = first_to_last([entry.stem for entry in self.test_set.dataset.entries])
        models = ", ".join(name for name, _ in self.models)
        return f"{models}: {self.degradation.name}/{self.test_set.name}/{images}"


def scored_elsewhere(
    parts: Sequence[Part],
    elsewhere: Elsewhere,
    progress: Callable[[int], None],
    save: Path | None,
) -> list[PartScores]:
    """Every image of every part through every model, by workers.

    Args:
        parts: of the evaluation.
        elsewhere: whose workers.
        progress: called with how many images of models were done.
        save: the folder for SR images.

    Returns:
        What came of each part.
    """
    facts = _facts({c.name: c for part in parts for c, _ in part.models})
    place = None if save is None else save.absolute()
    listed = [_blocks(part, elsewhere.asked, place, facts) for part in parts]
    blocks = [block for of_part in listed for block in of_part]

    def done(block: PartBlock, scores: PartScores) -> None:
        progress(len(block.test_set.dataset.entries) * len(block.models))

    results = iter(in_order(elsewhere.executor, score_part_block, blocks, done))
    found = []
    for of_part in listed:
        whole = PartScores()
        for _ in of_part:
            whole.add(next(results))
        found.append(whole)
    return found


def score_part_block(block: PartBlock) -> PartScores:
    """Score the images of a block; for a worker.

    Raises:
        SrBenchError: if this worker could find other scores than the process that gave the block,
            or can't open a model.
    """
    work_in(block.asked.folder)
    opened = _opened(block.asked)
    models = {name: opened.model(name) for name, _ in block.models}
    require_same_facts(_facts(models), block.facts, str(block))
    named = tuple((models[name], protocols) for name, protocols in block.models)
    part = Part(block.test_set, block.degradation, block.scale, named)
    return PartWork.begin(part, block.save, repeat=block.repeat).in_turn(block.threads)


def _blocks(part: Part, asked: Asked, save: Path | None, facts: str) -> list[PartBlock]:
    threads = cores() // calls_at_once(part)
    models = tuple((candidate.name, protocols) for candidate, protocols in part.models)

    def calls(entry: Entry) -> int:
        return entry.shape[0] * entry.shape[1] * len(models)

    return [
        PartBlock(
            asked,
            models,
            part.test_set.some(entries),
            part.degradation,
            part.scale,
            threads,
            save,
            facts,
            repeat=number == 0,
        )
        for number, entries in enumerate(in_blocks(part.test_set.dataset, calls))
    ]


def _facts(models: Mapping[str, Candidate]) -> str:
    """What decides the scores, besides the images and what the user said."""
    files = {name: candidate.sha256 for name, candidate in models.items()}
    return as_facts({**code_and_machine(), "scoring": code_hash(CODE), "models": files})


@dataclass(frozen=True)
class _Opened:
    """The models of a worker: what was opened for one block serves the next."""

    models: Mapping[str, Candidate]
    failed: Sequence[Failure[str]]

    def model(self, name: str) -> Candidate:
        if name in self.models:
            return self.models[name]
        reasons = "; ".join(failure.reason for failure in self.failed)
        raise SrBenchError(f"{name}: a worker can't open it, as the command could: {reasons}")


@lru_cache(maxsize=2)
def _opened(asked: Asked) -> _Opened:
    project = project_here()
    sources = catalogue_here().sources if project is None else project.catalogue.sources
    options = replace(asked.options, opened=replace(asked.options.opened, sources=sources))
    found, failed = open_candidates(
        asked.named, project=project, methods=methods_here(project), options=options
    )
    return _Opened({c.name: replace(c, upscaler=cache(c.upscaler)) for c in found}, failed)
