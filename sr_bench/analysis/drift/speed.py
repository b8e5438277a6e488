"""Fresh timings beside the committed ones of the same machine: which settings became slower?

A machine that is slower as a whole isn't news: what counts is how many times as long a setting took
as the reference methods explain. docs/timing.md justifies each choice.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from sr_bench.analysis.drift.rank import can_reach, p_longer, smallest_p
from sr_bench.analysis.stats import holm
from sr_bench.support.errors import SrBenchError
from sr_bench.timing.results import Results, TimingRow
from sr_bench.timing.setting import FRAMES, Setting

LEVEL = 0.05  # of any false alarm at all
SMALLEST = 1.1  # times as long: less is never an alarm
SLOWER, FASTER, SAME, FEW = "slower", "faster", "same", "too few rounds"


class Pair(NamedTuple):
    """A setting's rows in both files."""

    before: TimingRow
    after: TimingRow

    @property
    def paired(self) -> bool:
        """Whether rounds of one position are the same image of a dataset."""
        return self.before.input not in FRAMES

    @property
    def factor(self) -> float:
        """How many times as long it took, whoever is to blame."""
        before, after = self.before.times_s, self.after.times_s
        if self.paired:
            return float(np.median(np.divide(after, before)))
        return median(after) / median(before)

    @property
    def sessions(self) -> tuple[str, str]:
        """Those of both rows; rows of one session were timed beside each other."""
        return self.before.session, self.after.session


class Compared(NamedTuple):
    """A setting's verdict.

    Args:
        setting: which.
        ratio: times as long as before, what the references explain taken off.
        machine: times as long as the references took.
        p: Holm's, of "within the hurdle"; ``None`` with too few rounds.
        what: ``slower``, ``faster``, ``same`` or ``too few rounds``.
    """

    setting: Setting
    ratio: float
    machine: float
    p: float | None
    what: str


@dataclass(frozen=True)
class Comparison:
    """All verdicts.

    Args:
        hurdle: the ratio that a setting has to exceed, in the rank test as well.
        noise: standard deviation of a ratio's logarithm from setting to setting.
        verdicts: one a setting.
        left_out: settings that can't be compared, and why.
    """

    hurdle: float
    noise: float
    verdicts: tuple[Compared, ...]
    left_out: dict[Setting, str]

    def those(self, what: str) -> list[Compared]:
        """The settings of one verdict, the most extreme first."""
        found = [v for v in self.verdicts if v.what == what]
        return sorted(found, key=lambda v: -abs(math.log(v.ratio)))


def compare(
    before: Results, after: Results, methods: Mapping[str, str], references: Collection[str]
) -> Comparison:
    """Compare two timings of a machine.

    Args:
        before: the committed ones.
        after: the fresh ones.
        methods: each run's method.
        references: the methods that the machine's own speed is taken from.

    Raises:
        SrBenchError: for two machines, no setting in common, or none that can be compared.
    """
    _require_one_machine(before, after)
    pairs = {s: Pair(before.rows[s], row) for s, row in after.rows.items() if s in before.rows}
    if not pairs:
        raise SrBenchError(
            f"no setting is in both files ({len(before.rows)} and {len(after.rows)} rows); time "
            "the same runs, devices, precisions and inputs"
        )
    factors, left_out = _factors(pairs, methods, references)
    if not factors:
        setting, why = next(iter(left_out.items()))
        raise SrBenchError(f"none of {len(pairs)} settings can be compared; {setting}: {why}")
    noise = _noise({s: pairs[s].factor / max(f) for s, f in factors.items()})
    hurdle = max(SMALLEST, math.exp(float(norm.isf(LEVEL / len(factors))) * noise))
    verdicts = _verdicts(pairs, factors, hurdle)
    return Comparison(hurdle, noise, tuple(verdicts), left_out)


def _require_one_machine(before: Results, after: Results) -> None:
    ours, theirs = before.machine.model_dump(), after.machine.model_dump()
    other = [f"{key} {ours[key]} and {theirs[key]}" for key in ours if ours[key] != theirs[key]]
    if other:
        raise SrBenchError(
            f"the timings are of two machines ({'; '.join(other)}); compare timings of one, "
            "another torch or driver being another machine"
        )


