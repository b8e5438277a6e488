"""``reports/README.md``, and the tables and plots inside the project's own README.

There a table stands between the lines ``<!-- table: NAME -->`` and ``<!-- end: NAME -->``, a plot
between ``<!-- plot: NAME -->`` and ``<!-- end: NAME -->``. All else is written by people.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sr_bench.analysis.ledger.ledger import VERIFIABLE
from sr_bench.report.build import Report
from sr_bench.report.tables.all_tables import ReportTables
from sr_bench.report.tables.formats.markdown import escape, markdown_body
from sr_bench.report.tables.formats.templates import template
from sr_bench.report.tables.model import Table
from sr_bench.report.tables.published import VERDICTS
from sr_bench.support.errors import SrBenchError, unknown

_MARKED = re.compile(
    r"(<!-- (?P<kind>table|plot): (?P<name>\S+) -->\n).*?(?P<end><!-- end: (?P=name) -->)", re.S
)
_MARKER = re.compile(r"<!-- (?:table|plot|end): \S+ -->")


def reports_readme(report: Report, tables: ReportTables, plots: Mapping[str, str]) -> str:
    """``reports/README.md``: a table for each protocol, and the published numbers.

    Args:
        plots: the plots of speed in ``plots/``, file name without suffix to caption.
    """
    counts = report.reproduction["verdict"].value_counts()
    return template("README.md.j2").render(
        text=escape,
        body=lambda table: markdown_body(replace(table, remarks=())),
        tables=tables,
        totals=", ".join(f"{int(counts.get(verdict, 0))} {verdict}" for verdict in VERDICTS),
        known=len(report.reproduction),
        verifiable=int((report.reproduction[VERIFIABLE] == "yes").sum()),
        not_run=report.not_run,
        speed=plots,
    )


def filled(
    text: str, tables: Iterable[Table], plots: Mapping[str, str] | None = None, *, where: str
) -> str:
    """``text`` with each marked table and plot as it is now; text without markers stays as it is.

    Args:
        plots: those in ``reports/plots`` that a marker may name: name to caption.

    Raises:
        SrBenchError: for a marker without its other half, or one that names no table or plot.
    """
    plots = plots or {}
    bodies = {
        "table": {table.name: markdown_body(table) for table in tables},
        "plot": {
            name: f"![{escape(caption)}](reports/plots/{name}.png)\n"
            for name, caption in plots.items()
        },
    }

    def content(found: re.Match[str]) -> str:
        known, name = bodies[found["kind"]], found["name"]
        if name not in known:
            raise unknown(found["kind"], name, known, where=where)
        return f"{found[1]}\n{known[name]}\n{found['end']}"

    alone = _MARKER.search(_MARKED.sub("", text))
    if alone:
        raise SrBenchError(
            f"{where}: {alone[0]} stands alone; a table needs one marker with 'table:' before it "
            "(a plot with 'plot:') and one with 'end:' after it"
        )
    return _MARKED.sub(content, text)
