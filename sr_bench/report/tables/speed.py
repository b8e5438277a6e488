"""How long inference takes, and what the harness gains over a plain PyTorch call."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pandas as pd

from sr_bench.report.names import NO_NAMES, Names, RunName, slug
from sr_bench.report.tables.model import SCREEN, Cell, Column, Group, Table, number
from sr_bench.report.tables.quality import RUN_COLUMNS, SCALE, run_cells, scale_group
from sr_bench.timing.setting import FILES, FRAME, FRAMES

_FRAME_TEXT = "1280 × 720"

_TIME = f"time for {_FRAME_TEXT} (ms)"
_TIMED = (
    Column("precision", "precision"),
    Column("median_s", "median", _TIME, numeric=True),
    Column("iqr_s", "IQR", _TIME, numeric=True),
    Column(FILES, "PNG to PNG", _TIME, numeric=True),
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

_KEYS = ["machine", "device", "run", "precision"]

_Row = dict[str, object]


def timing_tables(
    timings: pd.DataFrame, cells: pd.DataFrame, names: Names = NO_NAMES
) -> list[Table]:
    """One table for each machine and device: runs that make an image of 1280 x 720.

    Times are those of the network alone, from file to file, and for an image of each dataset that
    was timed.
    """
    runs = names.runs(cells)
    datasets = sorted(set(timings["input"]) - set(FRAMES))
    rows = _with_medians(timings, [FILES, *datasets])
    tables = []
    for machine, device, groups in _by_device(rows, runs, lambda row: _timed(row, datasets)):
        caption = (
            f"Inference on {machine}, {device}, one image of {_FRAME_TEXT} pixels: the network "
            "alone, median and interquartile range, and, where timed, from a PNG file to a PNG "
            "file. Memory is the peak of a process of its own."
        )
        title = f"Time on {machine}, {device}"
        columns = (*RUN_COLUMNS, *_TIMED, *map(_of_dataset, datasets))
        name = slug("timings", machine, device)
        tables.append(Table(name, title, caption, columns, groups, by=SCALE))
    return tables


def speedup_tables(
    speedups: pd.DataFrame, cells: pd.DataFrame, names: Names = NO_NAMES
) -> list[Table]:
    """One table for each machine and device: what each precision gains over a plain call."""
    runs = names.runs(cells)
    tables = []
    for machine, device, groups in _by_device(speedups, runs, _gained):
        caption = (
            f"Against a plain call of PyTorch (float32-nchw) on {machine}, {device}: the network "
            f"alone, one image of {_FRAME_TEXT} pixels, both in one session. PSNR: what the "
            "setting changes. The matrix rate is that of PyTorch's fastest 2048 × 2048 product in "
            "the same precision and process."
        )
        title = f"Speed-up on {machine}, {device}"
        columns = (*RUN_COLUMNS, *_GAINED)
        name = slug("speedups", machine, device)
        tables.append(Table(name, title, caption, columns, groups, by=SCALE))
    return tables


def _by_device(
    rows: pd.DataFrame, runs: dict[str, RunName], cells: Callable[[_Row], tuple[Cell, ...]]
) -> Iterable[tuple[str, str, tuple[Group, ...]]]:
    """Machine, device, and the rows of 1280 x 720 timed there, by scale, in the runs' order."""
    rows = rows[(rows["input"] == FRAME) & rows["run"].isin(runs)]
    order = {run: i for i, run in enumerate(runs)}
    rows = rows.sort_values("run", key=lambda column: column.map(order), kind="stable")
    for (machine, device), of_device in rows.groupby(["machine", "device"]):
        scales = of_device["run"].map(lambda run: runs[run].scale)
        groups = (
            scale_group(
                int(scale),
                [(*run_cells(runs[str(r["run"])]), *cells(r)) for r in of_scale.to_dict("records")],
            )
            for scale, of_scale in of_device.groupby(scales)
        )
        yield str(machine), str(device), tuple(groups)


def _with_medians(timings: pd.DataFrame, inputs: list[str]) -> pd.DataFrame:
    """The rows, with a column more for each input: its median in s, or nothing."""
    medians = timings.pivot(index=_KEYS, columns="input", values="median_s")
    return timings.merge(medians.reindex(columns=inputs).reset_index(), on=_KEYS)


def _of_dataset(name: str) -> Column:
    return Column(name, name, "median an image (ms)", numeric=True, media=SCREEN)


def _timed(row: _Row, datasets: list[str]) -> tuple[Cell, ...]:
    return (
        str(row["precision"]),
        number(row["median_s"], 1, 1e-3),
        number(row["iqr_s"], 1, 1e-3),
        number(row[FILES], 1, 1e-3),
        number(row["images_per_s"], 2),
        number(row["peak_memory_mb"], 0),
        number(row["params"], 1, 1e3),
        number(row["macs"], 1, 1e9),
        *(number(row[name], 1, 1e-3) for name in datasets),
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
