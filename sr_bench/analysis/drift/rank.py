"""Rank tests of times: is one timing slower than another, however its rounds are distributed?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import mannwhitneyu, wilcoxon

Times = Sequence[float]


def p_longer(before: Times, after: Times, *, factor: float, paired: bool) -> float:
    """One-sided p of "``after`` is at most ``factor`` times ``before``".

    Args:
        before: seconds of each round.
        after: seconds of each round.
        factor: what ``before`` is multiplied by.
        paired: whether rounds of one position did the same work, as the images of a dataset: then
            Wilcoxon's signed-rank test of the ratios' logarithms, else Mann and Whitney's of all
            rounds; both exact, the former up to 50 rounds.
    """
    if paired:
        differences = np.log(np.divide(after, before)) - math.log(factor)
        return float(wilcoxon(differences, alternative="greater").pvalue)
    slower = np.multiply(before, factor)
    return float(mannwhitneyu(after, slower, alternative="greater", method="exact").pvalue)


def smallest_p(before: Times, after: Times, *, paired: bool) -> float:
    """What :func:`p_longer` gives where every round is longer: the least that it can give."""
    return 0.5 ** len(after) if paired else 1 / math.comb(len(before) + len(after), len(after))


def can_reach(smallest: Sequence[float], level: float) -> list[bool]:
    """Which of several tests can ever reach a level once all of those are corrected for.

    Tarone's point (1990, doi:10.2307/2531456): a test on so few rounds that it can't, leaves the
    family, and the others aren't corrected for it. That is decided by numbers of rounds alone.
    """
    order = sorted(range(len(smallest)), key=lambda i: smallest[i])
    count = max((k for k, i in enumerate(order, 1) if smallest[i] <= level / k), default=0)
    family = set(order[:count])
    return [i in family for i in range(len(smallest))]
