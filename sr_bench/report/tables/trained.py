"""Weights trained here: how they were made, and what they reach of published numbers."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sr_bench.report.names import AUTHOR, NO_NAMES, Names, RunName
from sr_bench.report.tables.model import (
    DATA,
    Cell,
    Column,
    Group,
    Note,
    Table,
    number,
)
from sr_bench.report.tables.published import (
    MEASURED,
    PUBLISHED,
    SOURCE,
    measured_cells,
    published_cells,
    signatures_of,
)


def trainings_table(trainings: pd.DataFrame, names: Names = NO_NAMES) -> Table:
    """Each training of ``trainings.csv``: data, recipe, length, machine, validation."""
    columns = (
        Column("training", "weights", media=DATA),
        Column("name", "name"),
        Column("data", "trained on"),
        Column("images", "images", numeric=True),
        Column("start", "start"),
        Column("recipe", "recipe"),
        Column("steps", "steps", numeric=True),
        Column("minutes", "minutes", numeric=True),
        Column("precision", "precision"),
        Column("machine", "machine"),
        Column("val_psnr", "val", numeric=True),
        Column("gain_of_twice_db", "twice", numeric=True),
        Column("fit_error_db", "fit", numeric=True),
    )
    caption = (
        "How the weights trained here were made; start names weights made before, from which they "
        "started. Minutes are of the machine named, which did other work as well; val is the PSNR "
        "(dB, Y) of held-out images of the training set; twice is what twice the minutes would add "
        "to it, by a curve fitted to the log, and fit what that curve misses of it (dB): a gain "
        "below it is none."
    )
    records = [{str(k): v for k, v in r.items()} for r in trainings.to_dict("records")]
    starts = {str(r["training"]): _start(r, names) for r in records}
    rows = tuple(_training(r, _called(r, names), starts) for r in records)
    return Table("trainings", "Trainings", caption, columns, (Group("", "", rows),))


def _called(row: Mapping[str, object], names: Names) -> str:
    """What people call weights made here: ``SRCNN 9-1-5 ×3``."""
    scales = " ".join(f"×{scale}" for scale in str(row["scales"]).split())
    parts = (names.network(str(row["method"]), str(row["variant"])), scales, row["tag"])
    return " ".join(str(part) for part in parts if part)


def _start(row: Mapping[str, object], names: Names) -> str:
    """The same with the training set: a start may be of another one."""
    return f"{_called(row, names)}, {row['data']}"


def _training(
    row: Mapping[str, object], called: str, starts: Mapping[str, str]
) -> tuple[Cell, ...]:
    step, steps = row["step"], row["steps"]
    begun = [starts.get(start, start) for start in str(row["start"] or "").split()]
    return (
        str(row["training"]),
        called,
        str(row["data"]),
        number(row["images"], 0),
        Note("; ".join(begun)) if begun else "",
        str(row["recipe"]),
        str(steps) if step == steps else f"{step} of {steps}",
        number(row["minutes"], 1),
        str(row["precision"]),
        Note(str(row["machine"])),
        number(row["val_psnr"], 2),
        number(row["gain_of_twice_db"], 3),
        number(row["fit_error_db"], 3),
    )


def trained_table(trained: pd.DataFrame, cells: pd.DataFrame, names: Names = NO_NAMES) -> Table:
    """What weights trained here reach, and the published numbers that they aim at."""
    runs = names.runs(cells)
    groups = [
        Group(called, called, tuple(_aimed(r, runs, names) for r in rows.to_dict("records")))
        # a number that its source prints at two places counts once
        for source, rows in trained.drop_duplicates().groupby("source", sort=False)
        if (called := names.source(source))
    ]
    here = {runs[run].data for run in trained["run"] if run in runs}
    run_columns = (
        Column("run", "run", media=DATA),
        Column("ours", "trained here"),
    )
    caption = (
        "What weights trained here reach beside the published numbers that they aim at, whose "
        f"training sets are larger where their name says so{_larger(here, names)}."
    )
    return Table(
        "trained",
        "Trained here beside published",
        caption,
        (Column("method", "published method"), *PUBLISHED, *run_columns, *MEASURED),
        tuple(groups),
        by=SOURCE,
        apart=True,
        signatures=signatures_of(trained, cells),
    )


def _larger(here: set[str], names: Names) -> str:
    """`` (ImageNet, or DIV2K for A and B)``: what authors trained on, and nobody did here.

    Sets that weights are called by come first, then those of methods with one set of weights.
    """
    called: dict[str, None] = {}
    alone: dict[str, dict[str, None]] = {}
    for method, weights, data in names.trained_by_authors():
        if data not in here and weights == AUTHOR:
            alone.setdefault(data, {})[names.title(method)] = None
        elif data not in here:
            called[data] = None
    parts = [*called, *(f"{data} for {_listed([*titles])}" for data, titles in alone.items())]
    return f" ({', or '.join(parts)})" if parts else ""


def _listed(titles: list[str]) -> str:
    return " and ".join([", ".join(titles[:-1]), titles[-1]] if titles[1:] else titles)


def _aimed(
    row: Mapping[str, object], runs: Mapping[str, RunName], names: Names
) -> tuple[Cell, ...]:
    run = str(row["run"])
    ours = str(runs[run]) if run in runs else run
    return (
        names.network(str(row["method"]), str(row["variant"])),
        *published_cells(row),
        run,
        ours,
        *measured_cells(row),
    )
