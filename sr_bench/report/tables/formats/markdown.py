"""Tables in Markdown (GitHub's): best bold, second in italics."""

from __future__ import annotations

import re

from sr_bench.report.tables.formats.plain import NO_NUMBER, full_heading
from sr_bench.report.tables.model import Cell, Grade, Missing, Note, Number, Table, note_of

_EMPHASIS = {Grade.NONE: "", Grade.BEST: "**", Grade.SECOND: "*"}
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
    parts += [f"Signature: `{signature}`\n" for signature in table.signatures]
    return "\n".join(parts)


def markdown_grid(table: Table) -> str:
    """The table alone."""
    shown, notes = table.shown("screen"), table.notes("screen")
    by = [table.by] if table.by else []
    columns = [*by, *(table.columns[i] for i in shown)]
    lines = [
        _line([escape(full_heading(c)) for c in columns]),
        _line(["---:" if c.numeric else "---" for c in columns]),
    ]
    for group in table.groups:
        for row in group.rows:
            cells = [group.value, *(row[i] for i in shown)] if by else [row[i] for i in shown]
            lines.append(_line([_cell(c, notes) for c in cells]))
    return "".join(f"{line}\n" for line in lines)


def _line(texts: list[str]) -> str:
    return f"| {' | '.join(texts)} |"


def _cell(cell: Cell, notes: dict[str, str]) -> str:
    if isinstance(cell, Number):
        stars = _EMPHASIS[cell.grade]
        letter = f" {notes[cell.note]}" if cell.note else ""
        return f"{stars}{cell.text}{stars}{'†' if cell.marked else ''}{letter}"
    if isinstance(cell, (Missing, Note)):
        head = NO_NUMBER if isinstance(cell, Missing) else ""
        letter = notes.get(note_of(cell), "")
        return f"{head} {letter}".strip()
    return escape(cell)


def escape(text: str) -> str:
    """Text that can't start Markdown or HTML, nor end a table's cell or line."""
    plain = "".join(_ENTITIES.get(c, c) for c in " ".join(text.split()))
    return _ACTIVE.sub(r"\\\1", plain)
