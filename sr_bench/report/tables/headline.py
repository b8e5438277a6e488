"""What the README shows: the best run of each method, and the number published for it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

import numpy as np
import pandas as pd

from sr_bench.analysis.metrics import describe_metric
from sr_bench.evaluation.scoring.table import require_one_signature
from sr_bench.report.build import HEADLINE_PROTOCOLS
from sr_bench.report.names import HERE, NO_NAMES, Names
from sr_bench.report.tables.model import Cell, Column, Missing, Number, Table
from sr_bench.report.tables.quality import RUN_COLUMNS, SCALE, run_cells, scale_group

DATASETS = ("Set5", "Set14", "BSD100")
KEY = "psnr"
METRIC = describe_metric(KEY)
_OF = ["method", "scale", "protocol"]
_SAME = ["method", "scale", "dataset", "protocol", "metric", "measured"]
Published = Mapping[tuple[str, str, str], str]  # run, dataset, protocol -> as it was printed


def headline_tables(
    cells: pd.DataFrame,
    reproduction: pd.DataFrame,
    trained: pd.DataFrame,
    names: Names = NO_NAMES,
) -> list[Table]:
    """A table for each of the headline protocols that has cells of :data:`DATASETS`.

    Of each method, at each scale, the run that is best on average over the datasets: one with
    published weights and one with weights trained here.
    """
    chosen = cells[(cells["metric"] == KEY) & cells["dataset"].isin(DATASETS)]
    printed = _printed(chosen, reproduction, trained)
    of = {name: chosen[chosen["protocol"] == name] for name in HEADLINE_PROTOCOLS}
    return [_headline(name, rows, printed, names) for name, rows in of.items() if len(rows)]


def _headline(protocol: str, cells: pd.DataFrame, printed: Published, names: Names) -> Table:
    require_one_signature(cells, f"the headline table of {protocol}")
    datasets = [d for d in DATASETS if d in set(cells["dataset"])]
    runs = names.runs(cells)
    values = cells.set_index(["run", "dataset"])["value"].to_dict()

    def row(run: str) -> tuple[Cell, ...]:
        measured = [_measured(values.get((run, dataset))) for dataset in datasets]
        aims = [printed.get((run, dataset, protocol), Missing()) for dataset in datasets]
        return *run_cells(runs[run]), *chain.from_iterable(zip(measured, aims))

    groups = [
        scale_group(scale, [row(run) for run in best_runs(cells, scale, names)])
        for scale in sorted(cells["scale"].unique())
    ]
    columns = [column for dataset in datasets for column in _columns(dataset)]
    return Table(
        f"headline-{protocol}",
        f"Best runs under {protocol}",
        f"{METRIC.title_with_unit} under {protocol}, measured and published: of each method the "
        "best run with published weights and the best one trained here. Published is the number "
        "printed for these weights, or where the method has none here, the number that ours aim "
        "at.",
        (*RUN_COLUMNS, *columns),
        tuple(groups),
        by=SCALE,
        signatures=(cells["signature"].iloc[0],),
    )


def best_runs(cells: pd.DataFrame, scale: int, names: Names = NO_NAMES) -> list[str]:
    """Of each method the best run with published weights, and the best with our own.

    Best is the highest mean over the datasets; runs that lack one of them don't compare. An
    infinite mean (an image is identical to its hr) comes last.
    """
    rows = cells[cells["scale"] == scale]
    whole = rows.groupby("run", sort=False)["dataset"].transform("size")
    rows = rows[whole == rows["dataset"].nunique()]
    means = rows.groupby("run", sort=False)["value"].mean()
    means = means.where(np.isfinite(means), -np.inf)
    runs = names.runs(rows)
    methods = rows.drop_duplicates("run").set_index("run")["method"]
    kinds = [(methods[run], runs[run].by == HERE) for run in means.index]
    return [str(means[[k == kind for k in kinds]].idxmax()) for kind in dict.fromkeys(kinds)]


def _columns(dataset: str) -> tuple[Column, Column]:
    return (
        Column(f"{dataset}_{KEY}", "here", dataset, numeric=True),
        Column(f"{dataset}_published", "paper", dataset, numeric=True),
    )


def _measured(value: float | None) -> Cell:
    return Missing() if value is None else Number(value, METRIC.decimals)


def _printed(
    cells: pd.DataFrame, reproduction: pd.DataFrame, trained: pd.DataFrame
) -> dict[tuple[str, str, str], str]:
    """What was published for a run; the first source's.

    Where no run of the method has a published number, what weights trained here aim at stands in.
    The reproduction table names no runs: a row's run is the one whose cell is the number measured.
    """
    measured = cells.rename(columns={"value": "measured"})[[*_SAME, "run"]]
    own = reproduction.dropna(subset=["measured"]).astype({"measured": float})
    own = own.merge(measured, on=_SAME)
    known = set(own[_OF].itertuples(index=False, name=None))
    trained = trained[trained["metric"] == KEY]
    aims = trained[[key not in known for key in trained[_OF].itertuples(index=False, name=None)]]
    first = pd.concat([own, aims]).drop_duplicates(["run", "dataset", "protocol"])
    return {(r.run, r.dataset, r.protocol): r.published for r in first.itertuples(index=False)}
