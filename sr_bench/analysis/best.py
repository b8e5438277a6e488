"""Which cells are not significantly worse than the best of their scale: the tables' dagger."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sr_bench.analysis.compare import ALPHA
from sr_bench.analysis.metrics import describe_metric
from sr_bench.analysis.stats import Array, differences, holm, signed_rank

_COLUMN = ["scale", "dataset", "protocol", "metric"]  # runs compare within these
Cell = tuple[str, str, str, str]  # run, dataset, protocol, metric


def not_worse(per_image: pd.DataFrame) -> dict[Cell, bool]:
    """Whether a cell is not significantly worse than the best of its scale.

    Best is the best finite mean: a mean with an identical image is infinite and doesn't compare.
    Two-sided Wilcoxon signed-rank tests against it, corrected by Holm over
    all runs of the scale. Where so few images can't be significant even if all agree (five
    images), a run counts as worse only if it is worse on every image.

    Returns:
        (run, dataset, protocol, metric) -> bool, for all cells but the best ones. Cells that don't
        cover the images of the best one, and infinite ones, are left out: they don't compare.
    """
    found: dict[Cell, bool] = {}
    for (_, *column), rows in per_image.groupby(_COLUMN, sort=False):
        wide = rows.pivot(index="image", columns="run", values="value")
        sign = 1 if describe_metric(column[-1]).higher_is_better else -1
        for run, answer in _not_worse(wide, sign).items():
            found[(run, *column)] = answer
    return found


def _not_worse(wide: pd.DataFrame, sign: int) -> dict[str, bool]:
    wide = wide.loc[:, np.isfinite(wide.mean())]
    if wide.empty:
        return {}
    best = str((sign * wide.mean()).idxmax())
    left = wide[best].to_numpy()
    runs = [r for r in wide.columns if r != best and (wide[r].isna() == wide[best].isna()).all()]
    gains = {run: sign * differences(left, wide[run].to_numpy()) for run in runs}
    corrected = holm([signed_rank(d) for d in gains.values()])
    return {r: not _is_worse(d, p) for (r, d), p in zip(gains.items(), corrected)}


def _is_worse(gain: Array, p_holm: float) -> bool:
    if p_holm < ALPHA:
        return bool((gain > 0).sum() > (gain < 0).sum())
    return bool(2.0 ** (1 - len(gain)) >= ALPHA and (gain > 0).all())
