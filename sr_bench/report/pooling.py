"""Timings of one network taken together: weights don't change how long it takes.

Each row of ``timings.csv`` was timed in one process or several. Those of all runs of one network
(method, variant, scale, parameters and multiply-adds) in one setting are repetitions: how far their
medians lie apart is how far a time can be trusted.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

_WHERE = ["machine", "device"]
_SETTING = [*_WHERE, "precision", "input"]
_SIZE = ["params", "macs"]
_NETWORK = ["method", "variant", "scale", *_SIZE]
_FACTS = ["run", "method", "variant", "scale"]
_FAR = 3  # times the usual spread of that machine and device: too far to be chance


def pooled(timings: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``timings`` whose runs have scores, each with what all runs of its network say.

    Returns:
        Also the columns of the run's facts; ``network`` and ``setting`` (numbers that tell which
        rows belong together), ``processes``, ``pooled_s``: the median of the processes' medians,
        ``spread_s``: how far these lie apart, at least what is usual on that machine and device
        (the median over its networks, relative to their times), and ``doubtful``: they lie more
        than three times as far apart as is usual.
    """
    facts = scores[_FACTS].drop_duplicates("run")
    facts = facts.assign(variant=facts["variant"].fillna("").astype(str))
    rows = facts.merge(timings, on="run", how="inner")
    sizes = rows[_SIZE].apply(pd.to_numeric, errors="coerce").astype(float).fillna(-1.0)
    keys = rows[[*_NETWORK, *_SETTING]].assign(**{name: sizes[name] for name in _SIZE})
    setting = keys.groupby(list(keys)).ngroup()
    medians = _medians(rows)
    by = medians.groupby(setting.loc[medians.index].to_numpy())
    center, count = setting.map(by.median()), setting.map(by.size())
    apart = setting.map(by.max() - by.min())
    usual = _usual(rows, apart / center, setting, count)
    return rows.assign(
        network=keys.groupby([*_NETWORK, *_WHERE]).ngroup(),
        setting=setting,
        processes=count,
        pooled_s=center,
        spread_s=np.maximum(apart, usual * center),
        doubtful=(count > 1) & (usual > 0) & (apart > _FAR * usual * center),
    )


def _medians(rows: pd.DataFrame) -> pd.Series:
    """The median of each process of each row; the index says whose."""
    return rows["medians_s"].astype(str).str.split().explode().astype(float)


def _usual(
    rows: pd.DataFrame, relative: pd.Series, setting: pd.Series, count: pd.Series
) -> pd.Series:
    """The usual relative spread of each row's machine and device; 0 where nothing was repeated."""
    repeated = rows[_WHERE].assign(relative=relative, setting=setting)[count > 1]
    medians = repeated.drop_duplicates("setting").groupby(_WHERE)["relative"].median()
    found = pd.MultiIndex.from_frame(rows[_WHERE]).map(medians.to_dict())
    return pd.Series(found, index=rows.index, dtype=float).fillna(0.0)
