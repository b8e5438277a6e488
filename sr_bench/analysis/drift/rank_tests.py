"""Rank tests: is one timing longer than another, whatever the distribution of its rounds?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import mannwhitneyu, wilcoxon

Times = Sequence[float]


def p_longer(before: Times, after: Times, *, factor: float, paired: bool) -> float:
    """One-sided p of "``after`` is at most ``factor`` times ``before``".

    Args:
        factor: what ``before`` is multiplied by.
        paired: whether equal positions are the same image of a dataset: then Wilcoxon's
            signed-rank test of the ratios' logarithms, else Mann and Whitney's test of all
            rounds; both exact, the former up to 50 rounds.
    """
    if paired:
        differences = np.log(np.divide(after, before)) - math.log(factor)
        return float(wilcoxon(differences, alternative="greater").pvalue)
    slower = np.multiply(before, factor)
    return float(mannwhitneyu(after, slower, alternative="greater", method="exact").pvalue)


def smallest_p(before: Times, after: Times, *, paired: bool) -> float:
    """The smallest value of :func:`p_longer`: that of timings of which every round is longer."""
    return 0.5 ** len(after) if paired else 1 / math.comb(len(before) + len(after), len(after))


def can_reach(smallest: Sequence[float], level: float) -> list[bool]:
    """Which of several tests can reach a level after the correction for all that can.

    Tests with too few rounds to reach it are excluded from the correction (Tarone 1990,
    doi:10.2307/2531456). The numbers of rounds alone decide.
    """
    order = sorted(range(len(smallest)), key=lambda i: smallest[i])
    count = max((k for k, i in enumerate(order, 1) if smallest[i] <= level / k), default=0)
    family = set(order[:count])
    return [i in family for i in range(len(smallest))]
