"""The check of timings: which settings are slower than in the committed timings of this machine?

A setting's ratio, new time / old time, is divided by that of the reference methods, so that a
machine that is slower as a whole raises no alarm. docs/timing.md justifies each choice.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from sr_bench.analysis.drift.rank_tests import can_reach, p_longer, smallest_p
from sr_bench.analysis.stats import holm
from sr_bench.support.errors import SrBenchError
from sr_bench.timing.results import Results, TimingRow
from sr_bench.timing.setting import FRAMES, Setting

LEVEL = 0.05  # of any false alarm at all
SMALLEST = 1.1  # new / old time: less is never an alarm
SLOWER, FASTER, SAME, FEW = "slower", "faster", "same", "too few rounds"


class RowPair(NamedTuple):
    """A setting's rows in both files."""

    before: TimingRow
    after: TimingRow

    @property
    def paired(self) -> bool:
        """Whether equal positions are the same image of a dataset in both rows."""
        return self.before.input not in FRAMES

    @property
    def ratio(self) -> float:
        """New time / old time, not corrected for the machine."""
        if self.paired:
            before, after = self.times
            return float(np.median(np.divide(after, before)))
        return self.after.median_s / self.before.median_s

    @property
    def times(self) -> tuple[Sequence[float], Sequence[float]]:
        """The rounds of both that are compared: of images the first process's, each with itself."""
        rows = (self.before, self.after)
        if self.paired:
            before, after = (row.times_s[: row.rounds_of[0]] for row in rows)
        else:
            before, after = (row.times_s for row in rows)
        return before, after

    @property
    def sessions(self) -> tuple[str, str]:
        """The session of each row; the rows of one session were timed in the same minutes."""
        return self.before.session, self.after.session


class Verdict(NamedTuple):
    """What was found of a setting."""

    setting: Setting  # which
    ratio: float  # new / old time, divided by `references`
    references: float  # new / old time of the reference methods
    p: float | None  # of a ratio within the hurdle, corrected by Holm; `None` with too few rounds
    what: str  # `slower`, `faster`, `same` or `too few rounds`


@dataclass(frozen=True)
class TimingCheck:
    """The check's result."""

    hurdle: float  # the ratio that a setting has to exceed, in the rank test as well
    noise: float  # standard deviation of a ratio's logarithm from setting to setting
    verdicts: tuple[Verdict, ...]  # one a setting
    left_out: dict[Setting, str]  # settings that can't be compared, and why

    def those(self, what: str) -> list[Verdict]:
        """The verdicts of one kind, the most extreme first."""
        found = [v for v in self.verdicts if v.what == what]
        return sorted(found, key=lambda v: -abs(math.log(v.ratio)))


def check_timings(
    before: Results, after: Results, methods: Mapping[str, str], references: Collection[str]
) -> TimingCheck:
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
    pairs = {s: RowPair(before.rows[s], row) for s, row in after.rows.items() if s in before.rows}
    if not pairs:
        raise SrBenchError(
            f"no setting is in both files ({len(before.rows)} and {len(after.rows)} rows); time "
            "the same runs, devices, precisions and inputs"
        )
    expected, left_out = _expected(pairs, methods, references)
    if not expected:
        setting, why = next(iter(left_out.items()))
        raise SrBenchError(f"none of {len(pairs)} settings can be compared; {setting}: {why}")
    noise = _noise({s: pairs[s].ratio / max(ratios) for s, ratios in expected.items()})
    hurdle = max(SMALLEST, math.exp(float(norm.isf(LEVEL / len(expected))) * noise))
    verdicts = _verdicts(pairs, expected, hurdle)
    return TimingCheck(hurdle, noise, tuple(verdicts), left_out)


def _require_one_machine(before: Results, after: Results) -> None:
    ours, theirs = before.machine.model_dump(), after.machine.model_dump()
    other = [f"{key} {ours[key]} and {theirs[key]}" for key in ours if ours[key] != theirs[key]]
    if other:
        raise SrBenchError(
            f"the timings are of two machines ({'; '.join(other)}); compare timings of one, "
            "another torch or driver being another machine"
        )


def _expected(
    pairs: dict[Setting, RowPair], methods: Mapping[str, str], references: Collection[str]
) -> tuple[dict[Setting, list[float]], dict[Setting, str]]:
    """For each setting the ratios of the reference methods; why others have none."""
    candidates: dict[object, list[RowPair]] = defaultdict(list)
    for s, pair in pairs.items():
        if methods.get(s.run) in references and not _other_images(pair):
            candidates[s.device, s.input, pair.sessions].append(pair)
    expected, left_out = {}, {}
    for s, pair in pairs.items():
        found = _reference_ratios(s, candidates[s.device, s.input, pair.sessions], methods)
        why = _other_images(pair)
        if why or not found:
            left_out[s] = why or (
                f"no row of {' or '.join(references) or 'a method with speed_reference=True'} on "
                "its device and input was timed in the same session in both files; name such runs "
                "beside it: sr-bench time RUN REFERENCE"
            )
        else:
            expected[s] = found
    return expected, left_out


def _other_images(pair: RowPair) -> str:
    """Why the two rows can't be compared, if they can't."""
    before, after = (row.pixels[: row.rounds_of[0]] for row in (pair.before, pair.after))
    same = before == after if pair.paired else set(before) == set(after)
    return "" if same else "its images differ between the files; time both with one version"


def _reference_ratios(
    s: Setting, candidates: list[RowPair], methods: Mapping[str, str]
) -> list[float]:
    """Of each reference method the median ratio of its runs.

    A method is no reference for itself, unless there is no other. A reference without a network
    serves every precision.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for pair in candidates:
        row = pair.before
        if row.run != s.run and (row.precision == s.precision or row.params == 0):
            found[methods[row.run]].append(pair.ratio)
    others = {method: r for method, r in found.items() if method != methods.get(s.run)}
    return [median(ratios) for ratios in (others or found).values()]


def _noise(ratios: dict[Setting, float]) -> float:
    """Standard deviation of the ratios' logarithms from setting to setting of a run.

    Each setting has a process of its own, with other memory addresses and other load on the
    machine, which rounds of one process don't show. From the median absolute deviation around each
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
    pairs: dict[Setting, RowPair], expected: dict[Setting, list[float]], hurdle: float
) -> list[Verdict]:
    """Slower is what exceeds the ratio of every reference, faster what lies below all of them."""
    smallest = [smallest_p(*pairs[s].times, paired=pairs[s].paired) for s in expected]
    enough = [s for s, can in zip(expected, can_reach(smallest, LEVEL)) if can]
    longer = dict(zip(enough, holm([_p(pairs[s], max(expected[s]), hurdle) for s in enough])))
    less = [_p(_swapped(pairs[s]), 1 / min(expected[s]), hurdle) for s in enough]
    shorter = dict(zip(enough, holm(less)))
    verdicts = []
    for s, ratios in expected.items():
        what, references, p = SAME, max(ratios), longer.get(s)
        if p is None:
            what = FEW
        elif p <= LEVEL:
            what = SLOWER
        elif shorter[s] <= LEVEL:
            what, references, p = FASTER, min(ratios), shorter[s]
        verdicts.append(Verdict(s, pairs[s].ratio / references, references, p, what))
    return verdicts


def _p(pair: RowPair, references: float, hurdle: float) -> float:
    return p_longer(*pair.times, factor=references * hurdle, paired=pair.paired)


def _swapped(pair: RowPair) -> RowPair:
    return RowPair(pair.after, pair.before)
