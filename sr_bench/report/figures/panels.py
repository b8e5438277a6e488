"""A grid of panels under one legend and caption, laid out in inches."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sr_bench.report.figures.style import (
    DOUBLE_COLUMN,
    LINE,
    SINGLE_COLUMN,
    draw_foot,
    fitted,
    looks,
    new_figure,
    printable,
    wrapped,
)

_LEFT, _RIGHT, _BETWEEN, _TOP, _TICKS = 0.54, 0.08, 0.42, 0.2, 0.32
_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.2)), (0, (1, 1)))  # 3 against 8 colours


@dataclass(frozen=True)
class Grid:
    """What is laid out.

    Args:
        rows: how many.
        columns: how many; one alone makes a figure as wide as a column.
        height: of a panel, in inches.
        legend: entries, below the panels.
        caption: below the legend.
    """

    rows: int
    columns: int
    height: float
    legend: Sequence[Line2D]
    caption: str


def draw_grid(grid: Grid) -> tuple[Figure, list[list[Axes]]]:
    """A figure with legend and caption, and its empty panels, row by row."""
    width = SINGLE_COLUMN if grid.columns == 1 else DOUBLE_COLUMN
    lines = wrapped(grid.caption, width - 0.1)
    legend = fitted(list(grid.legend), width - 0.2)
    foot = LINE * (len(lines) + len(legend)) + 0.12
    row = grid.height + _TOP + _TICKS
    total = foot + grid.rows * row
    figure = new_figure(width, total)
    draw_foot(figure, legend, lines)
    each = (width - _LEFT - _RIGHT - _BETWEEN * (grid.columns - 1)) / grid.columns
    panels = []
    for i in range(grid.rows):
        bottom = foot + (grid.rows - 1 - i) * row + _TICKS
        lefts = [_LEFT + j * (each + _BETWEEN) for j in range(grid.columns)]
        boxes = [(x / width, bottom / total, each / width, grid.height / total) for x in lefts]
        panels.append([figure.add_axes(box) for box in boxes])
    return figure, panels


class Lines:
    """How each named line looks: colour, marker and dashes, all three different where they can be.

    Args:
        names: in order of appearance, repeated or not.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._looks = looks(names)
        self._order = list(self._looks)

    def legend(self, shown: Container[str] | None = None) -> list[Line2D]:
        """An entry for each line, or for those shown."""
        names = [n for n in self._order if shown is None or n in shown]
        return [Line2D([], [], label=printable(n), **self.style(n)) for n in names]

    def style(self, name: str, *, markers: bool = True) -> dict[str, Any]:
        """What ``Axes.plot`` and ``Line2D`` take."""
        colour, marker = self._looks[name]
        return {
            "color": colour,
            "marker": marker if markers else "",
            "ls": _DASHES[self._order.index(name) % len(_DASHES)],
            "lw": 0.9,
            "markersize": 2.6,
        }
