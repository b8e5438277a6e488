"""Tables and plots inside a page that people write: between markers, in step with the reports.

A table's place is a line ``<!-- table: NAME -->``, then the table, then ``<!-- end: NAME -->``; a
plot's begins with ``<!-- plot: NAME -->``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sr_bench.report.tables.formats.markdown import escape, markdown_body
from sr_bench.report.tables.model import Table
from sr_bench.support.errors import SrBenchError, unknown

_PLACE = re.compile(
    r"(<!-- (?P<kind>table|plot): (?P<name>\S+) -->\n).*?(?P<end><!-- end: (?P=name) -->)", re.S
)
_MARKER = re.compile(r"<!-- (?:table|plot|end): \S+ -->")


def filled(
    text: str, tables: Iterable[Table], plots: Mapping[str, str] | None = None, *, where: str
) -> str:
    """``text`` with each marked table and plot as it is now; text without markers stays as it is.

    Args:
        text: a page in Markdown, beside ``reports/``.
        tables: those that a marker may name.
        plots: those in ``reports/plots`` that a marker may name: name to caption.
        where: the page's name, for messages.

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

    def place(found: re.Match[str]) -> str:
        known, name = bodies[found["kind"]], found["name"]
        if name not in known:
            raise unknown(found["kind"], name, known, where=where)
        return f"{found[1]}\n{known[name]}\n{found['end']}"

    alone = _MARKER.search(_PLACE.sub("", text))
    if alone:
        raise SrBenchError(
            f"{where}: {alone[0]} stands alone; a table needs one marker with 'table:' before it "
            "(a plot with 'plot:') and one with 'end:' after it"
        )
    return _PLACE.sub(place, text)
