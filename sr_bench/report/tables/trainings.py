"""How weights trained here were made."""

from __future__ import annotations

import pandas as pd

from sr_bench.report.tables.model import Cell, Column, Group, Note, Table, number


def trainings_table(trainings: pd.DataFrame) -> Table:
    """Each training of ``trainings.csv``: data, recipe, length, machine, validation."""
    columns = (
        Column("training", "weights", code=True),
        Column("data", "data"),
        Column("images", "images", numeric=True),
        Column("start", "start"),
        Column("recipe", "recipe"),
        Column("steps", "steps", numeric=True),
        Column("minutes", "minutes", numeric=True),
        Column("precision", "precision"),
        Column("machine", "machine"),
        Column("val_psnr", "val", numeric=True),
    )
    caption = (
        "How the weights trained here were made; start names weights made before, from which they "
        "started. Minutes are of the machine named, which did other work as well; val is the PSNR "
        "(dB, Y) of held-out images of the training set."
    )
    rows = tuple(_training(r) for r in trainings.to_dict("records"))
    return Table("trainings", "Trainings", caption, columns, (Group("", "", rows),))


def _training(row: dict[str, object]) -> tuple[Cell, ...]:
    step, steps = row["step"], row["steps"]
    return (
        str(row["training"]),
        str(row["data"]),
        number(row["images"], 0),
        Note(str(row["start"])) if row["start"] else "",
        str(row["recipe"]),
        str(steps) if step == steps else f"{step} of {steps}",
        number(row["minutes"], 1),
        str(row["precision"]),
        Note(str(row["machine"])),
        number(row["val_psnr"], 2),
    )
