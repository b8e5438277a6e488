"""Tables that fit one column of a paper: PSNR alone, and one scale each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sr_bench.report.names import HERE
from sr_bench.report.tables.model import Cell, Column, Group, Missing, Table

_MOST = 8  # numbers in a row that a column of 3.25 inches holds
_HERE = "*: trained here."
_DROPPED = {"run", "trained_by"}


def narrow(table: Table) -> Iterator[Table]:
    """One table for each scale, with PSNR alone, of the sets that have a number at it.

    There is none where that would still be too wide.
    """
    keys = [column.key for column in table.columns]
    if "trained_on" not in keys:
        return
    psnr = [i for i, column in enumerate(table.columns) if _is_psnr(column)]
    kept = [i for i in range(len(keys)) if keys[i] not in _DROPPED and not _is_number(table, i)]
    if not psnr or len(psnr) > _MOST:
        return
    for group in table.groups:
        filled = [i for i in psnr if any(not isinstance(row[i], Missing) for row in group.rows)]
        yield _of_scale(table, group, [*kept, *filled])


def _is_psnr(column: Column) -> bool:
    return column.numeric and column.key.endswith(("_psnr", "_published"))


def _is_number(table: Table, i: int) -> bool:
    return table.columns[i].numeric


def _of_scale(table: Table, group: Group, kept: list[int]) -> Table:
    keys = [column.key for column in table.columns]
    by, on = keys.index("trained_by"), keys.index("trained_on")

    def row(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
        star = "*" if cells[by] == HERE else ""
        return tuple(f"{cells[i]}{star}" if i == on else cells[i] for i in kept)

    rows = tuple(row(cells) for cells in group.rows)
    here = any(cells[by] == HERE for cells in group.rows)
    return replace(
        table,
        name=f"{table.name}-x{group.value}",
        title=f"{table.title}, {group.label}",
        caption=f"{group.label}: {table.caption}",
        columns=tuple(_short_heading(table.columns[i]) for i in kept),
        groups=(Group(group.value, "", rows),),
        remarks=(_HERE,) if here else (),
    )


def _short_heading(column: Column) -> Column:
    """The dataset over its number; over a measured and a published one these two words, cut."""
    if column.key.endswith("_psnr") and column.heading == "PSNR":
        return replace(column, heading=column.group, group="")
    short = {"measured": "meas.", "published": "publ."}
    return replace(column, heading=short.get(column.heading, column.heading))
