"""Tables in HTML: semantic, escaped by the template, readable without a style sheet."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from markupsafe import Markup

from sr_bench.report.tables.formats.plain import NO_NUMBER, legend
from sr_bench.report.tables.formats.templates import template
from sr_bench.report.tables.model import Cell, Column, Link, Missing, Note, Number, Table, note_of


def html(table: Table) -> str:
    """A page of its own that opens from disk."""
    return template("table_page.html.j2").render(table=table, body=Markup(html_table(table)))


def html_table(table: Table) -> str:
    """The ``<figure>`` alone, for another page to hold."""
    shown, notes = table.shown("screen"), table.notes("screen")
    return template("table.html.j2").render(
        table=table,
        legend=legend(table, "underlined"),
        columns=[table.columns[i] for i in shown],
        spans=_spans([table.columns[i] for i in shown]),
        groups=[(g, [_row(row, shown, notes) for row in g.rows]) for g in table.groups],
        notes=notes,
    )


def _row(row: tuple[Cell, ...], shown: tuple[int, ...], notes: dict[str, str]) -> list[HtmlCell]:
    return [_html_cell(row[i], notes) for i in shown]


class HtmlCell(NamedTuple):
    """A cell as the template prints it."""

    text: str
    grade: str = "none"
    mark: str = ""
    letter: str = ""
    address: str = ""


def _html_cell(cell: Cell, notes: dict[str, str]) -> HtmlCell:
    if isinstance(cell, Number):
        mark, letter = "†" if cell.marked else "", notes.get(cell.note, "")
        return HtmlCell(cell.text, cell.grade.name.lower(), mark, letter)
    if isinstance(cell, (Missing, Note)):
        text = NO_NUMBER if isinstance(cell, Missing) else ""
        return HtmlCell(text, letter=notes.get(note_of(cell), ""))
    if isinstance(cell, Link):
        return HtmlCell(cell.text, address=cell.address)
    return HtmlCell(cell)


def _spans(columns: list[Column]) -> list[tuple[str, int]]:
    """The headings over several columns with their widths; none where no column has one."""
    spans = [(name, len(list(members))) for name, members in groupby(columns, lambda c: c.group)]
    return spans if any(name for name, _ in spans) else []
