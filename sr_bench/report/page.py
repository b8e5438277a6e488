"""``reports/README.md``: a table per protocol, and published against measured."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sr_bench.report.data import Report
from sr_bench.report.formats.markdown import escape, markdown_body
from sr_bench.report.formats.templates import template
from sr_bench.report.table import Table
from sr_bench.report.table_made import timing_tables, trainings_table
from sr_bench.report.table_published import (
    VERDICTS,
    at_a_glance,
    reproduction_tables,
    trained_table,
    waiting_table,
)
from sr_bench.report.table_quality import Marks, quality_tables


def render(
    report: Report, marks: Marks | None = None, speed: Mapping[str, str] | None = None
) -> str:
    """The page as Markdown.

    Args:
        report: what it shows.
        marks: as for :func:`sr_bench.report.tables.report_tables`.
        speed: the plots of speed in ``plots/``, file name without suffix to caption.
    """
    cells, reproduction = report.cells, report.reproduction
    return template("README.md.j2").render(
        text=escape,
        body=markdown_body,
        at_a_glance=_unless_empty(at_a_glance(reproduction)),
        totals=_totals(reproduction),
        not_run=report.not_run,
        quality=quality_tables(cells, marks),
        timings=timing_tables(report.timings, cells),
        speed=speed or {},
        trainings=_unless_empty(trainings_table(report.trainings)),
        trained=_unless_empty(trained_table(report.trained, cells)),
        reproduction=reproduction_tables(reproduction, cells),
        waiting=_unless_empty(waiting_table(reproduction)),
    )


def _unless_empty(table: Table) -> Table | None:
    return table if table.rows else None


def _totals(reproduction: pd.DataFrame) -> str:
    """``51 reproduced, 16 close, 6 differs, 216 not run``."""
    counts = reproduction["verdict"].value_counts()
    return ", ".join(f"{int(counts.get(verdict, 0))} {verdict}" for verdict in VERDICTS)
