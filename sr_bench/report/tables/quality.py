"""The tables of a protocol: runs down, datasets and metrics across."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from sr_bench.analysis.metrics import describe_metric
from sr_bench.evaluation.scoring.table import listed, require_one_signature
from sr_bench.report.names import NO_NAMES, Names, RunName
from sr_bench.report.tables.grades import graded
from sr_bench.report.tables.model import (
    DATA,
    Cell,
    Column,
    Grade,
    Group,
    Missing,
    Number,
    Table,
)

MAIN = ("psnr", "ssim")
SCALE = Column("scale", "scale", numeric=True)
RUN_COLUMNS = (
    Column("run", "run", media=DATA),
    Column("method", "name"),
    Column("trained_on", "trained on"),
    Column("trained_by", "by"),
)
INFINITE = "inf: an image is identical to its HR, so the mean is infinite; it is not ranked."
Marks = Mapping[tuple[str, str, str, str], bool]  # run, dataset, protocol, metric
_COLUMN = ["scale", "dataset", "protocol", "metric"]  # what is ranked together


def quality_tables(
    cells: pd.DataFrame,
    marks: Marks | None = None,
    not_run: Mapping[str, str] | None = None,
    names: Names = NO_NAMES,
) -> list[Table]:
    """The tables of all protocols that have cells, in the order of ``protocols.yaml``.

    A protocol has one table of PSNR and SSIM, and one of its other metrics if it has any.

    Args:
        marks: which cells are not significantly worse than the best of their column and scale.
        not_run: run to the reason why it has no scores, for a line under each table.

    Raises:
        SrBenchError: if numbers of one protocol have different signatures.
    """
    without = by_reason(not_run or {})
    remarks = tuple(f"No scores of {listed(runs)}: {why}." for why, runs in without.items())
    made = []
    for name in names.catalogue.protocols.protocols:
        rows = cells[cells["protocol"] == name]
        if len(rows):
            made += [_remarked(t, remarks) for t in protocol_tables(name, rows, marks or {}, names)]
    return made


def by_reason(not_run: Mapping[str, str]) -> dict[str, list[str]]:
    """Each reason, and the runs that have no scores for it."""
    found: dict[str, list[str]] = {}
    for run, why in not_run.items():
        found.setdefault(why, []).append(run)
    return found


def _remarked(table: Table, remarks: tuple[str, ...]) -> Table:
    infinite = any(isinstance(c, Number) and math.isinf(c.value) for c in table.cells)
    return replace(table, remarks=(*remarks, INFINITE) if infinite else remarks)


def protocol_tables(
    protocol: str, cells: pd.DataFrame, marks: Marks, names: Names = NO_NAMES
) -> list[Table]:
    """PSNR and SSIM of a protocol, and its other metrics; signatures must not differ."""
    require_one_signature(cells, f"the table of {protocol}")
    rule = names.catalogue.protocols.find(protocol)
    summary, again = rule.summary, "psnr_y" if rule.colour == "y" else ""
    main = cells[cells["metric"].isin(MAIN)]
    more = cells[~cells["metric"].isin([*MAIN, again])]  # where Y is scored, psnr_y is psnr again
    tables = []
    if len(main):
        titles = " and ".join(describe_metric(metric).title_with_unit for metric in MAIN)
        caption = f"{titles} under {protocol}: {summary}."
        tables.append(_table((protocol, protocol, caption), main, marks, names))
    if len(more):
        caption = f"Other metrics under {protocol}: {summary}."
        named = (f"{protocol}-more", f"{protocol}: other metrics", caption)
        tables.append(_table(named, more, marks, names))
    return tables


def _table(named: tuple[str, str, str], cells: pd.DataFrame, marks: Marks, names: Names) -> Table:
    values = {
        (r.run, r.dataset, r.metric): Number(
            r.value,
            describe_metric(r.metric).decimals,
            marked=marks.get((r.run, r.dataset, r.protocol, r.metric), False),
        )
        for r in cells.itertuples(index=False)
    }
    columns = [*cells[["dataset", "metric"]].drop_duplicates().itertuples(index=False, name=None)]
    runs = names.runs(cells).values()
    groups = [
        _group([run for run in runs if run.scale == scale], columns, values)
        for scale in sorted({run.scale for run in runs})
    ]
    shown = tuple(quality_column(*c) for c in columns)
    signature = (cells["signature"].iloc[0],)
    return Table(*named, (*RUN_COLUMNS, *shown), tuple(groups), by=SCALE, signatures=signature)


Values = Mapping[tuple[str, str, str], Number]  # run, dataset, metric


def _group(runs: Sequence[RunName], columns: Sequence[tuple[str, str]], values: Values) -> Group:
    """The rows of one scale, each column graded."""
    graded_columns = [
        _marked(graded([values.get((r.run, *c), Missing()) for r in runs], metric=c[1]))
        for c in columns
    ]
    rows = [(*run_cells(run), *row) for run, *row in zip(runs, *graded_columns)]
    return scale_group(runs[0].scale, rows)


def daggers(cells: pd.DataFrame, marks: Marks) -> frozenset[tuple[str, str, str, str]]:
    """The cells (run, dataset, protocol, metric) that get a dagger in the tables."""
    found: set[tuple[str, str, str, str]] = set()
    for (_, dataset, protocol, metric), rows in cells.groupby(_COLUMN):
        keys = [(run, dataset, protocol, metric) for run in rows["run"]]
        decimals = describe_metric(metric).decimals
        numbers = [
            Number(value, decimals, marked=marks.get(key, False))
            for key, value in zip(keys, rows["value"])
        ]
        shown = _marked(graded(numbers, metric=metric))
        found |= {k for k, c in zip(keys, shown) if isinstance(c, Number) and c.marked}
    return frozenset(found)


def scale_group(scale: int, rows: Sequence[tuple[Cell, ...]]) -> Group:
    """Rows of one scale."""
    return Group(str(scale), f"×{scale}", tuple(rows))


def run_cells(run: RunName) -> tuple[Cell, ...]:
    """What stands under :data:`RUN_COLUMNS`."""
    return run.run, run.method, run.data, run.by


def quality_column(dataset: str, metric: str) -> Column:
    """A metric of a dataset: ``Set5 | PSNR``, or ``Set5 PSNR | Cb`` for one of several planes."""
    shown = describe_metric(metric)
    group = f"{dataset} {shown.name}" if shown.planes else dataset
    return Column(f"{dataset}_{metric}", shown.planes or shown.name, group, numeric=True)


def _marked(cells: Sequence[Cell]) -> list[Cell]:
    """The cells without marks that say nothing: on the best, and where nothing is best."""
    some_best = any(isinstance(cell, Number) and cell.grade is Grade.BEST for cell in cells)
    return [
        replace(cell, marked=cell.marked and some_best and cell.grade is not Grade.BEST)
        if isinstance(cell, Number)
        else cell
        for cell in cells
    ]
