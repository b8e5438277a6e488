"""The search: every protocol, every single deviation, and pairs when no single one explains."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import combinations

from sr_bench.errors import SrBenchError
from sr_bench.explain.claim import Claim
from sr_bench.explain.deviations import Deviation
from sr_bench.explain.subject import Progress, Subject
from sr_bench.explain.way import Way
from sr_bench.protocol import load_protocols

Watch = Callable[[str, int], AbstractContextManager[Progress]]  # what is done, how many images


@dataclass(frozen=True)
class Question:
    """What is to be explained.

    Args:
        subject: the images.
        claims: one or more numbers that one and the same way must give.
        protocol: the one that the claim names; deviations start from it. ``None``: from all.
        limit: the most deviations at once, 0 to 2.
    """

    subject: Subject
    claims: tuple[Claim, ...]
    protocol: str | None = None
    limit: int = 2


@dataclass(frozen=True)
class Candidate:
    """A protocol and the deviations from it."""

    protocol: str
    deviations: tuple[Deviation, ...]
    way: Way

    @property
    def text(self) -> str:
        """The deviations for people."""
        return " and ".join(d.text for d in self.deviations) or "the protocol itself"


@dataclass(frozen=True)
class Step:
    """A candidate's number after each deviation of its chain."""

    text: str
    value: float


@dataclass(frozen=True)
class Finding:
    """A candidate and its numbers.

    Args:
        candidate: the way.
        values: the number of each claim's metric.
        steps: of the first claim's metric, from the protocol itself on.
        digits_off: how far the worst of the claims is missed, in last printed digits; 0 fits.
        off: the same unrounded.
    """

    candidate: Candidate
    values: Mapping[str, float]
    steps: tuple[Step, ...]
    digits_off: int
    off: float

    @property
    def fits(self) -> bool:
        """Whether it gives every claim's printed digits."""
        return self.digits_off == 0


@dataclass(frozen=True)
class Explanation:
    """The answer: what was tried, nearest first, and among equals the simplest."""

    question: Question
    findings: tuple[Finding, ...]

    @property
    def fitting(self) -> tuple[Finding, ...]:
        """Those that give the claimed digits: one of them is the explanation, if it is known."""
        return tuple(f for f in self.findings if f.fits)


def explain(question: Question, *, watch: Watch) -> Explanation:
    """Look for ways that give the claimed numbers.

    Raises:
        SrBenchError: if the images fit no protocol at all.
        WrongUse: for an unknown protocol.
    """
    search = _Search(question, watch)
    for count in range(question.limit + 1):
        search.extend(count)
        if not search.found:
            raise SrBenchError(
                f"{question.subject.title}: its images fit no protocol: each cuts hr to a multiple "
                f"of scale {question.subject.scale} or of 12; check the scale and the sizes"
            )
        if count and any(f.fits for f in search.found):
            break
    order = sorted(search.found, key=lambda f: (f.digits_off, _simplicity(f, question), f.off))
    return Explanation(question, tuple(order))


def _simplicity(finding: Finding, question: Question) -> int:
    other = question.protocol not in (None, finding.candidate.protocol)
    return len(finding.candidate.deviations) + other


@dataclass
class _Search:
    """What has been measured so far."""

    question: Question
    watch: Watch
    found: list[Finding] = field(default_factory=list)
    _values: dict[tuple[str, tuple[str, ...]], dict[str, float]] = field(default_factory=dict)
    _seen: set[object] = field(default_factory=set)

    def extend(self, count: int) -> None:
        """Try every candidate of that many deviations."""
        fresh = [c for c in self._candidates(count) if self._is_new(c)]
        measured = self._measured(fresh, count)
        for candidate in fresh:
            values = measured.get(_place(candidate))
            if values is not None and not self._is_idle(candidate, values):
                self._values[_place(candidate)] = values
                self.found.append(self._finding(candidate, values))

    def _candidates(self, count: int) -> Iterator[Candidate]:
        stated = self.question.protocol
        for protocol in load_protocols().protocols:
            base = Way.of(protocol)
            if count and stated not in (None, protocol):
                continue
            for deviations in combinations(self.question.subject.deviations, count):
                way = self._changed(base, deviations)
                if way is not None:
                    yield Candidate(protocol, deviations, way)

    def _changed(self, way: Way, deviations: Sequence[Deviation]) -> Way | None:
        for deviation in deviations:
            changes = (deviation.applied(way, c.metric) for c in self.question.claims)
            changed = next((c for c in changes if c is not None), None)
            if changed is None:
                return None
            way = changed
        return way

    def _is_new(self, candidate: Candidate) -> bool:
        """Whether no simpler or earlier candidate does the same; protocols count each."""
        key = self.question.subject.key(candidate.way)
        known = key in self._seen
        self._seen.add(key)
        return not known or not candidate.deviations

    def _measured(
        self, candidates: Sequence[Candidate], count: int
    ) -> dict[tuple[str, tuple[str, ...]], dict[str, float]]:
        """Numbers by candidate. Of pairs, only those that fit a claim are tried on the next."""
        subject = self.question.subject
        table: dict[tuple[str, tuple[str, ...]], dict[str, float]] = {}
        left = list(candidates)
        for claim in self.question.claims:
            what = f"{claim.metric} under {len(left)} ways"
            with self.watch(what, len(subject.hr)) as progress:
                found = subject.values([c.way for c in left], claim.metric, progress=progress)
            known = [(c, v) for c, v in zip(left, found) if v is not None]
            for candidate, value in known:
                table.setdefault(_place(candidate), {})[claim.metric] = value
            left = [c for c, v in known if count < 2 or claim.digits_off(v) == 0]
        wanted = len({c.metric for c in self.question.claims})
        return {place: values for place, values in table.items() if len(values) == wanted}

    def _is_idle(self, candidate: Candidate, values: dict[str, float]) -> bool:
        """Whether a deviation of it has no effect on these images."""
        names = _place(candidate)[1]
        return any(
            self._values.get((candidate.protocol, names[:i] + names[i + 1 :])) == values
            for i in range(len(names))
        )

    def _finding(self, candidate: Candidate, values: dict[str, float]) -> Finding:
        claims = self.question.claims
        protocol, names = _place(candidate)
        metric = claims[0].metric
        texts = (protocol, *(d.text for d in candidate.deviations))
        chain = (self._values.get((protocol, names[:i]), {}) for i in range(len(texts)))
        steps = tuple(Step(t, v[metric]) for t, v in zip(texts, chain) if v)
        digits = max(c.digits_off(values[c.metric]) for c in claims)
        off = max(abs(c.off(values[c.metric])) for c in claims)
        return Finding(candidate, values, steps, digits, off)


def _place(candidate: Candidate) -> tuple[str, tuple[str, ...]]:
    return candidate.protocol, tuple(d.name for d in candidate.deviations)
