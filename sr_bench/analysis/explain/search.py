"""The search: every protocol, every single deviation, and pairs when no single one explains."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import combinations

from sr_bench.analysis.explain.deviation import Deviation
from sr_bench.analysis.explain.question import Explanation, Question, Step, Trial
from sr_bench.analysis.explain.stages import Budget, Candidate, Stage, stages
from sr_bench.analysis.explain.subject import Progress
from sr_bench.analysis.explain.way import Way
from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.support.errors import SrBenchError

Watch = Callable[[str, int], AbstractContextManager[Progress]]  # what is done, in how many steps
Tell = Callable[[str], None]
Key = tuple[str, tuple[str, ...]]  # protocol, names of deviations


def explain(question: Question, *, watch: Watch, tell: Tell = lambda _: None) -> Explanation:
    """Look for ways that give the claimed numbers; cheap ones first, then those of a network.

    Stops after the first group of ways of which one fits: single deviations that need no network,
    those that do, and the same of pairs.

    Args:
        tell: is told what will be tried, and how often a network runs for it.

    Raises:
        SrBenchError: if the images fit no protocol at all, or all are identical to hr.
    """
    search = _Search(question, watch, Budget(question.passes))
    search.protocols(tell)
    following = search.stages()
    for stage in following:
        tell(str(stage))
        search.extend(stage)
        if any(f.fits for f in search.found):
            return search.answer(spared=next(following, None), after=stage)
    return search.answer()


def _simplicity(trial: Trial, question: Question) -> int:
    other = question.protocol not in (None, trial.candidate.protocol)
    return len(trial.candidate.deviations) + other


@dataclass
class _Search:
    """What has been measured so far."""

    question: Question
    watch: Watch
    budget: Budget
    found: list[Trial] = field(default_factory=list)
    unfit: dict[str, str] = field(default_factory=dict)
    tried: int = 0
    left_out: int = 0
    _values: dict[Key, dict[str, float]] = field(default_factory=dict)
    _seen: set[Hashable] = field(default_factory=set)

    def protocols(self, tell: Tell) -> None:
        """Score the images under every protocol as it is, and say which they don't go with."""
        subject = self.question.subject
        plain = [Candidate(p, (), Way.of(p)) for p in self.question.protocols.values()]
        self._seen |= {subject.key(c.way) for c in plain}
        before = self.budget.left
        for need in map(subject.network, (c.way for c in plain)):
            if need is not None and self.budget.needs(need):
                self.budget.take(need)
        tell(str(Stage(tuple(plain), len(subject.hr), before - self.budget.left)))
        self._extend(plain, pairs=False)
        for candidate in plain:
            if candidate.key not in self._values:
                reasons = (subject.refusal(candidate.way, m) for m in self.question.metrics)
                self.unfit[candidate.protocol.name] = next(
                    filter(None, reasons), "sr can't be scored"
                )
        if not self._values:
            raise SrBenchError(self._no_protocol())

    def stages(self) -> Iterator[Stage]:
        """The groups of deviations still to be tried."""
        fitting = [p for name, p in self.question.protocols.items() if name not in self.unfit]
        stated = self.question.protocol
        bases = [stated] if stated is not None and stated in fitting else fitting
        for count in range(1, self.question.limit + 1):
            fresh = [c for c in self._candidates(bases, count) if self._is_new(c)]
            for stage in stages(fresh, self.question.subject, self.budget):
                self.left_out += stage.left_out
                if stage.candidates:
                    yield stage

    def extend(self, stage: Stage) -> None:
        """Try every candidate of a stage."""
        self._extend(stage.candidates, pairs=stage.count > 1)

    def answer(self, spared: Stage | None = None, after: Stage | None = None) -> Explanation:
        """What was found, nearest first; ``spared``: the stage that would follow ``after``."""
        question = self.question
        same = spared is not None and after is not None and spared.count == after.count
        identical = self._identical()
        if not self.found:
            raise SrBenchError(
                f"{question.subject.title}: sr is identical to hr under every way "
                f"({', '.join(identical)}): PSNR is infinite, and no printed number comes of it"
            )
        order = sorted(self.found, key=lambda f: (f.digits_off, _simplicity(f, question), f.off))
        return Explanation(
            question,
            tuple(order),
            self.tried,
            self.unfit,
            identical,
            self.left_out,
            str(spared) if same else "",
        )

    def _extend(self, candidates: Sequence[Candidate], *, pairs: bool) -> None:
        self.tried += len(candidates)
        measured = self._measured(candidates, pairs=pairs)
        for candidate in candidates:
            values = measured.get(candidate.key)
            if values is None or self._is_idle(candidate, values):
                continue
            self._values[candidate.key] = values
            if all(map(math.isfinite, values.values())):
                self.found.append(self._trial(candidate, values))

    def _candidates(self, bases: Sequence[Protocol], count: int) -> Iterator[Candidate]:
        for protocol in bases:
            base = Way.of(protocol)
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
        """Whether no simpler or earlier candidate does the same."""
        key = self.question.subject.key(candidate.way)
        known = key in self._seen
        self._seen.add(key)
        return not known

    def _measured(
        self, candidates: Sequence[Candidate], *, pairs: bool
    ) -> dict[Key, dict[str, float]]:
        """Numbers by candidate. Of pairs, only those that fit a claim are tried on the next."""
        subject = self.question.subject
        table: dict[Key, dict[str, float]] = {}
        left = list(candidates)
        for claim in self.question.claims:
            ways = [c.way for c in left]
            what = f"{claim.metric} under {len(left)} ways"
            with self.watch(what, subject.steps(ways)) as progress:
                found = subject.values(ways, claim.metric, progress=progress)
            known = [(c, v) for c, v in zip(left, found) if v is not None]
            for candidate, value in known:
                table.setdefault(candidate.key, {})[claim.metric] = value
            left = [c for c, v in known if not pairs or claim.fits(v)]
            if not left:
                break
        wanted = len(self.question.metrics)
        return {key: values for key, values in table.items() if len(values) == wanted}

    def _is_idle(self, candidate: Candidate, values: dict[str, float]) -> bool:
        """Whether a deviation of it has no effect on these images."""
        protocol, names = candidate.key
        return any(
            self._values.get((protocol, names[:i] + names[i + 1 :])) == values
            for i in range(len(names))
        )

    def _trial(self, candidate: Candidate, values: dict[str, float]) -> Trial:
        claims = self.question.claims
        protocol, names = candidate.key
        metric = claims[0].metric
        texts = (protocol, *(d.text for d in candidate.deviations))
        chain = (self._values.get((protocol, names[:i]), {}) for i in range(len(texts)))
        steps = tuple(Step(t, v[metric]) for t, v in zip(texts, chain) if v)
        digits = max(c.digits_off(values[c.metric]) for c in claims)
        off = max(abs(c.off(values[c.metric])) for c in claims)
        return Trial(candidate, values, steps, digits, off)

    def _identical(self) -> tuple[str, ...]:
        """The images that make a protocol's mean infinite."""
        subject = self.question.subject
        infinite = [
            Way.of(self.question.protocols[protocol])
            for (protocol, names), values in self._values.items()
            if not names and not all(map(math.isfinite, values.values()))
        ]
        if not infinite:
            return ()
        rows = subject.by_image(infinite, "psnr", progress=lambda _: None)
        return tuple(n for (n, _), row in zip(subject.hr, rows) if math.inf in row)

    def _no_protocol(self) -> str:
        subject = self.question.subject
        each = "; ".join(f"{protocol}: {why}" for protocol, why in self.unfit.items())
        return f"{subject.title}: its images fit no protocol; check the scale and the sizes: {each}"
