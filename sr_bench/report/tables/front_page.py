"""What a project's front page claims: numbers of papers beside ours, and weights made here."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from sr_bench.analysis.compare import Comparison, choose, compare
from sr_bench.report.build import HEADLINE_PROTOCOLS
from sr_bench.report.names import HERE, NO_NAMES, Names, RunName
from sr_bench.report.tables.headline import DATASETS, KEY, METRIC
from sr_bench.report.tables.model import Cell, Column, Group, Link, Missing, Number, Table, digits
from sr_bench.report.tables.quality import SCALE

_MOST = 6  # rows that are read at a glance
_SCALES = (4, 3, 2, 8)  # of each paper the first of these that it prints
_AUTHORS = "authors"
_LONG = 30  # letters of a place, as a file's path: too many for a line


def cited_table(reproduction: pd.DataFrame, names: Names = NO_NAMES) -> Table:
    """Of each source that presents a method, its PSNR on Set5 beside ours: the six oldest."""
    rows = [row for _, row in sorted(_first_hand(reproduction, names), key=lambda pair: pair[0])]
    cells = tuple(_cited(row, names) for row in rows[:_MOST])
    columns = (
        Column("method", "method"),
        Column("source", "printed in"),
        Column("images", f"{METRIC.title_with_unit} on"),
        Column("published", "paper", numeric=True),
        Column("measured", "measured", numeric=True),
        Column("verdict", "verdict"),
    )
    caption = (
        f"{METRIC.title_with_unit} that papers print of their own methods on {DATASETS[0]}, beside "
        "what the authors' weights give here."
    )
    return Table("cited", "Papers and measurements", caption, columns, (Group("", "", cells),))


def _first_hand(reproduction: pd.DataFrame, names: Names) -> Iterator[tuple[str, pd.Series]]:
    """Date and row of the number of each method that a source presents."""
    rows = reproduction[reproduction["measured"].notna() & (reproduction["metric"] == KEY)]
    rows = rows[rows["dataset"] == DATASETS[0]]
    seen: set[str] = set()
    for (source, method), of in rows.groupby(["source", "method"], sort=False):
        cited = names.citations.get(source)
        if cited is None or method not in cited.introduces or method in seen:
            continue
        seen.add(method)
        scale = next(s for s in _SCALES if (of["scale"].astype(int) == s).any())
        yield cited.date, of[of["scale"].astype(int) == scale].iloc[0]


def _cited(row: pd.Series, names: Names) -> tuple[Cell, ...]:
    decimals = len(str(row["published"]).partition(".")[2]) + 2
    place = str(row["where"])
    where = ", ".join([names.source(row["source"]), *([place] if len(place) < _LONG else [])])
    return (
        names.network(str(row["method"]), str(row["variant"])),
        Link(where, names.link(row["source"])),
        f"{row['dataset']} ×{row['scale']}",
        str(row["published"]),
        Number(float(row["measured"]), decimals),
        str(row["verdict"]),
    )


def against_authors_tables(per_image: pd.DataFrame, names: Names = NO_NAMES) -> list[Table]:
    """Weights made here against the authors' of the same network: ``compare``'s verdicts.

    One table for each of the headline protocols under which there are both.
    """
    rows = per_image[(per_image["metric"] == KEY) & per_image["dataset"].isin(DATASETS)]
    made = [
        _against_authors(protocol, of, names)
        for protocol in HEADLINE_PROTOCOLS
        if len(of := rows[rows["protocol"] == protocol])
    ]
    return [table for table in made if table.rows]


def _against_authors(protocol: str, rows: pd.DataFrame, names: Names) -> Table:
    datasets = [d for d in DATASETS if d in set(rows["dataset"])]
    pairs = list(_pairs(rows, names))
    groups = tuple(
        Group(str(scale), f"×{scale}", tuple(_row(*p, rows, datasets) for p in of))
        for scale in sorted({ours.scale for ours, _ in pairs})
        if (of := [pair for pair in pairs if pair[0].scale == scale])
    )
    columns = (
        Column("method", "name"),
        Column("ours", "trained here on"),
        Column("theirs", "by the authors on"),
        *(Column(dataset, dataset) for dataset in datasets),
    )
    caption = (
        f"{METRIC.title_with_unit} of weights trained here minus that of the authors' weights of "
        f"the same network, under {protocol}, with the verdict of sr-bench compare."
    )
    return Table(
        f"against-authors-{protocol}",
        f"Trained here against the authors' weights, {protocol}",
        caption,
        columns,
        groups,
        by=SCALE,
        signatures=(str(rows["signature"].iloc[0]),),
    )


def _pairs(rows: pd.DataFrame, names: Names) -> Iterator[tuple[RunName, RunName]]:
    """Runs of one network at one scale, with weights made here and with the authors'."""
    runs = list(names.runs(rows).values())
    for ours in runs:
        for theirs in runs:
            same = (ours.method, ours.scale) == (theirs.method, theirs.scale)
            if same and ours.by == HERE and theirs.by == _AUTHORS:
                yield ours, theirs


def _row(
    ours: RunName, theirs: RunName, rows: pd.DataFrame, datasets: list[str]
) -> tuple[Cell, ...]:
    both = rows[rows["run"].isin([ours.run, theirs.run])]
    chosen = choose(both, protocol=None, metric=KEY, dataset=None)
    found = {one.dataset: one for one in compare(chosen, ours.run)}
    verdicts = [_verdict(found[d]) if d in found else Missing() for d in datasets]
    return ours.method, ours.data, theirs.data, *verdicts


def _verdict(found: Comparison) -> Cell:
    return f"{digits(found.paired.mean, METRIC.decimals, signed=True)} {found.verdict}"
