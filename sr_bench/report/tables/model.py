"""A table before it is written: what stands where, in full precision, and what each cell means.

Every format writes the same model and gets its digits from :attr:`Number.text`, so that no two
formats can show different numbers.
"""

from __future__ import annotations

import math
import string
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from typing import Literal

import pandas as pd

Medium = Literal["screen", "paper"]


class Grade(Enum):
    """Where a number stands among those it is compared with."""

    NONE = 0
    BEST = 1
    SECOND = 2


@dataclass(frozen=True)
class Number:
    """A number in full precision, and how it is shown."""

    value: float  # the number, as it was computed
    decimals: int  # digits after the point
    signed: bool = False  # show `+` as well
    unit: float = 1.0  # how much of `value` is one of what is shown: 1e-3 for seconds shown in ms
    grade: Grade = Grade.NONE  # best, second, or neither, of its column and group
    marked: bool = False  # not significantly worse than the best
    note: str = ""  # a doubt, for under the table

    @property
    def text(self) -> str:
        """The digits that every format shows."""
        shown = self.value if self.unit == 1.0 else self.value / self.unit
        return digits(shown, self.decimals, signed=self.signed)


@dataclass(frozen=True)
class Missing:
    """There is no number; the reason, where one is known, goes under the table."""

    reason: str = ""


@dataclass(frozen=True)
class Note:
    """A text too long for a cell: a letter in the table, the text under it."""

    text: str


@dataclass(frozen=True)
class Link:
    """A text that leads somewhere, where a format has links."""

    text: str
    address: str


Cell = Number | Missing | Note | Link | str


def number(value: object, decimals: int, unit: float = 1.0, *, signed: bool = False) -> Cell:
    """A :class:`Number`, or none where a pandas table has an empty cell."""
    if pd.isna(value):
        return Missing()
    return Number(value, decimals, signed, unit)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Column:
    """What a column holds."""

    key: str  # its name in CSV
    heading: str  # what people read
    group: str = ""  # the heading above it and its neighbours of the same group
    numeric: bool = False  # numbers stand at the right
    code: bool = False  # names as one types them
    # where it is shown; CSV has every column
    media: frozenset[Medium] = frozenset({"screen", "paper"})


SCREEN: frozenset[Medium] = frozenset({"screen"})
PAPER: frozenset[Medium] = frozenset({"paper"})
DATA: frozenset[Medium] = frozenset()  # CSV alone


@dataclass(frozen=True)
class Group:
    """Rows that belong together and are compared with each other."""

    value: str  # what they share, for the column Table.by
    label: str  # the same as a heading over them
    rows: tuple[tuple[Cell, ...], ...]  # each with one cell for every column
    where: Link | None = None  # where its numbers were printed
    command: str = ""  # that measures its numbers


@dataclass(frozen=True)
class Table:
    """Rows in groups."""

    name: str  # of its files and its LaTeX label
    title: str  # a short heading
    caption: str  # what it shows, in sentences
    columns: tuple[Column, ...]  # of every row
    groups: tuple[Group, ...]  # the rows
    by: Column | None = None  # the column that groups are made by; None for a table of one group
    signatures: tuple[str, ...] = ()  # of its numbers
    remarks: tuple[str, ...] = ()  # sentences for under the table
    apart: bool = False  # groups are long-named: Markdown, without cells over columns, parts them

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"table {self.name}: a row of {len(row)} cells under {len(self.columns)} "
                    "columns; give every column a cell"
                )

    @property
    def rows(self) -> tuple[tuple[Cell, ...], ...]:
        """All rows, group by group."""
        return tuple(row for group in self.groups for row in group.rows)

    @property
    def cells(self) -> Iterator[Cell]:
        """All cells, row by row."""
        return (cell for row in self.rows for cell in row)

    def shown(self, medium: Medium) -> tuple[int, ...]:
        """The columns that a medium shows, as indices."""
        return tuple(i for i, c in enumerate(self.columns) if medium in c.media)

    def notes(self, medium: Medium) -> dict[str, str]:
        """The texts under the table with their letters, each once, in the order of the cells."""
        texts = [note_of(row[i]) for row in self.rows for i in self.shown(medium)]
        return {text: letters(i) for i, text in enumerate(dict.fromkeys(t for t in texts if t))}


def note_of(cell: Cell) -> str:
    """The text that a cell puts under the table; empty for none."""
    if isinstance(cell, Number):
        return cell.note
    if isinstance(cell, Note):
        return cell.text
    return cell.reason if isinstance(cell, Missing) else ""


def letters(index: int) -> str:
    """a, b, ..., z, aa, ab, ... for 0, 1, ..., 25, 26, 27, ..."""
    head, last = divmod(index, 26)
    return (letters(head - 1) if head else "") + string.ascii_lowercase[last]


def digits(value: float, decimals: int, *, signed: bool = False) -> str:
    """``value`` rounded half up at so many ``decimals``, as the ledger compares printed digits.

    Infinities are ``inf`` and ``-inf``; what rounds to zero has no sign.
    """
    value = float(value)
    if not math.isfinite(value):
        return str(value)
    rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    if rounded.is_zero():
        return f"{abs(rounded):f}"
    return f"{rounded:+f}" if signed else f"{rounded:f}"
