"""The layout of figures in inches: a grid of panels, and under it the legend and the caption."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath

from sr_bench.report.figures.style import FONT, printable

SINGLE_COLUMN, DOUBLE_COLUMN = 3.3, 6.9  # inches: no wider than a column, a page of most venues
LINE = 0.135  # inches: a line of text


@dataclass(frozen=True)
class Form:
    """For what a figure is drawn: this project's pages, or a paper, which has captions itself."""

    suffix: str = ""  # of its file's name
    captioned: bool = True  # whether the caption stands in the figure
    column: bool = False  # whether it is one column of a paper wide, its panels below each other

    def across(self, columns: int) -> int:
        """How many panels of a row there are."""
        return 1 if self.column else columns


PAGE, PLAIN, COLUMN = Form(), Form("", captioned=False), Form("-column", False, column=True)


@dataclass(frozen=True)
class Margins:
    """The space around panels, in inches."""

    left: float
    right: float
    between: float  # between two panels of a row
    top: float = 0.2  # above each panel, for its title
    bottom: float = 0.31  # for its label and its ticks
    foot: float = 0.12  # around legend and caption together


_OF_LINES = Margins(left=0.54, right=0.08, between=0.42, bottom=0.32)


@dataclass(frozen=True)
class Grid:
    """What is laid out."""

    panels: int  # how many; the last row may have fewer than the others
    columns: int  # how many
    width: float  # of the figure, in inches
    height: float  # of a panel, in inches
    margins: Margins  # the space around the panels
    legend: Sequence[Sequence[Line2D]]  # entries in rows, below the panels
    caption: str  # below the legend
    form: Form = PAGE  # a column's grid is as wide as one and has one panel in a row


def draw_grid(grid: Grid) -> tuple[Figure, list[Axes]]:
    """A figure with legend and caption, and its empty panels, row by row."""
    if grid.form.column:
        flat = [entry for row in grid.legend for entry in row]
        rows_of = legend_rows(flat, SINGLE_COLUMN - 0.2)
        grid = replace(grid, columns=1, width=SINGLE_COLUMN, legend=rows_of)
    space, rows = grid.margins, -(-grid.panels // grid.columns)
    caption = wrapped(grid.caption, grid.width - 0.1) if grid.form.captioned else []
    foot = LINE * (len(caption) + len(grid.legend)) + space.foot
    row = grid.height + space.top + space.bottom
    total = foot + rows * row
    figure = new_figure(grid.width, total)
    draw_foot(figure, grid.legend, caption)
    free = grid.width - space.left - space.right - space.between * (grid.columns - 1)
    each = free / grid.columns
    panels = []
    for i in range(grid.panels):
        down, across = divmod(i, grid.columns)
        left = space.left + across * (each + space.between)
        bottom = foot + (rows - 1 - down) * row + space.bottom
        box = (left / grid.width, bottom / total, each / grid.width, grid.height / total)
        panels.append(figure.add_axes(box))
    return figure, panels


def line_panels(
    shape: tuple[int, int],
    height: float,
    legend: Sequence[Line2D],
    caption: str,
    form: Form = PAGE,
) -> tuple[Figure, list[Axes]]:
    """A grid for panels of lines; as wide as a column where there is one of them.

    Args:
        shape: panels, and columns.
        height: of a panel, in inches.
    """
    width = SINGLE_COLUMN if shape[1] == 1 else DOUBLE_COLUMN
    rows = legend_rows(legend, width - 0.2)
    return draw_grid(Grid(*shape, width, height, _OF_LINES, rows, caption, form))


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches on an Agg canvas; no pyplot, so nothing to close."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def draw_foot(figure: Figure, legend: Sequence[Sequence[Line2D]], caption: list[str]) -> None:
    """The legend's rows and the caption's lines at the bottom of the figure."""
    height = figure.get_figheight()
    y = LINE * (len(legend) + len(caption)) + 0.06
    for row in legend:
        figure.legend(
            handles=row, loc="center", bbox_to_anchor=(0.5, (y - LINE / 2) / height),
            ncols=len(row), handletextpad=0.3, columnspacing=1.2, handlelength=1.6,
            borderpad=0, borderaxespad=0,
        )  # fmt: skip
        y -= LINE
    for line in caption:
        figure.text(0.05 / figure.get_figwidth(), (y - LINE / 2) / height, line, va="center",
                    color="#444444")  # fmt: skip
        y -= LINE


def legend_rows(entries: Sequence[Line2D], width: float) -> list[list[Line2D]]:
    """Legend entries in rows that fit ``width`` inches."""
    out: list[list[Line2D]] = [[]]
    used = 0.0
    for entry in entries:
        need = 0.36 + 0.06 * len(str(entry.get_label()))
        if used + need > width and out[-1]:
            out.append([])
            used = 0.0
        out[-1].append(entry)
        used += need
    return [row for row in out if row]


def wrapped(text: str, width: float) -> list[str]:
    """``text`` in lines that fit ``width`` inches; a signature breaks after ``|`` and ``+``."""
    breakable = re.sub(r"([|+])(?=\S)", "\\1\u200b", printable(text))
    count = int(width * 72 / (0.56 * FONT))
    lines = _fill(re.split(r"(?<= )|\u200b", breakable), count)
    return [line.strip() for line in lines]


def _fill(pieces: list[str], count: int) -> list[str]:
    lines = [""]
    for piece in pieces:
        if len(lines[-1]) + len(piece.rstrip()) > count and lines[-1]:
            lines.append("")
        if len(piece) > count:
            lines.extend(textwrap.wrap(piece, count))
        else:
            lines[-1] += piece
    return lines


def fitted_lines(text: str, width: float) -> list[str]:
    """``text`` in lines of words that fit ``width`` inches, measured; a long word is broken."""
    fits = _measured(width)
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if fits(longer):
            lines[-1] = longer
            continue
        lines.append("")
        for letter in word:
            if not fits(lines[-1] + letter):
                lines.append("")
            lines[-1] += letter
    return [line for line in lines if line] or [""]


def _measured(width: float) -> Callable[[str], bool]:
    font = FontProperties(family=["DejaVu Sans"], size=FONT)
    return lambda text: not text or TextPath((0, 0), text, prop=font).get_extents().x1 <= width * 72
