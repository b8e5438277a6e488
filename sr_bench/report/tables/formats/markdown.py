"""Tables in Markdown (GitHub's): best bold, second in italics."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from sr_bench.report.tables.formats.plain import full_heading, shown
from sr_bench.report.tables.model import Cell, Grade, Group, Number, Table
from sr_bench.support.errors import printable

_EMPHASIS = {Grade.NONE: "", Grade.BEST: "**", Grade.SECOND: "*"}
_NUMBERS = 6  # columns of numbers beside the names, in the 838 pixels of a page of GitHub
_ACTIVE = re.compile(r"([\\`*_\[\]|~$])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def markdown(table: Table) -> str:
    """A file of its own: title, caption, table, notes, signatures."""
    return f"# {escape(table.title)}\n\n{escape(table.caption)}\n\n{markdown_body(table)}"


def markdown_body(table: Table) -> str:
    """The table and what stands under it."""
    parts = [markdown_grid(table)]
    under = [f"- {letter}: {escape(text)}" for text, letter in table.notes("screen").items()]
    under += [f"- {escape(text)}" for text in table.remarks]
    if under:
        parts.append("\n".join(under) + "\n")
    parts += [f"Signature: {code(signature)}\n" for signature in table.signatures]
    return "\n".join(parts)


def markdown_grid(table: Table) -> str:
    """The table alone; one that is wider than a page of GitHub comes in parts of its columns."""
    return "\n".join(_grid(table, part) for part in _parts(table))


def _parts(table: Table) -> list[list[int]]:
    """The columns of each part: those that name a row, and at most so many with numbers."""
    places = table.shown("screen")
    named = [i for i in places if not table.columns[i].numeric]
    numeric = [i for i in places if table.columns[i].numeric]
    spans = [list(of) for _, of in groupby(numeric, key=lambda i: table.columns[i].group or str(i))]
    if table.apart or len(numeric) <= _NUMBERS:
        return [list(places)]
    parts: list[list[int]] = [[]]
    for span in spans:
        if parts[-1] and len(parts[-1]) + len(span) > _NUMBERS:
            parts.append([])
        parts[-1] += span
    return [named + part for part in parts]


def _grid(table: Table, places: Sequence[int]) -> str:
    """A grid of some columns; what a group's rows share stands over them.

    Where a table comes in parts, rows without a number in a part are left out of it.
    """
    notes, columns = table.notes("screen"), [table.columns[i] for i in places]
    head = [
        _line([escape(full_heading(c)) for c in columns]),
        _line(["---:" if c.numeric else "---" for c in columns]),
    ]
    lines, whole = [] if table.apart else list(head), len(places) == len(table.shown("screen"))
    for group in table.groups:
        rows = [row for row in group.rows if whole or _has_number(row, places)]
        if not rows:
            continue
        if table.apart:
            lines += [*([""] if lines else []), _title(group), "", *head]
        elif group.label:
            lines.append(_line([f"**{escape(group.label)}**", *[""] * (len(places) - 1)]))
        lines += [_line([_cell(row[i], notes) for i in places]) for row in rows]
    return "".join(f"{line}\n" for line in lines)


def _has_number(row: Sequence[Cell], places: Sequence[int]) -> bool:
    return any(isinstance(row[i], Number) for i in places)


def _title(group: Group) -> str:
    """What stands over a group that is parted from the others."""
    where = [link(group.where.text, group.where.address)] if group.where else []
    command = [code(group.command)] if group.command else []
    return ", ".join([f"**{escape(group.label)}**", *where, *command])


def _line(texts: list[str]) -> str:
    return f"| {' | '.join(texts)} |"


def _cell(cell: Cell, notes: dict[str, str]) -> str:
    found = shown(cell, notes)
    stars = _EMPHASIS[found.grade]
    return f"{stars}{link(found.text, found.address)}{stars}{found.mark} {found.letter}".strip()


def link(text: str, address: str) -> str:
    """A text that leads to an address."""
    if not address:
        return escape(text)
    target = address.replace("(", "%28").replace(")", "%29").replace(" ", "%20")
    return f"[{escape(text)}]({target})"


def code(text: str) -> str:
    """Text as one types it, in as many backticks as it takes; it ends none of the page's marks."""
    shown = printable(" ".join(text.split())).replace("<!--", "<! --")
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    return f"{fence} {shown} {fence}" if len(fence) > 1 else f"`{shown}`"


def escape(text: str) -> str:
    """Text that can't start Markdown or HTML, nor end a table's cell or line."""
    plain = "".join(_ENTITIES.get(c, c) for c in printable(" ".join(text.split())))
    return _ACTIVE.sub(r"\\\1", plain)
