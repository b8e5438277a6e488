"""All tables of a report, and their files: Markdown, CSV, LaTeX and HTML of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path

from sr_bench.report.build import Report
from sr_bench.report.tables.degradations import degradation_tables
from sr_bench.report.tables.formats.html import html
from sr_bench.report.tables.formats.latex import latex, latex_document, latex_narrow
from sr_bench.report.tables.formats.markdown import markdown
from sr_bench.report.tables.formats.plain import csv_text
from sr_bench.report.tables.formats.venues import examples
from sr_bench.report.tables.front_page import against_authors_tables, cited_table
from sr_bench.report.tables.gains import least_gain_tables
from sr_bench.report.tables.headline import headline_tables
from sr_bench.report.tables.model import Table
from sr_bench.report.tables.narrow import narrow
from sr_bench.report.tables.networks import networks_table
from sr_bench.report.tables.published import (
    at_a_glance,
    reproduction_tables,
    waiting_table,
)
from sr_bench.report.tables.quality import Marks, quality_tables
from sr_bench.report.tables.speed import speedup_tables, timing_tables
from sr_bench.report.tables.trained import trained_table, trainings_table
from sr_bench.support.files import replacing_folder, write_text

FORMATS: dict[str, Callable[[Table], str]] = {
    "md": markdown,
    "csv": csv_text,
    "tex": latex,
    "html": html,
}
DOCUMENT = "all.tex"
NARROW = "narrow.tex"


@dataclass(frozen=True)
class ReportTables:
    """The tables of a report, each with rows, in the order in which they are read."""

    cited: tuple[Table, ...]
    against_authors: tuple[Table, ...]
    headline: tuple[Table, ...]
    quality: tuple[Table, ...]
    degradations: tuple[Table, ...]
    least_gain: tuple[Table, ...]
    timings: tuple[Table, ...]
    speedups: tuple[Table, ...]
    networks: tuple[Table, ...]
    trainings: tuple[Table, ...]
    trained: tuple[Table, ...]
    at_a_glance: tuple[Table, ...]
    reproduction: tuple[Table, ...]
    waiting: tuple[Table, ...]

    def __iter__(self) -> Iterator[Table]:
        return chain.from_iterable(getattr(self, field.name) for field in fields(self))


def report_tables(report: Report, marks: Marks | None = None) -> ReportTables:
    """Every table that has rows.

    Args:
        marks: which cells (run, dataset, protocol, metric) are not significantly worse than the
            best of their column and scale: they get a dagger.
    """
    cells, reproduction, trained = report.cells, report.reproduction, report.trained
    names = report.names
    return ReportTables(
        cited=_with_rows([cited_table(reproduction, names)]),
        against_authors=_with_rows(against_authors_tables(report.per_image, names)),
        headline=_with_rows(headline_tables(cells, reproduction, trained, names)),
        quality=_with_rows(quality_tables(cells, marks, report.not_run, names)),
        degradations=_with_rows(degradation_tables(cells, names)),
        least_gain=_with_rows(least_gain_tables(report.per_image, names)),
        timings=_with_rows(timing_tables(report.timings, cells, names)),
        speedups=_with_rows(speedup_tables(report.speedups, cells, names)),
        networks=_with_rows(
            [networks_table(report.networks, cells, report.published_costs, names)]
        ),
        trainings=_with_rows([trainings_table(report.trainings, names)]),
        trained=_with_rows([trained_table(trained, cells, names)]),
        at_a_glance=_with_rows([at_a_glance(reproduction, names)]),
        reproduction=_with_rows(reproduction_tables(reproduction, cells, names)),
        waiting=_with_rows([waiting_table(reproduction, names)]),
    )


def _with_rows(tables: Sequence[Table]) -> tuple[Table, ...]:
    return tuple(table for table in tables if table.rows)


def write_tables(tables: ReportTables, folder: Path) -> list[Path]:
    """Write every table in every format, and ``all.tex``, which compiles to all of them.

    Tables of quality are also there for one column of a paper, a scale each, as
    ``<table>-x2.narrow.tex``, with examples of papers that hold them.

    ``folder`` then holds these files alone: a table that is gone leaves none behind.

    Returns:
        The files, sorted by name.
    """
    with replacing_folder(folder) as fresh:
        for table in tables:
            for suffix, written in FORMATS.items():
                write_text(fresh / f"{table.name}.{suffix}", written(table))
        small = [made for table in (*tables.headline, *tables.quality) for made in narrow(table)]
        for table in small:
            write_text(fresh / f"{table.name}.{NARROW}", latex_narrow(table))
        for venue, text in examples(small).items():
            write_text(fresh / f"example-{venue}.tex", text)
        write_text(fresh / DOCUMENT, latex_document(list(tables)))
    return sorted(folder.iterdir())
