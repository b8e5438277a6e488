"""Tables in HTML: semantic, escaped by the template, readable without a style sheet."""

from __future__ import annotations

from itertools import groupby

from markupsafe import Markup

from sr_bench.report.tables.formats.plain import legend, shown
from sr_bench.report.tables.formats.templates import template
from sr_bench.report.tables.model import Column, Table


def html(table: Table) -> str:
    """A page of its own that opens from disk."""
    return template("table_page.html.j2").render(table=table, body=Markup(html_table(table)))


def html_table(table: Table) -> str:
    """The ``<figure>`` alone, for another page to hold."""
    places, notes = table.shown("screen"), table.notes("screen")
    return template("table.html.j2").render(
        table=table,
        legend=legend(table, "underlined"),
        columns=[table.columns[i] for i in places],
        spans=_spans([table.columns[i] for i in places]),
        groups=[
            (group, [[shown(row[i], notes) for i in places] for row in group.rows])
            for group in table.groups
        ],
        notes=notes,
    )


def _spans(columns: list[Column]) -> list[tuple[str, int]]:
    """The headings over several columns with their widths; none where no column has one."""
    spans = [(name, len(list(members))) for name, members in groupby(columns, lambda c: c.group)]
    return spans if any(name for name, _ in spans) else []
