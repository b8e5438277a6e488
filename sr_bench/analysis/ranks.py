"""How sure an order of runs is: average ranks, and how often one run beats another.

References: Friedman, 1937, doi:10.1080/01621459.1937.10503522; Nemenyi's test and the diagram of
critical differences: Demsar, 2006, "Statistical comparisons of classifiers over multiple data
sets", JMLR 7; the bootstrap: Efron, 1979, doi:10.1214/aos/1176344552.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from sr_bench.analysis.compare import by_image
from sr_bench.analysis.metrics import describe_metric
from sr_bench.support.errors import SrBenchError, WrongUse

RESAMPLES = 10_000
SURE = 0.95  # how often the same run must win for an order to be sure
_MOST = 100_000  # images: more are not stated
_SEED = 20240501  # the same table gives the same probabilities everywhere
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """Two runs, the one with the better mean first."""

    first: str
    second: str
    difference: float  # of their means, above zero: the first is better
    probability: float  # that the first's mean is better on images drawn again, ties half
    images_needed: int | None  # for a probability of SURE; None: equal, or more than can be stated


@dataclass(frozen=True)
class Ranks:
    """The runs of one dataset, metric and scale, ranked image by image."""

    dataset: str
    images: int
    ranks: dict[str, float]  # run to its average rank over the images; 1 is best
    friedman_p: float  # that so different ranks are chance
    nemenyi: pd.DataFrame  # p of each pair of runs; empty where they weren't asked for
    pairs: tuple[Pair, ...]  # neighbours by mean, or all


def rank(table: pd.DataFrame, *, every: bool = False, nemenyi: bool = False) -> list[Ranks]:
    """The ranks on each dataset of a chosen table (:func:`sr_bench.analysis.compare.choose`).

    Args:
        every: all pairs, not only neighbours by mean.
        nemenyi: also the p-values of all pairs, by scikit-posthocs.

    Raises:
        WrongUse: for fewer than three runs.
        SrBenchError: for an infinite or missing score.
    """
    if table["run"].nunique() < 3:
        raise WrongUse("ranks need three runs or more; of two, see: sr-bench compare")
    made = []
    for dataset, rows in table.groupby("dataset", sort=False):
        wide = by_image(rows, str(dataset))
        if not np.isfinite(wide.to_numpy()).all():
            raise SrBenchError(
                f"{dataset}: a score is infinite (an image is identical to its HR); it has no mean "
                "to rank by: leave that run out"
            )
        higher = describe_metric(str(rows["metric"].iloc[0])).higher_is_better
        made.append(_ranks(str(dataset), wide if higher else -wide, every, nemenyi))
    return made


def _ranks(dataset: str, wide: pd.DataFrame, every: bool, nemenyi: bool) -> Ranks:
    """``wide``: images down, runs across, higher is better."""
    order = list(wide.mean().sort_values(ascending=False, kind="stable").index)
    ranks = wide.rank(axis=1, ascending=False).mean()
    chosen = combinations(order, 2) if every else pairwise(order)
    p = stats.friedmanchisquare(*(wide[run] for run in order)).pvalue if len(wide) > 1 else np.nan
    return Ranks(
        dataset,
        len(wide),
        {run: float(ranks[run]) for run in sorted(order, key=lambda run: ranks[run])},
        1.0 if math.isnan(p) else float(p),
        _nemenyi(wide[order]) if nemenyi else pd.DataFrame(),
        tuple(_pair(wide, *names) for names in chosen),
    )


def _pair(wide: pd.DataFrame, first: str, second: str) -> Pair:
    differences = (wide[first] - wide[second]).to_numpy()
    return Pair(
        first,
        second,
        float(differences.mean()),
        probability(differences),
        images_needed(differences),
    )


def probability(differences: Array, resamples: int = RESAMPLES) -> float:
    """How often the mean of as many differences, drawn again with replacement, is above zero."""
    rng = np.random.default_rng(_SEED)
    drawn = rng.integers(0, len(differences), (resamples, len(differences)))
    means = differences[drawn].mean(axis=1)
    return float((means > 0).mean() + (means == 0).mean() / 2)


def images_needed(differences: Array, level: float = SURE) -> int | None:
    """Of how many such images the mean would be above zero with probability ``level``.

    By the normal approximation: the square of the level's quantile times the standard deviation
    over the mean.
    """
    mean, deviation = float(differences.mean()), float(differences.std(ddof=1))
    if mean <= 0 or math.isnan(deviation):
        return None
    needed = max(1, math.ceil((stats.norm.ppf(level) * deviation / mean) ** 2))
    return needed if needed <= _MOST else None


def _nemenyi(wide: pd.DataFrame) -> pd.DataFrame:
    from scikit_posthocs import posthoc_nemenyi_friedman  # the extra `ranks`

    found: pd.DataFrame = posthoc_nemenyi_friedman(wide.to_numpy())
    return found.set_axis(wide.columns, axis=0).set_axis(wide.columns, axis=1)


def critical_difference(runs: int, images: int, level: float = 0.05) -> float:
    """How far average ranks must lie apart for Nemenyi's test to tell two runs apart."""
    quantile = stats.studentized_range.ppf(1 - level, runs, np.inf) / math.sqrt(2)
    return float(quantile * math.sqrt(runs * (runs + 1) / (6 * images)))


def draw_diagram(found: Ranks, labels: Sequence[str], axes: object) -> None:
    """The diagram of critical differences: runs that Nemenyi's test can't tell apart are joined."""
    from scikit_posthocs import critical_difference_diagram

    named = dict(zip(found.ranks, labels))
    ranks = {named[run]: value for run, value in found.ranks.items()}
    p_values = found.nemenyi.rename(index=named, columns=named)
    critical_difference_diagram(ranks, p_values, ax=axes)
