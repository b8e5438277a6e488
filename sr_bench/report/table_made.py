"""How weights trained here were made, and how long inference takes."""

from __future__ import annotations

import pandas as pd

from sr_bench.report.names import RunName, run_names, slug
from sr_bench.report.table import Cell, Column, Group, Missing, Note, Number, Table
from sr_bench.report.table_quality import RUN_COLUMNS, SCALE, run_cells, scale_group

INPUT, _INPUT_TEXT = "720p", "1280 × 720"


def trainings_table(trainings: pd.DataFrame) -> Table:
    """Each training of ``trainings.csv``: data, recipe, length, machine, validation."""
    columns = (
        Column("training", "weights", code=True),
        Column("data", "data"),
        Column("images", "images", numeric=True),
        Column("recipe", "recipe"),
        Column("steps", "steps", numeric=True),
        Column("minutes", "minutes", numeric=True),
        Column("precision", "precision"),
        Column("machine", "machine"),
        Column("val_psnr", "val", numeric=True),
    )
    caption = (
        "How the weights trained here were made. Minutes are of the machine named, which did other "
        "work as well; val is the PSNR (dB, Y) of held-out images of the training set."
    )
    rows = tuple(_training(r) for r in trainings.to_dict("records"))
    return Table("trainings", "Trainings", caption, columns, (Group("", "", rows),))


def _training(row: dict[str, object]) -> tuple[Cell, ...]:
    step, steps = row["step"], row["steps"]
    return (
        str(row["training"]),
        str(row["data"]),
        _number(row["images"], 0),
        str(row["recipe"]),
        str(steps) if step == steps else f"{step} of {steps}",
        _number(row["minutes"], 1),
        str(row["precision"]),
        Note(str(row["machine"])),
        _number(row["val_psnr"], 2),
    )


_TIME = f"time for {_INPUT_TEXT} (ms)"
_TIMED = (
    Column("precision", "precision"),
    Column("median_s", "median", _TIME, numeric=True),
    Column("iqr_s", "IQR", _TIME, numeric=True),
    Column("images_per_s", "images/s", numeric=True),
    Column("peak_memory_mb", "memory (MB)", numeric=True),
    Column("params", "parameters (k)", numeric=True),
    Column("macs", "multiply-adds (G)", numeric=True),
)


def timing_tables(timings: pd.DataFrame, cells: pd.DataFrame) -> list[Table]:
    """One table for each machine and device: runs that make an image of 1280 x 720."""
    names = run_names(cells)
    of_input = timings[(timings["input"] == INPUT) & timings["run"].isin(names)]
    return [
        _timing_table(machine, device, rows, names)
        for (machine, device), rows in of_input.groupby(["machine", "device"])
    ]


def _timing_table(
    machine: str, device: str, rows: pd.DataFrame, names: dict[str, RunName]
) -> Table:
    scales = rows["run"].map(lambda run: names[run].scale)
    order = {run: i for i, run in enumerate(names)}
    groups = tuple(
        scale_group(int(scale), [_timed(r, names) for r in of_scale.to_dict("records")])
        for scale, of_scale in rows.sort_values(
            "run", key=lambda runs: runs.map(order), kind="stable"
        ).groupby(scales)
    )
    caption = (
        f"Inference on {machine}, {device}: the network alone, one image of {_INPUT_TEXT} pixels. "
        "Median and interquartile range; memory is the peak of a process of its own."
    )
    return Table(
        slug("timings", machine, device),
        f"Time on {machine}, {device}",
        caption,
        (*RUN_COLUMNS, *_TIMED),
        groups,
        by=SCALE,
    )


def _timed(row: dict[str, object], names: dict[str, RunName]) -> tuple[Cell, ...]:
    run = str(row["run"])
    return (
        *run_cells(run, names[run]),
        str(row["precision"]),
        _number(row["median_s"], 1, 1e-3),
        _number(row["iqr_s"], 1, 1e-3),
        _number(row["images_per_s"], 2),
        _number(row["peak_memory_mb"], 0),
        _number(row["params"], 1, 1e3),
        _number(row["macs"], 1, 1e9),
    )


def _number(value: object, places: int, unit: float = 1.0) -> Cell:
    """A number, or none where the table has an empty cell."""
    if pd.isna(value):
        return Missing()
    return Number(value, places, unit=unit)  # type: ignore[arg-type]
