"""Whether one run is better than another: paired by image, under one protocol, at one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sr_bench.analysis.metrics import describe_metric
from sr_bench.analysis.stats import Paired, differences, holm, paired
from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.evaluation.scoring.table import read_per_image, read_run, require_one_signature
from sr_bench.support.errors import SrBenchError, WrongUse, unknown

ALPHA = 0.05
_SEED = 20240501  # of the bootstrap: the same differences give the same interval everywhere


@dataclass(frozen=True)
class Comparison:
    """A reference run against another one on one dataset."""

    reference: str  # a run
    other: str  # a run
    dataset: str
    protocol: str
    metric: str
    signature: str
    scale: int  # of both
    by_image: dict[str, float]  # image -> reference - other
    paired: Paired  # what these differences say
    p_holm: float  # its p-value, corrected for all runs that are compared with the reference
    compared: int  # how many these are
    higher_is_better: bool  # the metric's direction

    @property
    def smallest_p(self) -> float:
        """The smallest corrected p-value that so many images can give."""
        return min(1.0, self.compared * self.paired.smallest_p)

    @property
    def ranked(self) -> bool:
        """Whether ranks alone decide, since a difference is infinite (one image is identical)."""
        return not all(np.isfinite(value) for value in self.by_image.values())

    @property
    def too_few(self) -> bool:
        """Whether so few images can't be significant even if all agree."""
        return self.smallest_p >= ALPHA

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, ``equal``, ``noise``, ``mixed`` or ``unproven``.

        Better and worse need both: a corrected p below 0.05, and an interval of the mean that
        leaves out 0. With neither it is noise; ``mixed`` has only the p-value (most images one
        way, the mean not), ``unproven`` only the interval (too few images for the test, mostly).
        Where a difference is infinite there is no mean: the ranks alone decide, in which that
        image counts as one image.
        """
        found = self.paired
        if found.tied == found.images:
            return "equal"
        if self.ranked:
            clear, gain = found.won == 0 or found.lost == 0, found.balance
        else:
            clear, gain = bool(found.low > 0 or found.high < 0), found.mean
        if self.p_holm >= ALPHA:
            return "unproven" if clear and found.images > 1 else "noise"
        if not clear and not self.ranked:
            return "mixed"
        return "better" if (gain > 0) == self.higher_is_better else "worse"


def load_runs(root: Path, runs: Sequence[str]) -> pd.DataFrame:
    """The per-image rows of some runs of a project folder.

    From ``reports/per_image.csv.gz``; a run that isn't in it, from ``build/scores``.

    Raises:
        WrongUse: for a run that is in neither, or is named twice.
        SrBenchError: for a damaged table.
    """
    for run in runs:
        if list(runs).count(run) > 1:
            raise WrongUse(f"{run} is named {list(runs).count(run)} times; name it once")
    reported = root / "reports" / "per_image.csv.gz"
    parts = [read_per_image(reported)] if reported.is_file() else []
    known = {name for part in parts for name in part["run"].unique()}
    for run in dict.fromkeys(runs):
        scored = root / "build" / "scores" / f"{run}.csv"
        if run not in known and scored.is_file():
            parts.append(read_run(scored, Catalogue.of_project(root).protocols))
        elif run not in known:
            where = f"{reported} and {scored.parent}"
            raise unknown("run", run, known | _stems(scored.parent), where=where)
    table = pd.concat(parts, ignore_index=True)
    return table[table["run"].isin(runs)].reset_index(drop=True)


def _stems(folder: Path) -> set[str]:
    return {p.stem for p in folder.glob("*.csv")}


def choose(
    table: pd.DataFrame, *, protocol: str | None, metric: str, dataset: str | None
) -> pd.DataFrame:
    """The rows of one protocol, metric and scale, that all runs of ``table`` share.

    Raises:
        WrongUse: if runs differ in scale, if no protocol is named and they share several or
            none, or if a dataset or metric isn't scored.
    """
    scales = table.groupby("run")["scale"].first()
    if scales.nunique() > 1:
        listed = ", ".join(f"{run} (x{scale})" for run, scale in scales.items())
        raise WrongUse(f"runs are of {scales.nunique()} scales: {listed}; compare those of one")
    chosen = protocol or _only(_shared(table, "protocol"), "protocol")
    wanted = {"protocol": chosen, "metric": metric} | ({"dataset": dataset} if dataset else {})
    for column, name in wanted.items():
        known = _shared(table, column)
        if name not in known:
            raise unknown(column, name, known, where="what all these runs are scored on")
        table = table[table[column] == name]
    return table.reset_index(drop=True)


def _shared(table: pd.DataFrame, column: str) -> list[str]:
    """The column's values that every run has."""
    sets = table.groupby("run")[column].agg(set)
    return [v for v in table[column].unique() if all(v in s for s in sets)]


def _only(names: Sequence[str], what: str) -> str:
    if not names:
        raise WrongUse(f"these runs share no {what}; numbers of two {what}s don't compare")
    if len(names) > 1:
        raise WrongUse(f"these runs share {len(names)} {what}s: {', '.join(names)}; name one")
    return names[0]


def compare(table: pd.DataFrame, reference: str) -> list[Comparison]:
    """Every other run of a chosen table against the reference, on each dataset that they share.

    Args:
        reference: the run whose values are on the left of each difference.

    Raises:
        SrBenchError: if signatures differ, runs share no image, hold other images of one dataset,
            or hold a NaN.
    """
    require_one_signature(table, f"a comparison with {reference}")
    _require_numbers(table)
    found: list[Comparison] = []
    for dataset in _shared(table, "dataset"):
        wide = by_image(table[table["dataset"] == dataset], dataset)
        found += _against(wide, reference, table[table["dataset"] == dataset].iloc[0])
    if not found:
        runs = ", ".join(table["run"].unique())
        raise SrBenchError(f"{runs}: no dataset has scores of all of them; score them on one")
    return found


def by_image(rows: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Images down, runs across; every run must have every image."""
    wide = rows.pivot(index="image", columns="run", values="value")
    gaps = wide.isna()
    if gaps.to_numpy().any():
        run, image = gaps.stack().loc[lambda s: s].index[0][::-1]
        raise SrBenchError(
            f"{dataset}: {run} has no score of {image}, which another run has; differences are "
            "taken image by image on one test set: score both on the same images"
        )
    return wide


def _against(wide: pd.DataFrame, reference: str, row: pd.Series) -> list[Comparison]:
    others = [run for run in wide.columns if run != reference]
    left = wide[reference].to_numpy()
    rights = {run: differences(left, wide[run].to_numpy()) for run in others}
    tests = {run: paired(d, np.random.default_rng(_SEED)) for run, d in rights.items()}
    corrected = dict(zip(others, holm([tests[run].p for run in others])))
    return [
        Comparison(
            reference=reference,
            other=run,
            dataset=row["dataset"],
            protocol=row["protocol"],
            metric=row["metric"],
            signature=row["signature"],
            scale=int(row["scale"]),
            by_image=dict(zip(wide.index, rights[run].tolist())),
            paired=tests[run],
            p_holm=corrected[run],
            compared=len(others),
            higher_is_better=describe_metric(row["metric"]).higher_is_better,
        )
        for run in others
    ]


def _require_numbers(table: pd.DataFrame) -> None:
    bad = table[table["value"].isna()]
    if len(bad):
        row = bad.iloc[0]
        raise SrBenchError(
            f"{row['run']}: {row['metric']} of {row['dataset']}/{row['image']} is NaN; score it "
            f"again: sr-bench score {row['run']}"
        )
