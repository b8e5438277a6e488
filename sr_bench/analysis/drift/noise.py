"""Numeric noise or a regression: what the differences of many images look like together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sr_bench.analysis.stats import Array, signed_rank

GROUP = ["run", "protocol", "metric"]  # a change of code or weights moves all datasets alike
FEW, ONE_SIDED, NOISE, SCATTERED = "few images", "one-sided", "noise", "scattered"
_CERTAIN = 1e-6  # of a sign pattern that chance would make: several hundred groups are looked at
_FLOOR = 1e-3  # of a tolerance: a mean below it is nothing, however one-sided
_FEW = 0.2  # of the images


@dataclass(frozen=True)
class Movement:
    """How the images of one run, protocol and metric moved."""

    run: str
    protocol: str
    metric: str
    # `noise` (within the tolerance, both ways alike), `one-sided` (more to one side than
    # chance does), `few images` (most stayed, some moved far) or `scattered` (beyond the
    # tolerance, many, both ways)
    kind: str
    moved: int  # how many of the images moved at all
    images: int
    mean: float  # of their differences
    largest: float  # absolute difference
    drift: bool  # whether that is more than noise


def movements(joined: pd.DataFrame) -> list[Movement]:
    """Judge every group of images, of which any moved.

    Args:
        joined: images in both tables, with ``delta`` and ``tolerance``.
    """
    moved = joined[joined["delta"] != 0]
    touched = joined.merge(moved[GROUP].drop_duplicates(), on=GROUP)
    return [
        _judge(key, rows["delta"].to_numpy(), float(rows["tolerance"].iloc[0]))
        for key, rows in touched.groupby(GROUP, sort=False)
    ]


def _judge(group: tuple[str, str, str], delta: Array, tolerance: float) -> Movement:
    moved = delta[delta != 0]
    beyond = bool((np.abs(delta) > tolerance).any())
    with np.errstate(invalid="ignore"):  # inf - inf
        mean = float(moved.mean())
    kind = _kind(delta, moved, beyond=beyond, least=_FLOOR * tolerance)
    largest = float(np.abs(delta).max())
    drift = beyond or kind == ONE_SIDED
    return Movement(*group, kind, len(moved), len(delta), mean, largest, drift)


def _kind(delta: Array, moved: Array, *, beyond: bool, least: float) -> str:
    one_way = bool((moved > 0).all() or (moved < 0).all())
    with np.errstate(invalid="ignore"):  # the median of -inf and inf
        middle = abs(float(np.median(moved)))
    sure = middle > least and signed_rank(moved) < _CERTAIN
    if sure or (beyond and one_way and len(moved) > _FEW * len(delta)):
        return ONE_SIDED
    if not beyond:
        return NOISE
    return FEW if len(moved) <= max(1, _FEW * len(delta)) else SCATTERED
