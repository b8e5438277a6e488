"""Where the parts of a comparison figure go, in whole dots, so that no pixel is torn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from sr_bench.report.figures.panels import DOUBLE_COLUMN, LINE
from sr_bench.support.errors import SrBenchError

DPI = 300
TEXT = round(LINE * DPI)  # dots: a line of text
GAP = 21  # between panels, and between a panel and its text
_BETWEEN = 36  # between hr and the panels
_WIDTH = int(DOUBLE_COLUMN * DPI)
_NARROWEST = 216  # a column's width: "32.75 / 0.9090" has room on it
_MOST_HR, _LEAST_HR = 0.46, 0.2  # of the width
_TALLEST = 480  # of a row, where there are more than two; two have room for one of double height
_EMPTY = 0.3  # of the height: what may lie below hr, with its text
_ROWS = (1, 2, 3, 4, 5, 6)


class Rect(NamedTuple):
    """Dots from the figure's top left corner."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Contents:
    """What is laid out."""

    hr: tuple[int, int]  # height and width of hr
    box: tuple[int, int]  # height and width of the box
    panels: int  # how many crops
    bands: int  # pictures of a panel, one over the other: the crop, or the crop and its error
    lines: int  # lines of text below each panel


@dataclass(frozen=True)
class Layout:
    """Where everything goes; heights are without the caption."""

    width: int  # of the whole
    height: int  # of the whole
    hr: Rect  # the large picture
    panels: tuple[tuple[Rect, ...], ...]  # for each panel its bands
    column: int  # the width that a panel's text has
    zoom: float  # dots a pixel of the box; a whole number where that is at least 1


def arrange(contents: Contents) -> Layout:
    """The number of rows that shows the box largest without leaving much room below hr empty.

    Where every number leaves some: the lowest figure whose panels are as wide as their texts.

    Raises:
        SrBenchError: if no number of rows has room for all panels.
    """
    tried = [_with_rows(contents, rows) for rows in _ROWS if rows <= contents.panels]
    layouts = [made for made in tried if made is not None]
    if not layouts:
        raise SrBenchError(
            f"{contents.panels - 1} runs have no room on {DOUBLE_COLUMN} inches; name fewer"
        )
    return max(layouts, key=_worth)


def _worth(layout: Layout) -> tuple[bool, bool, float, int]:
    compact = layout.height - layout.hr.height <= _EMPTY * layout.height
    wide = layout.panels[0][0].width >= _NARROWEST
    return compact, wide, layout.zoom if compact else 0.0, -layout.height


def _with_rows(contents: Contents, rows: int) -> Layout | None:
    columns = -(-contents.panels // rows)
    zoom = _zoom(contents, rows, columns)
    height, width = (max(1, round(side * zoom)) for side in contents.box)
    column = max(width, _NARROWEST)
    row = contents.bands * (height + GAP) - GAP
    text = contents.lines * TEXT + GAP
    grid = rows * row + (rows - 1) * (text + GAP)
    left = _WIDTH - columns * (column + GAP) + GAP - _BETWEEN
    if left < _LEAST_HR * _WIDTH:
        return None
    hr = _hr(contents, grid, left)
    left = hr.width + _BETWEEN + (column - width) // 2
    panels = tuple(
        tuple(
            Rect(
                left + (i % columns) * (column + GAP),
                (i // columns) * (row + text + GAP) + band * (height + GAP),
                width,
                height,
            )
            for band in range(contents.bands)
        )
        for i in range(contents.panels)
    )
    whole = hr.width + _BETWEEN + columns * (column + GAP) - GAP
    return Layout(whole, grid + text, hr, panels, column, zoom)


def _zoom(contents: Contents, rows: int, columns: int) -> float:
    """The largest zoom at which hr and the panels fit, hr as high as the panels together."""
    (high, wide), (box_high, box_wide) = contents.hr, contents.box
    stacked = rows * contents.bands * box_high
    between = rows * (contents.bands - 1) * GAP + (rows - 1) * (contents.lines * TEXT + 2 * GAP)
    free = _WIDTH - _BETWEEN - (columns - 1) * GAP
    aspect = wide / high
    zoom = (free - aspect * between) / (aspect * stacked + columns * box_wide)
    if aspect * (stacked * zoom + between) > _MOST_HR * _WIDTH:
        zoom = (free - _MOST_HR * _WIDTH) / (columns * box_wide)
    tallest = _TALLEST * max(rows, 2) * (1 + contents.bands) / 2
    zoom = min(zoom, (tallest - between) / stacked)
    return float(math.floor(zoom)) if zoom >= 1 else zoom


def _hr(contents: Contents, grid: int, most: int) -> Rect:
    """As high as the grid, or as wide as it may be."""
    high, wide = contents.hr
    width = min(round(grid * wide / high), round(_MOST_HR * _WIDTH), most)
    return Rect(0, 0, width, round(width * high / wide))
