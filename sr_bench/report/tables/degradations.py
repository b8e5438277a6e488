"""What degradations cost: degradations down, methods across, a table a dataset.

A project has one where it scores a method under several chains of steps (docs/degradations.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from sr_bench.analysis.metrics import describe_metric
from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.report.names import NO_NAMES, Names
from sr_bench.report.tables.model import Cell, Column, Group, Missing, Number, Table
from sr_bench.report.tables.quality import MAIN, SCALE

PLAIN = "edsr-2017"  # MATLAB's bicubic, scored as the others are
_FEWEST = 2  # chains of steps that make a table
Values = Mapping[tuple[int, str, str, str], float]  # scale, protocol, method's column, metric


def degradation_tables(cells: pd.DataFrame, names: Names = NO_NAMES) -> list[Table]:
    """PSNR and SSIM of each method under each degradation, a table for each dataset.

    Methods that only some degradations have are in it too. Rows are protocols whose LR is made
    by steps, and ``edsr-2017`` beside them.
    """
    known = names.catalogue.protocols.protocols
    stepped = [p.name for p in known.values() if p.degradation.steps and p.degradation.made]
    there = cells[cells["metric"].isin(MAIN)]
    if there[there["protocol"].isin(stepped)]["protocol"].nunique() < _FEWEST:
        return []
    rows = there[there["protocol"].isin([PLAIN, *stepped])]
    return [_table(str(dataset), part, names) for dataset, part in rows.groupby("dataset")]


def _table(dataset: str, cells: pd.DataFrame, names: Names) -> Table:
    runs = names.runs(cells)
    values: Values = {
        (r.scale, r.protocol, str(runs[r.run]), r.metric): r.value
        for r in cells.itertuples(index=False)
    }
    methods = list(dict.fromkeys(map(str, runs.values())))
    order = [p for p in names.catalogue.protocols.protocols.values() if p.name in {*cells.protocol}]
    scales = sorted({run.scale for run in runs.values()})
    return Table(
        f"degradations-{dataset}",
        f"Degradations: {dataset}",
        f"PSNR and SSIM on {dataset} of LR made in other ways. Networks were trained on MATLAB's "
        "bicubic LR, so these are costs of a degradation, not results of methods for it.",
        (Column("protocol", "protocol", code=True), *_columns(methods)),
        tuple(_group(scale, order, methods, values) for scale in scales),
        by=SCALE,
        signatures=tuple(dict.fromkeys(cells["signature"])),
    )


def _columns(methods: Sequence[str]) -> Iterator[Column]:
    for method in methods:
        for metric in MAIN:
            name = describe_metric(metric).name
            yield Column(f"{method} {name}", name, method, numeric=True)


def _group(
    scale: int, protocols: Sequence[Protocol], methods: Sequence[str], values: Values
) -> Group:
    def cell(protocol: Protocol, method: str, metric: str) -> Cell:
        value = values.get((scale, protocol.name, method, metric))
        return Missing() if value is None else Number(value, describe_metric(metric).decimals)

    rows = [
        (p.name, *(cell(p, method, metric) for method in methods for metric in MAIN))
        for p in protocols
    ]
    some = tuple(row for row in rows if any(isinstance(c, Number) for c in row))
    return Group(str(scale), f"×{scale}", some)
