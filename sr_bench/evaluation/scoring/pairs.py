"""Pairs of files scored by the same rules: by threads of this process, or in blocks by workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.evaluation.scoring.pairing import NamePair
from sr_bench.evaluation.scoring.score import (
    ROW,
    Done,
    Job,
    Row,
    Scored,
    ignored,
    read_pair,
    score_each,
    score_in_turn,
)
from sr_bench.imaging.images import pixels_of
from sr_bench.support.executors import Executor
from sr_bench.support.parallel import cores
from sr_bench.support.units import (
    first_to_last,
    in_blocks,
    in_order,
    require_same_facts,
    software,
    work_in,
)

# Of this package, what decides a score.
CODE = ("evaluation/metrics", "evaluation/scoring", "imaging", "support/version.py")
_PIXELS_AT_ONCE = 100_000_000  # of hr over all threads: they take about 3.3 GB


@dataclass(frozen=True)
class Rules:
    """How pairs are scored.

    Args:
        protocols: how hr is cut, what is compared, and by which metrics.
        scale: the factor.
        metric: an extra one instead of those of the protocol, which is one then.
        device: of its network.
    """

    protocols: tuple[Protocol, ...]
    scale: int
    metric: str | None = None
    device: str | None = None

    def scored(self, jobs: Iterable[Job], *, at_once: int, done: Done) -> Scored:
        """By threads of this process, so many images at once."""
        if self.metric is not None:
            return self._by_metric(jobs, done)
        return score_each(jobs, self.protocols, scale=self.scale, at_once=at_once, done=done)

    def scored_in_turn(self, jobs: Iterable[Job]) -> Scored:
        """One after the other; for a worker."""
        if self.metric is not None:
            return self._by_metric(jobs, ignored)
        return score_in_turn(jobs, self.protocols, scale=self.scale)

    def _by_metric(self, jobs: Iterable[Job], done: Done) -> Scored:
        from sr_bench.evaluation.scoring.extra import score_extra

        assert self.metric is not None
        (protocol,) = self.protocols
        return score_extra(
            jobs,
            metric=self.metric,
            protocol=protocol,
            scale=self.scale,
            device=self.device,
            done=done,
        )


@dataclass(frozen=True)
class PairBlock:
    """Some pairs, for a worker.

    Args:
        pairs: which.
        rules: how they are scored.
        folder: where their paths begin, absolute.
        facts: :func:`~sr_bench.support.units.software` of scoring; the worker has to find the same.
    """

    pairs: tuple[NamePair, ...]
    rules: Rules
    folder: Path
    facts: str

    def __str__(self) -> str:
        return first_to_last((str(self.pairs[0].sr), *(pair.sr.name for pair in self.pairs[1:])))


def hr_pixels(pair: NamePair) -> int:
    """Of a pair, from the header of hr."""
    return pixels_of(pair.hr)


def score_pairs(
    pairs: Sequence[NamePair],
    rules: Rules,
    *,
    executor: Executor | None = None,
    pixels: Callable[[NamePair], int] = hr_pixels,
    done: Done = ignored,
) -> Scored:
    """Score pairs of files; a bad image doesn't cost the scores of the others.

    Args:
        pairs: which.
        rules: how.
        executor: whose workers do it; ``None``: threads of this process. The scores are the same.
        pixels: of a pair's hr.
        done: called with each image's name and rows; ``None`` where it has no scores.

    Returns:
        The rows in the order of the pairs.
    """
    if executor is not None:
        return _scored_elsewhere(pairs, rules, executor, pixels, done)
    largest = max(map(pixels, pairs), default=1)
    at_once = max(1, min(cores(), _PIXELS_AT_ONCE // max(1, largest)))
    return rules.scored(_jobs(pairs), at_once=at_once, done=done)


def score_block(block: PairBlock) -> Scored:
    """Score the pairs of a block; for a worker.

    Raises:
        SrBenchError: if this worker could find other scores than the process that gave the block.
    """
    require_same_facts(software(CODE), block.facts, str(block))
    work_in(block.folder)
    return block.rules.scored_in_turn(_jobs(block.pairs))


def _scored_elsewhere(
    pairs: Sequence[NamePair],
    rules: Rules,
    executor: Executor,
    pixels: Callable[[NamePair], int],
    done: Done,
) -> Scored:
    def tell(block: PairBlock, scored: Scored) -> None:
        rows: dict[str, list[Row]] = {}
        for name, *row in scored.rows.itertuples(index=False, name=None):
            rows.setdefault(name, []).append(tuple(row))
        for pair in block.pairs:
            done(pair.name, rows.get(pair.name))

    folder, facts = Path.cwd(), software(CODE)
    blocks = [PairBlock(tuple(some), rules, folder, facts) for some in in_blocks(pairs, pixels)]
    found = in_order(executor, score_block, blocks, tell)
    listed = [row for scored in found for row in scored.rows.itertuples(index=False, name=None)]
    failed = [failure for scored in found for failure in scored.failed]
    return Scored(pd.DataFrame(listed, columns=ROW), failed, len(pairs))


def _jobs(pairs: Iterable[NamePair]) -> list[Job]:
    return [(pair.name, partial(read_pair, pair.sr, pair.hr)) for pair in pairs]
