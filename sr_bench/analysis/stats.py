"""Statistics of paired differences: one number an image, the same images for both methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

LEVEL = 0.95
_RESAMPLES = 9999
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Paired:
    """What the differences of one pair of methods say."""

    images: int  # how many differences
    mean: float  # their mean; infinite or NaN where a difference is infinite
    low: float  # the lower end of the mean's interval(); NaN where there is none
    high: float  # its upper end
    won: int  # images above zero
    lost: int  # images below zero
    tied: int  # images at zero
    p: float  # two-sided p-value of the Wilcoxon signed-rank test, signed_rank()
    balance: float  # the ranks of the positive differences less those of the negative ones

    @property
    def smallest_p(self) -> float:
        """What p would be if every image that isn't tied had one sign: 2 / 2^n, or 1."""
        return min(1.0, 2.0 ** (1 - self.won - self.lost))


def differences(first: Array, second: Array) -> Array:
    """first - second, image by image; two infinite values of one sign are equal: 0."""
    equal = first == second
    return np.where(equal, 0.0, np.subtract(first, second, where=~equal, out=np.zeros_like(first)))


def paired(differences: Array, rng: np.random.Generator) -> Paired:
    """Mean with interval, wins and signed-rank test of differences; ``rng`` resamples."""
    with np.errstate(invalid="ignore"):  # inf - inf among the images has no mean
        mean = float(np.mean(differences))
    low, high = interval(differences, rng)
    won, lost = int((differences > 0).sum()), int((differences < 0).sum())
    tied = len(differences) - won - lost
    p, balance = signed_rank(differences), rank_balance(differences)
    return Paired(len(differences), mean, low, high, won, lost, tied, p, balance)


def interval(differences: Array, rng: np.random.Generator) -> tuple[float, float]:
    """Bootstrap interval of the mean at 95 %: expanded percentile.

    The percentile level is widened by t quantiles and sqrt(n / (n - 1)), which plain percentile
    and BCa intervals lack: docs/compare.md has how often each holds the mean. Reference:
    Hesterberg, 2015, doi:10.1080/00031305.2015.1089789.

    Returns:
        (low, high); NaN for fewer than two images or an infinite difference.
    """
    n = len(differences)
    if n < 2 or not np.isfinite(differences).all():
        return float("nan"), float("nan")
    if np.ptp(differences) == 0:
        return float(differences[0]), float(differences[0])
    reach = np.sqrt(n / (n - 1)) * stats.t.ppf(0.5 + LEVEL / 2, n - 1)
    found = stats.bootstrap(
        (differences,),
        np.mean,
        n_resamples=_RESAMPLES,
        confidence_level=1 - 2 * stats.norm.sf(reach),
        method="percentile",
        rng=rng,
    ).confidence_interval
    return float(found.low), float(found.high)


def rank_balance(differences: Array) -> float:
    """W+ - W- of the signed-rank test: which way the ranks lean; infinities have the highest."""
    moved = differences[differences != 0]
    return float((np.sign(moved) * stats.rankdata(np.abs(moved))).sum())


def signed_rank(differences: Array) -> float:
    """Two-sided p-value of the Wilcoxon signed-rank test; images that tie are left out.

    Exact up to 50 images (13 where absolute differences tie), normal approximation beyond.
    An infinite difference has the highest rank. Without any difference p is 1.
    """
    moved = differences[differences != 0]
    if not len(moved):
        return 1.0
    return float(stats.wilcoxon(moved).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction: p-values, in the given order, that hold for all of them together.

    Reference: Holm, 1979, "A simple sequentially rejective multiple test procedure".
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1)
    return [float(p) for p in adjusted]
