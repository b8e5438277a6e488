"""The image on which a run gains least over the baseline, or loses most."""

from __future__ import annotations

import pandas as pd

from sr_bench.report.build import HEADLINE_PROTOCOLS
from sr_bench.report.gains import gains
from sr_bench.report.names import NO_NAMES, Names
from sr_bench.report.tables.model import Cell, Column, Missing, Number, Table
from sr_bench.report.tables.quality import RUN_COLUMNS, SCALE, run_cells, scale_group


def least_gain_tables(per_image: pd.DataFrame, names: Names = NO_NAMES) -> list[Table]:
    """One table for each headline protocol: of each run and dataset the image and the gain in dB.

    There are none where no method is the baseline.
    """
    base = names.baseline
    if base is None:
        return []
    found = {name: gains(per_image, name, base) for name in HEADLINE_PROTOCOLS}
    return [_table(name, rows, names) for name, rows in found.items() if len(rows)]


def _table(protocol: str, rows: pd.DataFrame, names: Names) -> Table:
    least = rows.loc[rows.groupby(["run", "dataset"])["gain"].idxmin()]
    cells = {(r.run, r.dataset): (r.gain, r.image) for r in least.itertuples(index=False)}
    datasets, runs = list(dict.fromkeys(rows["dataset"])), names.runs(rows).values()

    def row(run: str) -> list[Cell]:
        made: list[Cell] = []
        for dataset in datasets:
            gain, image = cells.get((run, dataset), (None, ""))
            made += [Missing() if gain is None else Number(gain, 2, signed=True), image]
        return made

    groups = [
        scale_group(scale, [(*run_cells(r), *row(r.run)) for r in runs if r.scale == scale])
        for scale in sorted({run.scale for run in runs})
    ]
    columns = [column for dataset in datasets for column in _columns(dataset)]
    caption = (
        f"The image on which each run gains least over {names.title(names.baseline or '')}, and "
        f"its PSNR minus that one's (dB), under {protocol}."
    )
    return Table(
        f"least-gain-{protocol}",
        f"{protocol}: least gain",
        caption,
        (*RUN_COLUMNS, *columns),
        tuple(groups),
        by=SCALE,
        signatures=(rows["signature"].iloc[0],),
    )


def _columns(dataset: str) -> tuple[Column, Column]:
    return (
        Column(f"{dataset}_gain", "least", dataset, numeric=True),
        Column(f"{dataset}_image", "image", dataset),
    )
