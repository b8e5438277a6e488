"""What is asked of the search, and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sr_bench.analysis.explain.claim import Claim
from sr_bench.analysis.explain.stages import Candidate
from sr_bench.analysis.explain.subject import Subject
from sr_bench.data.catalogue.protocols import Protocol, load_protocols

PASSES = 80  # of a network over the images, if nobody says how many


@dataclass(frozen=True)
class Question:
    """What is to be explained."""

    subject: Subject  # the images
    claims: tuple[Claim, ...]  # one or more numbers that one and the same way must give
    # the one that the claim names; deviations start from it. `None`: from all.
    protocol: Protocol | None = None
    limit: int = 2  # the most deviations at once, 0 to 2
    passes: int = PASSES  # how often a network may run over all images, self-ensemble counting 8
    # the protocols to try, by name
    known: Mapping[str, Protocol] = field(default_factory=lambda: load_protocols().protocols)

    @property
    def protocols(self) -> dict[str, Protocol]:
        """Those that are tried: of MATLAB's bicubic, unless the claim names another degradation.

        Then also those of every other degradation of this scale, but not those that draw at random
        or that make no lr.
        """
        named = self.protocol
        steps = named is not None and bool(named.degradation.steps)

        def tried(protocol: Protocol) -> bool:
            rule = protocol.degradation
            wanted = not rule.steps or (steps and rule.made and not rule.draws)
            return protocol == named or (wanted and rule.defined_at(self.subject.scale))

        return {name: p for name, p in self.known.items() if tried(p)}

    @property
    def metrics(self) -> tuple[str, ...]:
        """The claims' metrics, each once."""
        return tuple(dict.fromkeys(c.metric for c in self.claims))


@dataclass(frozen=True)
class Step:
    """A candidate's number after each deviation of its chain."""

    text: str
    value: float


@dataclass(frozen=True)
class Trial:
    """A candidate and its numbers."""

    candidate: Candidate  # the way
    values: Mapping[str, float]  # the number of each claim's metric
    steps: tuple[Step, ...]  # of the first claim's metric, from the protocol itself on
    digits_off: int  # how far the worst of the claims is missed, in last printed digits; 0 fits
    off: float  # the same unrounded

    @property
    def fits(self) -> bool:
        """Whether it gives every claim's printed digits."""
        return self.digits_off == 0


@dataclass(frozen=True)
class Explanation:
    """The answer: what was tried, nearest first, and among equals the simplest."""

    question: Question  # what was asked
    trials: tuple[Trial, ...]  # the ways that have a finite number
    tried: int = 0  # how many ways were measured, pairs and ways without effect among them
    # protocol to the reason why the images don't go with it
    unfit: Mapping[str, str] = field(default_factory=dict)
    # images whose sr is identical to hr under a protocol: its PSNR is infinite
    identical: tuple[str, ...] = ()
    left_out: int = 0  # how many ways would have needed more passes of the network
    spared: str = ""  # what was not tried any more, since a cheaper way fits

    @property
    def fitting(self) -> tuple[Trial, ...]:
        """Those that give the claimed digits: one of them is the explanation, if it is known."""
        return tuple(f for f in self.trials if f.fits)
