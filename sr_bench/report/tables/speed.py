"""How long inference takes, and what the harness gains over a plain PyTorch call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

import pandas as pd

from sr_bench.report.names import NO_NAMES, Names, RunName, slug
from sr_bench.report.pooling import pooled
from sr_bench.report.tables.model import (
    SCREEN,
    Cell,
    Column,
    Group,
    Missing,
    Number,
    Table,
    number,
)
from sr_bench.report.tables.quality import RUN_COLUMNS, SCALE, run_cells, scale_group
from sr_bench.timing.setting import FILES, FRAME, FRAMES

_FRAME_TEXT = "1280 × 720"

_TIME = f"time for {_FRAME_TEXT} (ms)"
_NETWORK = (Column("method", "method"), Column("precision", "precision"))
_TIMED = (
    Column("pooled_s", "median", _TIME, numeric=True),
    Column("spread_s", "spread", _TIME, numeric=True),
    Column(FILES, "PNG to PNG", _TIME, numeric=True),
    Column("processes", "processes", numeric=True),
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
DOUBTFUL = (
    "its processes lie more than three times as far apart as is usual here: to be timed again"
)
IMPOSSIBLE = "less than the network alone, which can't be: within noise"

_Row = dict[str, object]


def timing_tables(
    timings: pd.DataFrame,
    cells: pd.DataFrame,
    names: Names = NO_NAMES,
) -> list[Table]:
    """One table for each machine and device, one row for each network and precision.

    Times are of an image of 1280 x 720, by the network alone and from file to file, and of an image
    of each dataset that was timed. All runs of a network are taken together.
    """
    datasets = sorted(set(timings["input"]) - set(FRAMES))
    rows, runs = pooled(timings, cells), names.runs(cells)
    tables = []
    for (machine, device), here in rows.groupby(["machine", "device"]):
        groups = tuple(_of_scales(here, datasets, runs))
        if not groups:
            continue
        place = names.place(str(machine), str(device))
        caption = (
            f"Inference on {place}, one image of {_FRAME_TEXT} pixels: the network alone and, "
            "where timed, from a PNG file to a PNG file. Weights don't change the time, so all "
            "runs of a network are taken together: the median of their processes, and how far "
            "these lie apart (of a single one: what is usual on this machine). Memory is the "
            "peak of a process of its own."
        )
        columns = (*_NETWORK, *_TIMED, *map(_of_dataset, datasets))
        name = slug("timings", str(machine), str(device))
        tables.append(Table(name, f"Time on {place}", caption, columns, groups, by=SCALE))
    return tables


def _of_scales(
    rows: pd.DataFrame, datasets: list[str], runs: Mapping[str, RunName]
) -> Iterator[Group]:
    """The networks of each scale: one row for each precision, in the order of the runs."""
    for scale, of_scale in rows[rows["network"].isin(_timed_whole(rows))].groupby("scale"):
        found = of_scale.groupby(["network", "precision"], sort=False)
        called = _called(of_scale, runs)
        lines = [_line(of_one, datasets, called[network]) for (network, _), of_one in found]
        yield scale_group(int(scale), [line for line in lines if line])


def _called(rows: pd.DataFrame, runs: Mapping[str, RunName]) -> dict[object, str]:
    """What each network is called; two of one method and variant by who trained them, too."""
    first = rows.drop_duplicates("network")
    made = {network: runs[run] for network, run in zip(first["network"], first["run"])}
    named = [run.method for run in made.values()]
    return {
        network: f"{run.method} ({run.by})" if named.count(run.method) > 1 else run.method
        for network, run in made.items()
    }


def _timed_whole(rows: pd.DataFrame) -> set[int]:
    return set(rows.loc[rows["input"] == FRAME, "network"])


def _line(rows: pd.DataFrame, datasets: list[str], called: str) -> tuple[Cell, ...]:
    """A network in one precision; empty where the whole frame wasn't timed so."""
    first = rows.drop_duplicates("input").set_index("input")
    if FRAME not in first.index:
        return ()
    whole = first.loc[FRAME].to_dict()
    at = {name: first.loc[name].to_dict() for name in (FILES, *datasets) if name in first.index}
    memory = rows.loc[rows["input"] == FRAME, "peak_memory_mb"].max()
    return (
        called,
        str(whole["precision"]),
        _time(whole),
        number(whole["spread_s"] or None, 1, 1e-3),
        _time(at.get(FILES), at_least=whole["pooled_s"]),
        number(whole["processes"], 0),
        number(memory, 0),
        number(whole["params"], 1, 1e3),
        number(whole["macs"], 1, 1e9),
        *(_time(at.get(name)) for name in datasets),
    )


def _time(row: _Row | None, at_least: float = 0.0) -> Cell:
    """A pooled time, with what is wrong with it."""
    if row is None:
        return Missing()
    cell = number(row["pooled_s"], 1, 1e-3)
    if not isinstance(cell, Number):
        return cell
    if cell.value < at_least:
        return replace(cell, note=IMPOSSIBLE)
    return replace(cell, note=DOUBTFUL if row["doubtful"] else "")


def _of_dataset(name: str) -> Column:
    return Column(name, name, "median an image (ms)", numeric=True, media=SCREEN)


def speedup_tables(
    speedups: pd.DataFrame,
    cells: pd.DataFrame,
    names: Names = NO_NAMES,
) -> list[Table]:
    """One table for each machine and device: what each precision gains over a plain call."""
    runs = names.runs(cells)
    tables = []
    for machine, device, groups in _by_device(speedups, runs, _gained):
        place = names.place(machine, device)
        caption = (
            f"Against a plain call of PyTorch (float32-nchw) on {place}: the network "
            f"alone, one image of {_FRAME_TEXT} pixels, both in one session. PSNR: what the "
            "setting changes. The matrix rate is that of PyTorch's fastest 2048 × 2048 product in "
            "the same precision and process."
        )
        title = f"Speed-up on {place}"
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


def _gained(row: _Row) -> tuple[Cell, ...]:
    return (
        str(row["precision"]),
        number(row["median_s"], 1, 1e-3),
        number(row["speedup"], 2),
        number(row["psnr_difference"], 4, signed=True),
        number(row["gflops"], 0),
        number(row["of_matrix_rate"], 0, 0.01),
    )
