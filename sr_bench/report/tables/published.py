"""Published numbers against measured ones, with the verdict on each."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sr_bench.analysis.metrics import describe_metric
from sr_bench.report.names import NO_NAMES, Names, slug
from sr_bench.report.tables.model import (
    DATA,
    PAPER,
    Cell,
    Column,
    Group,
    Link,
    Note,
    Number,
    Table,
)

VERDICTS = ("reproduced", "close", "differs", "not run")
PUBLISHED = (
    Column("protocol", "protocol", media=PAPER),
    Column("dataset", "dataset"),
    Column("scale", "scale", numeric=True),
    Column("metric", "metric"),
    Column("published", "published", numeric=True),
)
MEASURED = (Column("measured", "measured", numeric=True), Column("delta", "delta", numeric=True))
SOURCE, _METHOD = Column("source", "source"), Column("method", "method")


def at_a_glance(reproduction: pd.DataFrame, names: Names = NO_NAMES) -> Table:
    """How many published numbers of each source have each verdict."""
    groups = reproduction.groupby("source", sort=False)["verdict"]
    counts = {source: verdicts.value_counts() for source, verdicts in groups}
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            Link(names.source(source), names.link(source)),
            *(Number(int(found.get(v, 0)), 0) for v in VERDICTS),
        )
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
    link = names.link(source)
    named = [_published_name(rows, names), rows["protocol"], rows["where"]]
    groups = [
        Group(
            name,
            f"{name}, {protocol}",
            tuple(_reproduced(row) for row in _records(of)),
            Link(where, link),
            str(of["command"].iloc[0]),
        )
        for (name, protocol, where), of in rows.groupby(named, sort=False)
    ]
    verdict = (
        Column("verdict", "verdict"),
        Column("note", "note"),
        Column("where", "where", media=DATA),
        Column("command", "command", media=DATA),
    )
    return Table(
        slug("reproduction", source),
        names.source(source),
        f"Numbers published by {names.source(source)} beside ours.",
        (*PUBLISHED, *MEASURED, *verdict),
        tuple(groups),
        by=_METHOD,
        apart=True,
        signatures=signatures_of(rows, cells),
    )


def _records(rows: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(k): v for k, v in row.items()} for row in rows.to_dict("records")]


def _reproduced(row: Mapping[str, object]) -> tuple[Cell, ...]:
    note = str(row["note"])
    return (
        *published_cells(row),
        *measured_cells(row),
        str(row["verdict"]),
        Note(note) if note else "",
        str(row["where"]),
        str(row["command"]),
    )


def waiting_table(reproduction: pd.DataFrame, names: Names = NO_NAMES) -> Table:
    """The published numbers that were not measured: one row a source and method."""
    waiting = reproduction[reproduction["verdict"] == "not run"]
    groups = tuple(
        Group(
            names.source(source),
            names.source(source),
            tuple(_waiting(str(method), of, names) for method, of in by_method),
        )
        for source, rows in waiting.groupby("source", sort=False)
        if (by_method := rows.groupby("method", sort=False))
    )
    columns = (
        Column("methods", "method"),
        Column("datasets", "datasets"),
        Column("numbers", "numbers", numeric=True),
        Column("reason", "reason"),
        Column("command", "command", media=DATA),
    )
    caption = "Published numbers that were not measured."
    return Table("not-run", "Not run", caption, columns, groups, by=SOURCE)


def _waiting(method: str, rows: pd.DataFrame, names: Names) -> tuple[Cell, ...]:
    reasons = rows["note"].str.partition("; ")[0].value_counts()
    said = "; ".join(f"{reason} ({count})" if len(reasons) > 1 else str(reason)
                     for reason, count in reasons.items())  # fmt: skip
    commands = [command for command in rows["command"] if command]
    datasets = ", ".join(dict.fromkeys(rows["dataset"]))
    return (
        names.title(method),
        datasets,
        Number(len(rows), 0),
        said,
        commands[0] if commands else "",
    )


def _published_name(rows: pd.DataFrame, names: Names) -> pd.Series:
    return pd.Series(names.networks(rows), index=rows.index)


def published_cells(row: Mapping[str, object]) -> tuple[Cell, ...]:
    """The cells of :data:`PUBLISHED`."""
    shown = dict(row) | {"metric": describe_metric(str(row["metric"])).title}
    return tuple(str(shown[c.key]) for c in PUBLISHED)


def measured_cells(row: Mapping[str, object]) -> tuple[Cell, ...]:
    """The cells of :data:`MEASURED`: two digits more than the published number was printed with."""
    printed = len(str(row["published"]).partition(".")[2])
    value, delta = float(str(row["measured"])), float(str(row["delta"]))
    return Number(value, printed + 2), Number(delta, 4, signed=True)


def signatures_of(rows: pd.DataFrame, cells: pd.DataFrame) -> tuple[str, ...]:
    """The signatures of the cells under the protocols of ``rows``."""
    protocols = set(rows["protocol"])
    return tuple(cells.loc[cells["protocol"].isin(protocols), "signature"].drop_duplicates())
