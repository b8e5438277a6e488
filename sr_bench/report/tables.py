"""All tables of a report, and their files: Markdown, CSV, LaTeX and HTML of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from sr_bench.files import replacing_folder, write_text
from sr_bench.report.data import Report
from sr_bench.report.formats.html import html
from sr_bench.report.formats.latex import latex, latex_document
from sr_bench.report.formats.markdown import markdown
from sr_bench.report.formats.plain import csv_text
from sr_bench.report.table import Table
from sr_bench.report.table_headline import headline_tables
from sr_bench.report.table_made import timing_tables, trainings_table
from sr_bench.report.table_published import (
    at_a_glance,
    reproduction_tables,
    trained_table,
    waiting_table,
)
from sr_bench.report.table_quality import Marks, quality_tables

FORMATS: dict[str, Callable[[Table], str]] = {
    "md": markdown,
    "csv": csv_text,
    "tex": latex,
    "html": html,
}
DOCUMENT = "all.tex"


def report_tables(report: Report, marks: Marks | None = None) -> list[Table]:
    """Every table that has rows, in the order in which they are read.

    Args:
        report: what the tables show.
        marks: which cells (run, dataset, protocol, metric) are not significantly worse than the
            best of their column and scale: they get a dagger.
    """
    cells, reproduction, trained = report.cells, report.reproduction, report.trained
    tables = [
        *headline_tables(cells, reproduction, trained),
        *quality_tables(cells, marks, report.not_run),
        *timing_tables(report.timings, cells),
        trainings_table(report.trainings),
        trained_table(trained, cells),
        at_a_glance(reproduction),
        *reproduction_tables(reproduction, cells),
        waiting_table(reproduction),
    ]
    return [table for table in tables if table.rows]


def write_tables(tables: Sequence[Table], folder: Path) -> list[Path]:
    """Write every table in every format, and ``all.tex``, which compiles to all of them.

    ``folder`` then holds these files alone: a table that is gone leaves none behind.

    Returns:
        The files, sorted by name.
    """
    with replacing_folder(folder) as fresh:
        for table in tables:
            for suffix, written in FORMATS.items():
                write_text(fresh / f"{table.name}.{suffix}", written(table))
        write_text(fresh / DOCUMENT, latex_document(tables))
    return sorted(folder.iterdir())
