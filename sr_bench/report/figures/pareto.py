"""PSNR against what it costs: seconds, or multiply-adds; one panel a scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from sr_bench.report.figures.costs import front_of, labelled, trained_here
from sr_bench.report.figures.labels import Array, Scene, draw_labels, text_sizes
from sr_bench.report.figures.panels import (
    DOUBLE_COLUMN,
    PAGE,
    SINGLE_COLUMN,
    Form,
    Grid,
    Margins,
    draw_grid,
    legend_rows,
)
from sr_bench.report.figures.style import (
    Looks,
    amount,
    handle,
    log_axis,
    paper_style,
    plain,
    printable,
)

_MARGINS = Margins(left=0.48, right=0.14, between=0.31)
_HEIGHTS = (2.6, 3.1, 3.7, 4.5)  # of the panels: the first that leaves the labels room
_COLUMN_HEIGHTS = (1.8, 2.0, 2.2)  # of a column, which is wider and holds three in a page
_COLUMNS = 3
_GRAY = "#777777"
_FRONT = "#c4c4c4"  # paler than the leaders, so that the two can be told apart


@dataclass(frozen=True)
class Cost:
    """The horizontal axis."""

    title: str  # its label
    value: str  # the vertical axis' label
    caption: str  # what stands below the figure
    short: bool = False  # whether large numbers are written 1 G


@dataclass(frozen=True)
class Drawn:
    """A figure, and the runs whose labels found no room in it."""

    figure: Figure
    unlabelled: tuple[str, ...]


@dataclass(frozen=True)
class _Look:
    """What is the same in all panels."""

    names: dict[str, str]  # run to label
    methods: Looks
    cost: Cost
    form: Form


def pareto_figure(rows: pd.DataFrame, cost: Cost, methods: Looks, form: Form = PAGE) -> Drawn:
    """PSNR against ``cost`` with the Pareto front, one panel a scale.

    Args:
        rows: one row a run: run, method, variant, weights, scale, value, cost, spread (what
            the cost's repetitions differ by), params. A cost of 0 is a dotted line over the panel.
    """
    look = _Look(methods.names.labels(rows), methods, cost, form)
    tried: list[Drawn] = []
    for height in _COLUMN_HEIGHTS if form.column else _HEIGHTS:
        with paper_style():
            tried.append(_draw(rows, look, height))
        if not tried[-1].unlabelled:
            break
    return min(tried, key=lambda drawn: len(drawn.unlabelled))


def _draw(rows: pd.DataFrame, look: _Look, height: float) -> Drawn:
    figure, panels = _panels(rows, look, height)
    unlabelled: list[str] = []
    for axes, (scale, shown) in zip(panels, rows.groupby("scale")):
        axes.set_title(f"×{scale}", fontweight="bold")
        _limits(axes, shown, look.cost)
        _points(axes, shown, look)
        unlabelled += _label(figure, axes, shown, look)
    return Drawn(figure, tuple(unlabelled))


def _panels(rows: pd.DataFrame, look: _Look, height: float) -> tuple[Figure, list[Axes]]:
    """A figure with its legend and caption, and empty axes above them, one for each scale."""
    count = rows["scale"].nunique()
    columns = look.form.across(min(count, _COLUMNS))
    width = SINGLE_COLUMN if count == 1 else DOUBLE_COLUMN
    legend = _legend_rows(rows, look, width)
    grid = Grid(count, columns, width, height, _MARGINS, legend, look.cost.caption, look.form)
    figure, panels = draw_grid(grid)
    for i, axes in enumerate(panels):
        axes.set_xlabel(look.cost.title)
        if i % columns == 0:
            axes.set_ylabel(look.cost.value)
    return figure, panels


def _limits(axes: Axes, rows: pd.DataFrame, cost: Cost) -> None:
    """Limits around the points, with room for labels."""
    positive = rows[rows["cost"] > 0]
    low = _lower(positive).min() if len(positive) else 1.0
    high = (positive["cost"] + positive["spread"] / 2).max() if len(positive) else 1.0
    room = max((high / low) ** 0.12, 1.9)
    log_axis(axes, "x", (low / room, high * room), amount if cost.short else plain)
    worst, best = rows["value"].min(), rows["value"].max()
    margin = max(0.12 * (best - worst), 0.15)
    axes.set_ylim(worst - margin, best + 1.5 * margin)
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))


def _lower(rows: pd.DataFrame) -> pd.Series:
    """The lower end of the error bar; a log axis has no zero, so at least a tenth of the median."""
    return np.maximum(rows["cost"] - rows["spread"] / 2, rows["cost"] / 10)


def _points(axes: Axes, rows: pd.DataFrame, look: _Look) -> None:
    for row in rows[rows["cost"] <= 0].itertuples(index=False):
        axes.axhline(row.value, color=look.methods.marks[row.method][0], lw=0.7, ls=(0, (1, 2)))
    measured = rows[rows["cost"] > 0].reset_index(drop=True)
    axes.plot(*_steps(axes, measured), color=_FRONT, lw=1.4, zorder=2)
    low = measured["cost"] - _lower(measured)
    bars = np.stack([low, measured["spread"] / 2])
    axes.errorbar(
        measured["cost"], measured["value"], xerr=bars, fmt="none", ecolor="#333333",
        elinewidth=0.6, capsize=1.5, capthick=0.6, zorder=3,
    )  # fmt: skip
    order = measured["params"].map(_area).sort_values(ascending=False, kind="stable").index
    for row in measured.loc[order].itertuples(index=False):
        axes.add_line(_mark(row, look))


def _mark(row: Any, look: _Look) -> Line2D:
    colour, marker = look.methods.marks[row.method]
    face = "white" if trained_here(row.weights) else colour
    return Line2D(
        [row.cost], [row.value], marker=marker, markersize=2 * _radius(row.params), color=colour,
        markerfacecolor=face, markeredgewidth=0.9, zorder=4,
    )  # fmt: skip


def _steps(axes: Axes, rows: pd.DataFrame) -> tuple[list[float], list[float]]:
    """The best PSNR that each cost buys, from the cheapest point to the panel's right edge."""
    front = front_of(rows)
    x: list[float] = []
    y: list[float] = []
    for i in front:
        cost, value = float(rows["cost"][i]), float(rows["value"][i])
        x += [cost, cost] if y else [cost]
        y += [y[-1], value] if y else [value]
    if x:
        x.append(axes.get_xlim()[1])
        y.append(y[-1])
    return x, y


def _area(params: float) -> float:
    """Area in square points, growing with log10 of the parameters; none count as 1000."""
    known = params if np.isfinite(params) else 0.0
    return 9.0 + 14.0 * (math.log10(max(known, 1e3)) - 3.0)


def _radius(params: float) -> float:
    return float(np.sqrt(_area(params))) / 2


def _label(figure: Figure, axes: Axes, rows: pd.DataFrame, look: _Look) -> list[str]:
    """Label the chosen runs; return those whose labels find no room."""
    chosen = rows["run"].isin(labelled(rows))
    rows = pd.concat([rows[chosen], rows[~chosen]], ignore_index=True)
    runs = rows["run"].iloc[: chosen.sum()].tolist()
    names = [printable(look.names[run]) for run in runs]
    left_out = draw_labels(axes, _scene(figure, axes, rows, names), names)
    return [runs[i] for i in left_out]


def _scene(figure: Figure, axes: Axes, rows: pd.DataFrame, names: list[str]) -> Scene:
    frame = np.asarray(axes.get_window_extent().extents, float) * 72 / figure.dpi
    anchor = np.where(rows["cost"] > 0, rows["cost"], axes.get_xlim()[0])
    points = _in_points(figure, axes, np.stack([anchor, rows["value"]], axis=1))
    radii = rows["params"].map(_radius).to_numpy(float) + 0.5
    lying = (rows["cost"] <= 0).to_numpy()
    points[lying, 0] += 14  # a dotted line has its label near its left end
    radii[lying] = 0.1
    return Scene(
        points,
        radii,
        text_sizes(figure, names),
        _line_boxes(figure, axes, rows),
        frame + np.array([2.0, 1.5, 0.0, 0.0]),
    )


def _in_points(figure: Figure, axes: Axes, data: Array) -> Array:
    return np.asarray(axes.transData.transform(data) * 72 / figure.dpi, float)


def _line_boxes(figure: Figure, axes: Axes, rows: pd.DataFrame) -> Array:
    """The front's pieces, the dotted lines and the error bars, as thin boxes."""
    measured = rows[rows["cost"] > 0].reset_index(drop=True)
    left, right = axes.get_xlim()
    front = np.stack(_steps(axes, measured), axis=1).reshape(-1, 2)
    segments = [(*a, *b) for a, b in pairwise(front)]
    segments += [(left, v, right, v) for v in rows.loc[rows["cost"] <= 0, "value"]]
    ends = zip(_lower(measured), measured["cost"] + measured["spread"] / 2, measured["value"])
    segments += [(low, v, high, v) for low, high, v in ends]
    corners = np.array(segments, float).reshape(-1, 2, 2)
    inside = _in_points(figure, axes, corners.reshape(-1, 2)).reshape(-1, 2, 2)
    return np.concatenate([inside.min(axis=1) - 0.5, inside.max(axis=1) + 0.5], axis=1)


def _legend_rows(rows: pd.DataFrame, look: _Look, width: float) -> list[list[Line2D]]:
    """Handles in rows that fit: methods, whose weights, and the front; then the sizes."""
    first = look.methods.legend(set(rows["method"]))
    own = rows["weights"].map(trained_here)
    if own.any():
        first.append(handle("hollow, *: trained here", _GRAY, "o", hollow=True))
    first.append(Line2D([], [], color=_FRONT, lw=1.4, label="Pareto front"))
    sizes = [
        handle(f"{'parameters: ' * (i == 0)}{amount(10.0**e)}", _GRAY, "o", 2 * _radius(10.0**e))
        for i, e in enumerate(_decades(rows["params"]))
    ]
    return legend_rows(first, width) + legend_rows(sizes, width)


def _decades(params: pd.Series) -> range:
    known = params[params > 0]
    if not len(known):
        return range(0)
    first = max(3, round(float(np.log10(known.min()))))
    return range(first, max(first, round(float(np.log10(known.max())))) + 1)
