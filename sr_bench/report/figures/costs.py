"""What the plots show, as tables: quality joined with cost, names, fronts and fits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sr_bench.evaluation.scoring.table import require_one_signature
from sr_bench.networks.method_fields import TRAINED
from sr_bench.report.build import HEADLINE_PROTOCOLS
from sr_bench.report.pooling import pooled
from sr_bench.support.errors import SrBenchError
from sr_bench.timing.setting import SIZES

SCORES = ["run", "method", "variant", "weights", "scale", "dataset", "protocol", "metric", "value"]
_NUMBERS = ["median_s", "iqr_s", "peak_memory_mb", "params", "macs"]
_CELL = ["run", "machine", "device", "precision", "input"]
TIMINGS = [*_CELL, *_NUMBERS, "medians_s"]


@dataclass(frozen=True)
class Measured:
    """What the plots of speed are drawn from."""

    scores: pd.DataFrame  # `scores.csv`
    timings: pd.DataFrame  # `timings.csv`
    networks: pd.DataFrame  # run, params, macs: sr_bench.timing.network_costs


@dataclass(frozen=True)
class Choice:
    """What the figures compare. One protocol: numbers of two protocols don't share an axis.

    ``precision`` is the one that ``scores.csv`` was made in; the time of another precision does not
    belong to that PSNR.
    """

    dataset: str = "Set5"
    protocol: str = HEADLINE_PROTOCOLS[-1]
    metric: str = "psnr"
    input: str = "720p"
    precision: str = "float32"


def checked_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """``scores`` with its columns verified and its texts as texts."""
    _require(scores, [*SCORES, "signature"], "scores.csv")
    texts = {c: scores[c].fillna("").astype(str) for c in ("run", "method", "variant", "weights")}
    return scores.assign(**texts, value=pd.to_numeric(scores["value"], errors="coerce"))


def checked_timings(timings: pd.DataFrame) -> pd.DataFrame:
    """``timings`` with its columns verified and its numbers as numbers.

    Raises:
        SrBenchError: if a column is missing or a run was timed twice in one setting.
    """
    _require(timings, TIMINGS, "timings.csv")
    twice = timings[timings.duplicated(_CELL)]
    if len(twice):
        row = ", ".join(str(v) for v in twice.iloc[0][_CELL])
        raise SrBenchError(f"timings.csv has two rows of {row}; keep the newer one")
    texts = {c: timings[c].fillna("").astype(str) for c in _CELL}
    numbers = {c: pd.to_numeric(timings[c], errors="coerce") for c in _NUMBERS}
    return timings.assign(**texts, **numbers)


def quality(scores: pd.DataFrame, choice: Choice) -> pd.DataFrame:
    """One row a run: its score in the chosen dataset, protocol and metric.

    Raises:
        SrBenchError: if the rows have different signatures.
    """
    rows = scores[
        (scores["dataset"] == choice.dataset)
        & (scores["protocol"] == choice.protocol)
        & (scores["metric"] == choice.metric)
        & np.isfinite(scores["value"])
    ]
    require_one_signature(rows, f"the plot of {choice.dataset} under {choice.protocol}")
    return rows.reset_index(drop=True)


def by_device(timings: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Machine, device and its rows: those of two devices never share a figure."""
    for (machine, device), rows in timings.groupby(["machine", "device"]):
        yield str(machine), str(device), rows


def with_time(rows: pd.DataFrame, timings: pd.DataFrame, choice: Choice) -> pd.DataFrame:
    """The runs of ``rows`` that were timed on the chosen input: ``cost`` and ``spread`` in seconds.

    Both are of all runs of a network together (:func:`sr_bench.report.pooling.pooled`), of those in
    ``timings``: one machine's and device's. Rows without a positive time are left out.
    """
    chosen = timings[
        (timings["input"] == choice.input)
        & (timings["precision"] == choice.precision)
        & (timings["median_s"] > 0)
    ]
    together = pooled(chosen, rows)[["run", "pooled_s", "spread_s", "params"]]
    joined = rows.merge(together, on="run", how="inner")
    return joined.rename(columns={"pooled_s": "cost", "spread_s": "spread"})


