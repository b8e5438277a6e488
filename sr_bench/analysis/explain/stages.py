"""What is tried together: ways that need no network first, then those that do, within a bound."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from sr_bench.analysis.explain.deviation import Deviation
from sr_bench.analysis.explain.subject import NetworkPass, Subject
from sr_bench.analysis.explain.way import Way
from sr_bench.data.catalogue.protocols import Protocol

_COUNTS = {0: "protocols as they are", 1: "single deviations", 2: "pairs of deviations"}


@dataclass(frozen=True)
class Candidate:
    """A protocol and the deviations from it."""

    protocol: Protocol
    deviations: tuple[Deviation, ...]
    way: Way

    @property
    def text(self) -> str:
        """The deviations for people."""
        return " and ".join(d.text for d in self.deviations) or "the protocol itself"

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """Protocol and names of the deviations."""
        return self.protocol.name, tuple(d.name for d in self.deviations)


@dataclass(frozen=True)
class Stage:
    """Ways that are tried together."""

    candidates: tuple[Candidate, ...]  # the ways, all of one count of deviations
    images: int  # how many images there are
    passes: int = 0  # how often a network runs over them
    left_out: int = 0  # how many ways would have needed more passes than are allowed

    @property
    def count(self) -> int:
        """Deviations of each way."""
        return len(self.candidates[0].deviations)

    def __str__(self) -> str:
        many = len(self.candidates)
        text = f"{many} {_COUNTS[self.count]}"
        if self.passes:
            text += f", for which the network runs {self.passes} times over {self.images} images"
        return f"{text} ({self.left_out} ways left out)" if self.left_out else text


@dataclass
class Budget:
    """Which passes of the network were made, and how many more may be."""

    left: int
    done: set[Hashable] = field(default_factory=set)

    def needs(self, wanted: NetworkPass | None) -> bool:
        """Whether that is a pass still to be made."""
        return wanted is not None and wanted.key not in self.done

    def allows(self, wanted: NetworkPass) -> bool:
        """Whether the pass was made or may be; it is then taken as made."""
        if wanted.key in self.done:
            return True
        if wanted.times > self.left:
            return False
        self.take(wanted)
        return True

    def take(self, wanted: NetworkPass) -> None:
        """Count a pass."""
        self.done.add(wanted.key)
        self.left -= wanted.times


def stages(candidates: Sequence[Candidate], subject: Subject, budget: Budget) -> Iterator[Stage]:
    """The ways without a new pass of the network, then those with one, as far as allowed.

    Args:
        budget: how many passes there may be; those of the stages that were taken are counted.
    """
    images = len(subject.hr)
    wanted = [(c, subject.network(c.way)) for c in candidates]
    costly = [(c, p) for c, p in wanted if p is not None and budget.needs(p)]
    costly.sort(key=lambda item: item[1].times)  # stable: the likely ones stay first
    apart = {id(c) for c, _ in costly}
    if cheap := tuple(c for c in candidates if id(c) not in apart):
        yield Stage(cheap, images)
    before = budget.left
    allowed = tuple(c for c, p in costly if budget.allows(p))
    if costly:
        yield Stage(allowed, images, before - budget.left, len(costly) - len(allowed))
