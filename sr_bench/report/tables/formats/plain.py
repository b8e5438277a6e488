"""Texts without mark-up: for a terminal, CSV with twelve digits, and what other formats share."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import NamedTuple

from sr_bench.evaluation.scoring.table import digits
from sr_bench.report.tables.model import (
    Cell,
    Column,
    Grade,
    Group,
    Link,
    Missing,
    Note,
    Number,
    Table,
    note_of,
)

NO_NUMBER = "-"


def plain(table: Table) -> tuple[list[str], list[tuple[str, list[list[str]]]]]:
    """The headings that a screen shows, and each group's label with its rows."""
    shown = table.shown("screen")
    groups = [
        (group.label, [[shown_text(row[i]) for i in shown] for row in group.rows])
        for group in table.groups
    ]
    return [full_heading(table.columns[i]) for i in shown], groups


def full_heading(column: Column) -> str:
    """A column's heading with the one above it."""
    return f"{column.group} {column.heading}".strip()


class Shown(NamedTuple):
    """What a format with notes under its tables shows of a cell: the format writes it its way."""

    text: str
    grade: Grade = Grade.NONE
    mark: str = ""  # a dagger
    letter: str = ""  # of its note
    address: str = ""  # where a text leads
    missing: bool = False


def shown(cell: Cell, notes: Mapping[str, str]) -> Shown:
    """A cell, with the letter that ``notes`` gives to its note."""
    letter = notes.get(note_of(cell), "")
    if isinstance(cell, Number):
        return Shown(cell.text, cell.grade, "†" if cell.marked else "", letter)
    if isinstance(cell, Missing):
        return Shown(NO_NUMBER, letter=letter, missing=True)
    if isinstance(cell, Note):
        return Shown("", letter=letter)
    return Shown(cell.text, address=cell.address) if isinstance(cell, Link) else Shown(cell)


def shown_text(cell: Cell) -> str:
    """What stands in the cell, without emphasis, marks and letters."""
    if isinstance(cell, Number):
        return cell.text
    if isinstance(cell, Missing):
        return NO_NUMBER
    return cell.text if isinstance(cell, (Note, Link)) else cell


def csv_text(table: Table) -> str:
    """Every column, numbers with twelve digits; a missing number is an empty field."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    by = [table.by.key] if table.by else []
    writer.writerow([*by, *(c.key for c in table.columns)])
    for group in table.groups:
        for row in group.rows:
            writer.writerow([*_by(table, group), *(_data(cell) for cell in row)])
    return out.getvalue()


def _by(table: Table, group: Group) -> list[str]:
    return [group.value] if table.by else []


def _data(cell: Cell) -> str:
    if isinstance(cell, Number):
        return str(cell.value) if isinstance(cell.value, int) else digits(float(cell.value))
    if isinstance(cell, Missing):
        return ""
    return cell.text if isinstance(cell, (Note, Link)) else cell


def legend(table: Table, second: str) -> list[str]:
    """Sentences on what a table shows: none on what it doesn't.

    Args:
        second: how the format shows the second best: ``underlined``.
    """
    numbers = [cell for cell in table.cells if isinstance(cell, Number)]
    grades = {n.grade for n in numbers}
    of = f"of its {table.by.heading}" if table.by else "of its column"
    said = []
    if Grade.BEST in grades:
        also = f", {second}: second" if Grade.SECOND in grades else ""
        said.append(f"Bold: best {of}{also}.")
    if any(n.marked for n in numbers):
        said.append("†: not significantly worse than the best.")
    if any(isinstance(cell, Missing) for cell in table.cells):
        said.append("-: no number.")
    return said
