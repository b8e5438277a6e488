"""``reports/README.md``: a table per protocol, and published against measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from sr_bench.report.data import Report
from sr_bench.report.tables.every import ReportTables
from sr_bench.report.tables.formats.markdown import escape, markdown_body
from sr_bench.report.tables.formats.templates import template
from sr_bench.report.tables.published import VERDICTS


def render(report: Report, tables: ReportTables, speed: Mapping[str, str] | None = None) -> str:
    """The page as Markdown.

    Args:
        report: what it shows.
        tables: its tables.
        speed: the plots of speed in ``plots/``, file name without suffix to caption.
    """
    return template("README.md.j2").render(
        text=escape,
        body=lambda table: markdown_body(replace(table, remarks=())),
        tables=tables,
        totals=_totals(report.reproduction),
        not_run=report.not_run,
        speed=speed or {},
    )


def _totals(reproduction: pd.DataFrame) -> str:
    """``51 reproduced, 16 close, 6 differs, 216 not run``."""
    counts = reproduction["verdict"].value_counts()
    return ", ".join(f"{int(counts.get(verdict, 0))} {verdict}" for verdict in VERDICTS)
