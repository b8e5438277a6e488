"""Published numbers against measured ones, with the verdict on each."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sr_bench.report.names import NO_NAMES, Names, slug
from sr_bench.report.tables.model import PAPER, SCREEN, Cell, Column, Group, Note, Number, Table

VERDICTS = ("reproduced", "close", "differs", "not run")
PUBLISHED = (
    Column("protocol", "protocol"),
    Column("dataset", "dataset"),
    Column("scale", "scale", numeric=True),
    Column("metric", "metric", code=True),
    Column("published", "published", numeric=True),
)
MEASURED = (Column("measured", "measured", numeric=True), Column("delta", "delta", numeric=True))
SOURCE, _METHOD = Column("source", "source"), Column("method", "method")


def at_a_glance(reproduction: pd.DataFrame, names: Names = NO_NAMES) -> Table:
    """How many published numbers of each source have each verdict."""
    groups = reproduction.groupby("source", sort=False)["verdict"]
    counts = {source: verdicts.value_counts() for source, verdicts in groups}
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (names.source(source), *(Number(int(found.get(v, 0)), 0) for v in VERDICTS))
        for source, found in counts.items()
    )
    columns = (SOURCE, *(Column(v.replace(" ", "_"), v, numeric=True) for v in VERDICTS))
    caption = (
        "Published numbers beside ours: reproduced is equal at the printed digits, close within "
        "the protocol's tolerance."
    )
    return Table("at-a-glance", "At a glance", caption, columns, (Group("", "", rows),))


def reproduction_tables(
    reproduction: pd.DataFrame, cells: pd.DataFrame, names: Names = NO_NAMES
) -> list[Table]:
    """One table for each source of which a number was measured: published, measured, verdict."""
    measured = reproduction[reproduction["verdict"] != "not run"]
    return [
        _reproduction(source, rows, cells, names)
        for source, rows in measured.groupby("source", sort=False)
    ]


def _reproduction(source: str, rows: pd.DataFrame, cells: pd.DataFrame, names: Names) -> Table:
    groups = [
        Group(name, name, tuple(_reproduced(r) for r in of_method.to_dict("records")))
        for name, of_method in rows.groupby(_published_name(rows, names), sort=False)
    ]
    verdict = (Column("verdict", "verdict"), Column("note", "note"))
    return Table(
        slug("reproduction", source),
        names.source(source),
        f"Numbers published by {names.source(source)} beside ours.",
        (*PUBLISHED, *MEASURED, *verdict),
        tuple(groups),
        by=_METHOD,
        signatures=signatures_of(rows, cells),
    )


def _reproduced(row: Mapping[str, object]) -> tuple[Cell, ...]:
    note = str(row["note"])
    return (
        *published_cells(row),
        *measured_cells(row),
        str(row["verdict"]),
        Note(note) if note else "",
    )


def waiting_table(reproduction: pd.DataFrame, names: Names = NO_NAMES) -> Table:
    """The published numbers that were not measured: of each source and reason one row."""
    waiting = reproduction[reproduction["verdict"] == "not run"]
    groups = tuple(
        Group(
            names.source(source),
            names.source(source),
            tuple(_waiting(rows, note, names) for note, rows in of_source.groupby("note")),
        )
        for source, of_source in waiting.groupby("source", sort=False)
    )
    columns = (
        Column("methods", "methods"),
        Column("datasets", "datasets"),
        Column("numbers", "numbers", numeric=True),
        Column("reason", "reason", media=SCREEN),
        Column("note", "reason", media=PAPER),
    )
    caption = "Published numbers that were not measured."
    return Table("not-run", "Not run", caption, columns, groups, by=SOURCE)


def _waiting(rows: pd.DataFrame, note: str, names: Names) -> tuple[Cell, ...]:
    methods = ", ".join(dict.fromkeys(_published_name(rows, names)))
    datasets = ", ".join(dict.fromkeys(rows["dataset"]))
    return methods, datasets, Number(len(rows), 0), note, Note(note)


def _published_name(rows: pd.DataFrame, names: Names) -> pd.Series:
    return (rows["method"].map(names.title) + " " + rows["variant"]).str.strip()


def published_cells(row: Mapping[str, object]) -> tuple[Cell, ...]:
    """The cells of :data:`PUBLISHED`."""
    return tuple(str(row[c.key]) for c in PUBLISHED)


def measured_cells(row: Mapping[str, object]) -> tuple[Cell, ...]:
    """The cells of :data:`MEASURED`: two digits more than the published number was printed with."""
    printed = len(str(row["published"]).partition(".")[2])
    value, delta = float(str(row["measured"])), float(str(row["delta"]))
    return Number(value, printed + 2), Number(delta, 4, signed=True)


def signatures_of(rows: pd.DataFrame, cells: pd.DataFrame) -> tuple[str, ...]:
    """The signatures of the cells under the protocols of ``rows``."""
    protocols = set(rows["protocol"])
    return tuple(cells.loc[cells["protocol"].isin(protocols), "signature"].drop_duplicates())