def _factors(
    pairs: dict[Setting, Pair], methods: Mapping[str, str], references: Collection[str]
) -> tuple[dict[Setting, list[float]], dict[Setting, str]]:
    """Each reference method's factor beside a setting; why others have none."""
    company: dict[object, list[Pair]] = defaultdict(list)
    for s, pair in pairs.items():
        if methods.get(s.run) in references and not _other_work(pair):
            company[s.device, s.input, pair.sessions].append(pair)
    factors, left_out = {}, {}
    for s, pair in pairs.items():
        beside = company[s.device, s.input, pair.sessions]
        found = _references(s, beside, methods)
        why = _other_work(pair)
        if why or not found:
            left_out[s] = why or (
                f"no row of {' or '.join(references) or 'a method with speed_reference=True'} on "
                "its device and input was timed in the same session in both files; name such runs "
                "beside it: sr-bench time RUN REFERENCE"
            )
        else:
            factors[s] = found
    return factors, left_out


def _other_work(pair: Pair) -> str:
    """Why the two rows can't be compared, if they can't."""
    before, after = pair.before.pixels, pair.after.pixels
    same = before == after if pair.paired else set(before) == set(after)
    return "" if same else "its images differ between the files; time both with one version"


def _references(s: Setting, beside: list[Pair], methods: Mapping[str, str]) -> list[float]:
    """Of each reference method the median factor of its runs.

    A method is no reference for itself, unless there is no other. A reference without a network
    serves every precision.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for pair in beside:
        row = pair.before
        if row.run != s.run and (row.precision == s.precision or row.params == 0):
            found[methods[row.run]].append(pair.factor)
    others = {method: f for method, f in found.items() if method != methods.get(s.run)}
    return [median(f) for f in (others or found).values()]


def _noise(ratios: dict[Setting, float]) -> float:
    """By how much a run's ratio differs from setting to setting, as a standard deviation of logs.

    Each setting has a process of its own, which may lie better or worse in memory, or beside a busy
    neighbour: the rounds inside one don't tell. From the median absolute deviation around each
    run's median, so that neither a slower run nor a few slower settings count.
    """
    by_run: dict[str, list[float]] = defaultdict(list)
    for s, ratio in ratios.items():
        by_run[s.run].append(math.log(ratio))
    several = [logs for logs in by_run.values() if len(logs) > 1]
    apart = [abs(x - median(logs)) for logs in several for x in logs]
    if not apart:
        return 0.0
    spent = math.sqrt(len(apart) / (len(apart) - len(several)))  # a median fitted to each run
    return float(median(apart) / norm.ppf(0.75) * spent)


def _verdicts(
    pairs: dict[Setting, Pair], factors: dict[Setting, list[float]], hurdle: float
) -> list[Compared]:
    """Slower is what took longer than all references explain, faster what took less than any."""
    smallest = [
        smallest_p(pairs[s].before.times_s, pairs[s].after.times_s, paired=pairs[s].paired)
        for s in factors
    ]
    enough = [s for s, can in zip(factors, can_reach(smallest, LEVEL)) if can]
    longer = dict(zip(enough, holm([_p(pairs[s], max(factors[s]), hurdle) for s in enough])))
    less = [_p(_swapped(pairs[s]), 1 / min(factors[s]), hurdle) for s in enough]
    shorter = dict(zip(enough, holm(less)))
    verdicts = []
    for s, references in factors.items():
        what, machine, p = SAME, max(references), longer.get(s)
        if p is None:
            what = FEW
        elif p <= LEVEL:
            what = SLOWER
        elif shorter[s] <= LEVEL:
            what, machine, p = FASTER, min(references), shorter[s]
        verdicts.append(Compared(s, pairs[s].factor / machine, machine, p, what))
    return verdicts


def _p(pair: Pair, machine: float, hurdle: float) -> float:
    before, after = pair.before.times_s, pair.after.times_s
    return p_longer(before, after, factor=machine * hurdle, paired=pair.paired)


def _swapped(pair: Pair) -> Pair:
    return Pair(pair.after, pair.before)