def with_macs(rows: pd.DataFrame, networks: pd.DataFrame) -> pd.DataFrame:
    """The runs of ``rows`` whose multiply-adds are known (``cost``; 0 for interpolation)."""
    known = networks.dropna(subset=["macs"])[["run", "params", "macs"]]
    known = known.astype({"params": float, "macs": float}).rename(columns={"macs": "cost"})
    return rows.merge(known, on="run", how="inner").assign(spread=0.0)


def compared(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[int]]:
    """The rows of scales with two networks or more, and the other scales; all if there is none."""
    networks = rows[rows["params"] > 0].groupby("scale")[["method", "variant"]]
    counts = networks.apply(lambda of: len(of.drop_duplicates()))
    several = counts.index[counts > 1] if len(counts) else []
    if not len(several):
        return rows, []
    kept = rows["scale"].isin(several)
    return rows[kept].reset_index(drop=True), sorted(rows.loc[~kept, "scale"].unique())


def missing(rows: pd.DataFrame, shown: pd.DataFrame) -> list[str]:
    """The runs of ``rows`` that ``shown`` has no row of, in their order."""
    have = set(shown["run"])
    return [run for run in rows["run"] if run not in have]


def pareto_front(
    cost: Sequence[float], value: Sequence[float], spread: Sequence[float] | None = None
) -> list[int]:
    """Indices of the points that no other point beats, by rising cost.

    A point is beaten by a better one that costs no more, or more by no more than half the sum of
    their spreads: their bars overlap, such costs can't be told apart. Of two that are equally good
    the cheaper one beats the other if it is cheaper by more than that.
    """
    room = spread or [0.0] * len(cost)

    def beats(i: int, j: int) -> bool:
        apart = (room[i] + room[j]) / 2
        if value[i] == value[j]:
            return cost[i] < cost[j] - apart
        return value[i] > value[j] and cost[i] <= cost[j] + apart

    every = range(len(cost))
    left = [j for j in every if not any(beats(i, j) for i in every)]
    return sorted(left, key=lambda i: (cost[i], value[i], i))


def front_of(rows: pd.DataFrame) -> list[int]:
    """The front of rows with a cost, as positions."""
    numbers = (rows[name].astype(float).tolist() for name in ("cost", "value", "spread"))
    return pareto_front(*numbers)


def labelled(rows: pd.DataFrame) -> set[str]:
    """The runs of one panel that get a label: the front, and the best of each method.

    Of a method these are the best with published weights and the best with weights trained here.
    """
    measured = rows[rows["cost"] > 0]
    front = front_of(measured)
    best = rows.groupby(["method", rows["weights"].map(trained_here)])["value"].idxmax()
    return {*measured["run"].iloc[front], *rows.loc[best, "run"]}


def fitted_exponent(pixels: Sequence[float], seconds: Sequence[float]) -> float:
    """p of t = c n^p: the slope of log t over log n by least squares; NaN below two sizes."""
    if len(set(pixels)) < 2:
        return float("nan")
    x, y = np.log(np.asarray(pixels, float)), np.log(np.asarray(seconds, float))
    x = x - x.mean()
    return float((x @ (y - y.mean())) / (x @ x))


def pixels_of(name: str) -> int | None:
    """Output pixels of a frame whose network alone is timed; ``Set5`` and files have ``None``."""
    return math.prod(SIZES[name]) if name in SIZES else None


def trained_here(weights: str) -> bool:
    """Whether sr-bench made these weights."""
    return weights.startswith(TRAINED)


def _require(table: pd.DataFrame, columns: list[str], name: str) -> None:
    absent = [c for c in columns if c not in table.columns]
    if absent:
        raise SrBenchError(f"{name} has no column {', '.join(absent)}; run: dvc repro report")
