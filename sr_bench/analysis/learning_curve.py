"""A training's log, and what its held-out PSNR promises of more time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from sr_bench.support.errors import SrBenchError
from sr_bench.support.text_files import read_rows

_FEWEST = 5  # points that three parameters are fitted to
_POWERS = np.geomspace(0.02, 3.0, 200)  # from nearly a logarithm to a curve that is flat at once


class Promise(NamedTuple):
    """The curve ``limit - fall * minutes ** -power`` fitted to a training's held-out PSNR."""

    limit: float  # dB, after endless time
    fall: float  # dB below it after one minute
    power: float
    error: float  # dB, root of the mean square of what the fit misses

    def at(self, minutes: float) -> float:
        """The PSNR in dB after so many minutes."""
        return float(self.limit - self.fall * minutes**-self.power)

    def gain_of_twice(self, minutes: float) -> float:
        """What twice as many minutes bring, in dB."""
        return self.at(2 * minutes) - self.at(minutes)


def promise(minutes: Sequence[float], psnr: Sequence[float]) -> Promise | None:
    """The curve of least squares; ``None`` for fewer than five points.

    For each power the other two are a linear fit. A learning rate that falls to 0 flattens a curve
    by itself: the fit is of this recipe, and a longer one may gain more.

    Args:
        minutes: above 0.
        psnr: dB.
    """
    if len(minutes) < _FEWEST:
        return None
    return min((_of_power(power, minutes, psnr) for power in _POWERS), key=lambda fit: fit.error)


def _of_power(power: float, minutes: Sequence[float], psnr: Sequence[float]) -> Promise:
    times, values = np.asarray(minutes, float), np.asarray(psnr, float)
    design = np.stack([np.ones_like(times), -(times**-power)], axis=1)
    (limit, fall), *_ = np.linalg.lstsq(design, values, rcond=None)
    error = np.sqrt(np.mean((design @ [limit, fall] - values) ** 2))
    return Promise(float(limit), float(fall), float(power), float(error))


def promise_of(rows: pd.DataFrame) -> Promise | None:
    """The same for a log of :func:`read_log`."""
    known = rows[["minutes", "psnr"]].dropna()
    known = known[known["minutes"] > 0]
    return promise(known["minutes"].tolist(), known["psnr"].tolist())


def read_log(folder: Path) -> pd.DataFrame:
    """``plots/metrics/**/*.tsv`` of a training's log as a table: step, psnr, loss and minutes.

    ``psnr`` is the mean over the scales, in dB. What wasn't logged at a step is NaN.

    Raises:
        SrBenchError: if a file is missing or isn't such a table.
    """
    metrics = folder / "plots" / "metrics"
    parts = [_column(path) for path in sorted(metrics.glob("val/psnr*.tsv"))]
    if not parts:
        raise SrBenchError(f"{metrics / 'val'}: no psnr*.tsv in it; train again, or remove the log")
    values = reduce(_joined, parts).set_index("step").sort_index()
    psnr = values.mean(axis=1, skipna=False).rename("psnr").reset_index()
    others = (_column(metrics / name) for name in ("train/loss.tsv", "minutes.tsv"))
    return reduce(_joined, others, psnr).sort_values("step", ignore_index=True)


def _column(path: Path) -> pd.DataFrame:
    rows = read_rows(path, ["step", path.stem], remedy="train again", separator="\t")
    try:
        return rows.frame().astype(float).astype({"step": int})
    except ValueError as error:
        raise SrBenchError(f"{path}: not a log of a training ({error}); train again") from error


def _joined(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    return left.merge(right, on="step", how="outer")
