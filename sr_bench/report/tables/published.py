"""Published numbers beside measured ones, with the verdict on each."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sr_bench.report.names import AUTHOR, NO_NAMES, Names, RunName, slug
from sr_bench.report.tables.model import PAPER, SCREEN, Cell, Column, Group, Note, Number, Table

VERDICTS = ("reproduced", "close", "differs", "not run")
_PLACE = (
    Column("protocol", "protocol"),
    Column("dataset", "dataset"),
    Column("scale", "scale", numeric=True),
    Column("metric", "metric", code=True),
    Column("published", "published", numeric=True),
)
_MEASURED = (Column("measured", "measured", numeric=True), Column("delta", "delta", numeric=True))
_SOURCE, _METHOD = Column("source", "source"), Column("method", "method")


def at_a_glance(reproduction: pd.DataFrame) -> Table:
    """How many published numbers of each source have each verdict."""
    groups = reproduction.groupby("source", sort=False)["verdict"]
    counts = {source: verdicts.value_counts() for source, verdicts in groups}
    rows = tuple(
        (source, *(Number(int(found.get(v, 0)), 0) for v in VERDICTS))
        for source, found in counts.items()
    )
    columns = (_SOURCE, *(Column(v.replace(" ", "_"), v, numeric=True) for v in VERDICTS))
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
        source,
        f"Numbers published by {source} beside ours.",
        (*_PLACE, *_MEASURED, *verdict),
        tuple(groups),
        by=_METHOD,
        signatures=_signatures(rows, cells),
    )


def _reproduced(row: Mapping[str, object]) -> tuple[Cell, ...]:
    note = str(row["note"])
    return (*_place(row), *_measured(row), str(row["verdict"]), Note(note) if note else "")


def trained_table(trained: pd.DataFrame, cells: pd.DataFrame, known: Names = NO_NAMES) -> Table:
    """What weights trained here reach, beside the published numbers that they aim at."""
    names = known.runs(cells)
    groups = [
        Group(source, source, tuple(_aimed(r, names, known) for r in rows.to_dict("records")))
        for source, rows in trained.groupby("source", sort=False)
    ]
    here = {names[run].data for run in trained["run"] if run in names}
    runs = (
        Column("run", "run", code=True, media=SCREEN),
        Column("ours", "trained here", media=PAPER),
    )
    caption = (
        "What weights trained here reach beside the published numbers that they aim at, whose "
        f"training sets are larger where their name says so{_larger(here, known)}."
    )
    return Table(
        "trained",
        "Trained here beside published",
        caption,
        (Column("method", "published method"), *_PLACE, *runs, *_MEASURED),
        tuple(groups),
        by=_SOURCE,
        signatures=_signatures(trained, cells),
    )


def _larger(here: set[str], known: Names) -> str:
    """`` (ImageNet, or DIV2K for EDSR and MDSR)``: what authors trained on, and nobody did here.

    Sets that weights are called by come first, then those of methods with one set of weights.
    """
    called: dict[str, None] = {}
    alone: dict[str, dict[str, None]] = {}
    for method, weights, data in known.trained_by_authors():
        if data not in here and weights == AUTHOR:
            alone.setdefault(data, {})[known.title(method)] = None
        elif data not in here:
            called[data] = None
    parts = [*called, *(f"{data} for {_listed([*titles])}" for data, titles in alone.items())]
    return f" ({', or '.join(parts)})" if parts else ""


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _aimed(
    row: Mapping[str, object], names: Mapping[str, RunName], known: Names
) -> tuple[Cell, ...]:
    run, method = str(row["run"]), known.title(str(row["method"]))
    ours = str(names[run]) if run in names else run
    return f"{method} {row['variant']}".strip(), *_place(row), run, ours, *_measured(row)


def waiting_table(reproduction: pd.DataFrame, names: Names = NO_NAMES) -> Table:
    """The published numbers that were not measured: how many of what, and why."""
    waiting = reproduction[reproduction["verdict"] == "not run"]
    keys = ["source", "method", "variant", "dataset", "protocol", "note"]
    rows = tuple(
        (
            f"{names.title(method)} {variant}".strip(),
            protocol,
            dataset,
            Number(len(found), 0),
            note,
            Note(note),
        )
        for (_, method, variant, dataset, protocol, note), found in waiting.groupby(
            keys, sort=False
        )
    )
    sources = [key[0] for key, _ in waiting.groupby(keys, sort=False)]
    columns = (
        _METHOD,
        Column("protocol", "protocol"),
        Column("dataset", "dataset"),
        Column("numbers", "numbers", numeric=True),
        Column("reason", "reason", media=SCREEN),
        Column("note", "reason", media=PAPER),
    )
    groups = tuple(
        Group(source, source, tuple(row for s, row in zip(sources, rows) if s == source))
        for source in dict.fromkeys(sources)
    )
    caption = "Published numbers that were not measured."
    return Table("not-run", "Not run", caption, columns, groups, by=_SOURCE)


def _published_name(rows: pd.DataFrame, names: Names) -> pd.Series:
    return (rows["method"].map(names.title) + " " + rows["variant"]).str.strip()


def _place(row: Mapping[str, object]) -> tuple[Cell, ...]:
    return tuple(str(row[c.key]) for c in _PLACE)


def _measured(row: Mapping[str, object]) -> tuple[Cell, ...]:
    """The measured number with two digits more than the published one was printed with."""
    printed = len(str(row["published"]).partition(".")[2])
    value, delta = float(str(row["measured"])), float(str(row["delta"]))
    return Number(value, printed + 2), Number(delta, 4, signed=True)


def _signatures(rows: pd.DataFrame, cells: pd.DataFrame) -> tuple[str, ...]:
    protocols = set(rows["protocol"])
    return tuple(cells.loc[cells["protocol"].isin(protocols), "signature"].drop_duplicates())
