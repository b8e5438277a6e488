"""How long inference takes, and what the harness gains over a plain PyTorch call."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pandas as pd

from sr_bench.report.names import RunName, run_names, slug
from sr_bench.report.table import SCREEN, Cell, Column, Group, Table, number
from sr_bench.report.table_quality import RUN_COLUMNS, SCALE, run_cells, scale_group

INPUT, _INPUT_TEXT = "720p", "1280 × 720"

_TIME = f"time for {_INPUT_TEXT} (ms)"
_TIMED = (
    Column("precision", "precision"),
    Column("median_s", "median", _TIME, numeric=True),
    Column("iqr_s", "IQR", _TIME, numeric=True),
    Column("images_per_s", "images/s", numeric=True, media=SCREEN),
    Column("peak_memory_mb", "memory (MB)", numeric=True),
    Column("params", "params (k)", numeric=True),
    Column("macs", "MACs (G)", numeric=True),
)
_GAINED = (
    Column("precision", "precision"),
    Column("median_s", "median (ms)", numeric=True),
    Column("speedup", "times as fast", numeric=True),
    Column("psnr_difference", "PSNR (dB)", numeric=True),
    Column("gflops", "GFLOP/s", numeric=True),
    Column("of_matrix_rate", "of the matrix rate (%)", numeric=True),
)

_Row = dict[str, object]


def timing_tables(timings: pd.DataFrame, cells: pd.DataFrame) -> list[Table]:
    """One table for each machine and device: runs that make an image of 1280 x 720."""
    names = run_names(cells)
    tables = []
    for machine, device, groups in _by_place(timings, names, _timed):
        caption = (
            f"Inference on {machine}, {device}: the network alone, one image of {_INPUT_TEXT} "
            "pixels. Median and interquartile range; memory is the peak of a process of its own."
        )
        title = f"Time on {machine}, {device}"
        columns = (*RUN_COLUMNS, *_TIMED)
        name = slug("timings", machine, device)
        tables.append(Table(name, title, caption, columns, groups, by=SCALE))
    return tables


def speedup_tables(speedups: pd.DataFrame, cells: pd.DataFrame) -> list[Table]:
    """One table for each machine and device: what each precision gains over a plain call.

    Args:
        speedups: as :func:`sr_bench.timing.speedups.speedups` has them.
        cells: the rows of ``scores.csv``.
    """
    names = run_names(cells)
    tables = []
    for machine, device, groups in _by_place(speedups, names, _gained):
        caption = (
            f"Against a plain call of PyTorch (float32-nchw) on {machine}, {device}: the network "
            f"alone, one image of {_INPUT_TEXT} pixels, both in one session. PSNR: what the "
            "setting changes. The matrix rate is that of a 2048 × 2048 product in the same "
            "precision and process."
        )
        title = f"Speed-up on {machine}, {device}"
        columns = (*RUN_COLUMNS, *_GAINED)
        name = slug("speedups", machine, device)
        tables.append(Table(name, title, caption, columns, groups, by=SCALE))
    return tables


def _by_place(
    rows: pd.DataFrame, names: dict[str, RunName], cells: Callable[[_Row], tuple[Cell, ...]]
) -> Iterable[tuple[str, str, tuple[Group, ...]]]:
    """Machine, device, and the rows of 1280 x 720 timed there, by scale, in the runs' order."""
    rows = rows[(rows["input"] == INPUT) & rows["run"].isin(names)]
    order = {run: i for i, run in enumerate(names)}
    rows = rows.sort_values("run", key=lambda runs: runs.map(order), kind="stable")
    for (machine, device), of_place in rows.groupby(["machine", "device"]):
        scales = of_place["run"].map(lambda run: names[run].scale)
        groups = (
            scale_group(
                int(scale),
                [
                    (*run_cells(str(r["run"]), names[str(r["run"])]), *cells(r))
                    for r in of_scale.to_dict("records")
                ],
            )
            for scale, of_scale in of_place.groupby(scales)
        )
        yield str(machine), str(device), tuple(groups)


def _timed(row: _Row) -> tuple[Cell, ...]:
    return (
        str(row["precision"]),
        number(row["median_s"], 1, 1e-3),
        number(row["iqr_s"], 1, 1e-3),
        number(row["images_per_s"], 2),
        number(row["peak_memory_mb"], 0),
        number(row["params"], 1, 1e3),
        number(row["macs"], 1, 1e9),
    )


def _gained(row: _Row) -> tuple[Cell, ...]:
    return (
        str(row["precision"]),
        number(row["median_s"], 1, 1e-3),
        number(row["speedup"], 2),
        number(row["psnr_difference"], 4, signed=True),
        number(row["gflops"], 0),
        number(row["of_matrix_rate"], 0, 0.01),
    )
