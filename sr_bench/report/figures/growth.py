"""How time and memory grow with the image: one line a method and variant, one row a scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sr_bench.report.figures.costs import fitted_exponent, pixels_of
from sr_bench.report.figures.labels import write_at
from sr_bench.report.figures.panels import (
    DOUBLE_COLUMN,
    PAGE,
    Form,
    Grid,
    Margins,
    draw_grid,
    legend_rows,
    new_figure,
)
from sr_bench.report.figures.style import FONT, Looks, log_axis, paper_style, printable

_LEFT, _BETWEEN = 0.55, 0.58  # inches, without the room for labels
_GAP = FONT * 1.25  # points between the labels' middles
_MINIMUM = 1.6  # inches: a panel's height


def growth_rows(runs: pd.DataFrame, timings: pd.DataFrame, precision: str) -> pd.DataFrame:
    """One row for each scale, method, variant and size of image: the median over its runs.

    Weights don't change the time: runs that differ in nothing else are one line. Only rows of the
    network alone are taken (``sr-bench time --input sizes``).
    """
    chosen = timings[(timings["precision"] == precision) & (timings["median_s"] > 0)]
    sized = chosen.assign(pixels=chosen["input"].map(pixels_of)).dropna(subset=["pixels"])
    facts = runs[["run", "method", "variant", "scale"]].drop_duplicates()
    keys = ["scale", "method", "variant", "pixels"]
    columns = ["median_s", "iqr_s", "peak_memory_mb"]
    joined = facts.merge(sized[["run", "pixels", *columns]], on="run")
    rows: pd.DataFrame = joined.groupby(keys, sort=True)[columns].median().reset_index()
    several = rows.groupby(keys[:3])["pixels"].transform("nunique") > 1
    return rows[several].reset_index(drop=True)


def growth_figure(rows: pd.DataFrame, caption: str, methods: Looks, form: Form = PAGE) -> Figure:
    """Time (left, with the exponent p of time = c pixels^p) and memory (right) against size."""
    with paper_style():
        return _draw(rows, caption, methods, form)


def _draw(rows: pd.DataFrame, caption: str, methods: Looks, form: Form) -> Figure:
    scales = sorted(rows["scale"].unique())
    most = int(rows.groupby("scale").apply(_count, include_groups=False).max())
    room = _label_width(rows, methods)
    grid = Grid(
        panels=2 * len(scales),
        columns=2,
        width=DOUBLE_COLUMN,
        height=max(_MINIMUM, (most + 0.5) * _GAP / 72),
        margins=Margins(_LEFT, room, room + _BETWEEN),
        legend=legend_rows(methods.legend(set(rows["method"]), 3.5), DOUBLE_COLUMN),
        caption=caption,
        form=form,
    )
    figure, panels = draw_grid(grid)
    for i, axes in enumerate(panels):
        scale = scales[i // 2]
        axes.set_title(f"×{scale}", fontweight="bold")
        (_memory if i % 2 else _time)(figure, axes, rows[rows["scale"] == scale], methods)
    return figure


def _time(figure: Figure, axes: Axes, rows: pd.DataFrame, methods: Looks) -> None:
    axes.set_ylabel("time per image (s)")
    _panel(figure, axes, rows, "median_s", methods, _with_exponent)


def _memory(figure: Figure, axes: Axes, rows: pd.DataFrame, methods: Looks) -> None:
    axes.set_ylabel("peak memory (MB)")
    known = rows[rows["peak_memory_mb"] > 0]
    if len(known):
        _panel(figure, axes, known, "peak_memory_mb", methods, lambda name, _: name)
    else:
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", va="center")
        axes.set(xticks=[], yticks=[])


def _panel(
    figure: Figure,
    axes: Axes,
    rows: pd.DataFrame,
    column: str,
    methods: Looks,
    text: Callable[[str, pd.DataFrame], str],
) -> None:
    size = rows["pixels"] / 1e6
    axes.set_xlabel("output megapixels")
    log_axis(axes, "x", (size.min() / 1.25, size.max() * 1.25))
    log_axis(axes, "y", (rows[column].min() / 1.5, rows[column].max() * 1.5))
    names, colours, ends = [], [], []
    for (method, variant), line in rows.groupby(["method", "variant"], sort=False):
        colour, marker = methods.marks[method]
        x, y = line["pixels"] / 1e6, line[column]
        if column == "median_s":
            low = np.minimum(line["iqr_s"].fillna(0.0) / 2, 0.9 * y)
            axes.errorbar(x, y, yerr=np.stack([low, line["iqr_s"].fillna(0.0) / 2]), fmt="none",
                          ecolor="#333333", elinewidth=0.5, capsize=1.2, capthick=0.5)  # fmt: skip
        axes.plot(x, y, color=colour, marker=marker, lw=0.9, markersize=3)
        names.append(text(_name(methods, method, variant), line))
        colours.append(colour)
        ends.append((float(x.iloc[-1]), float(y.iloc[-1])))
    _end_labels(figure, axes, names, colours, ends)


def _end_labels(
    figure: Figure,
    axes: Axes,
    names: list[str],
    colours: list[str],
    ends: list[tuple[float, float]],
) -> None:
    """Names right of the panel at their lines' heights, moved apart, each joined to its line."""
    points = axes.transData.transform(ends) * 72 / figure.dpi
    frame = np.asarray(axes.get_window_extent().extents, float) * 72 / figure.dpi
    half = _GAP / 2
    heights = spread(points[:, 1].tolist(), _GAP, frame[1] + half, frame[3] - half)
    for name, colour, point, y in zip(names, colours, points, heights):
        leader = {"color": colour, "shrinkB": 2, "relpos": (0.0, 0.5)}
        write_at(axes, name, (float(frame[2]) + 7, float(y)), point, leader, ha="left")


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Heights at least ``gap`` apart within ``low``..``high``, as near to the wanted as can be.

    Least squares with an order (pool adjacent violators); ties keep their order. Where
    ``high - low`` is too little for all, they reach over ``high``.
    """
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    pools: list[list[float]] = []  # sum, count
    for rank, i in enumerate(order):
        pools.append([wanted[i] - rank * gap, 1.0])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] >= pools[-1][0] / pools[-1][1]:
            total, count = pools.pop()
            pools[-1][0] += total
            pools[-1][1] += count
    top = max(low, high - gap * (len(wanted) - 1))
    bases = [min(max(s / n, low), top) for s, n in pools for _ in range(int(n))]
    heights = [0.0] * len(wanted)
    for rank, i in enumerate(order):
        heights[i] = bases[rank] + rank * gap
    return heights


def _name(methods: Looks, method: str, variant: str) -> str:
    return printable(methods.names.network(method, variant))


def _with_exponent(name: str, line: pd.DataFrame) -> str:
    p = fitted_exponent(line["pixels"].tolist(), line["median_s"].tolist())
    return f"{name} ({p:.2f})"


def _label_width(rows: pd.DataFrame, methods: Looks) -> float:
    """Inches that the longest label takes, at most a third of what there is."""
    figure, widest = new_figure(1, 1), 0.0
    for method, variant in rows[["method", "variant"]].drop_duplicates().itertuples(index=False):
        text = figure.text(0, 0, f"{_name(methods, method, variant)} (0.00)")
        widest = max(widest, text.get_window_extent().width / figure.dpi)
    return min(widest + 0.14, 1.6)


def _count(rows: pd.DataFrame) -> int:
    return len(rows[["method", "variant"]].drop_duplicates())
