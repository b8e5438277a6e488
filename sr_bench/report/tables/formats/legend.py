"""What emphasis and marks mean, in the words of a format."""

from __future__ import annotations

from sr_bench.report.tables.model import Grade, Missing, Number, Table


def legend(table: Table, second: str) -> list[str]:
    """Sentences on what a table shows: none on what it doesn't.

    Args:
        table: the table.
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
