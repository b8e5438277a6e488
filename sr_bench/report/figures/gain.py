"""PSNR gained over the baseline on each image, sorted: how even a method's advantage is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sr_bench.report.figures.files import Plot
from sr_bench.report.figures.panels import PAGE, Form, line_panels
from sr_bench.report.figures.style import Lines, looks, paper_style, printable
from sr_bench.report.gains import gains
from sr_bench.report.names import Names, slug

STEM = "gain"
_HEIGHT = 2.1  # inches
_COLUMNS = 3
_FEW = 20  # images: so few are marked one by one


def gain_plots(
    per_image: pd.DataFrame, protocols: tuple[str, ...], notes: list[str], names: Names
) -> Iterator[Plot]:
    """One figure for each protocol and scale: a panel for each dataset, a line for each run.

    Args:
        notes: gets what can't be drawn, and why.

    Raises:
        SrBenchError: if scores of different signatures would meet in a figure.
    """
    base = names.baseline
    if base is None:
        notes.append(f"{STEM}: no method's file says baseline=True")
        return
    per_image = _labelled(per_image, names)
    shown = per_image[per_image["method"] != base].drop_duplicates("label")
    methods = dict(zip(shown["label"], shown["method"]))
    marks = looks(methods.values(), names.marks)
    lines = Lines({label: methods[label] for label in _by_scales(per_image, base)}, marks)
    for protocol in protocols:
        rows = gains(per_image, protocol, base)
        if rows.empty:
            notes.append(f"{STEM}-{protocol}: no run beside {base} was scored under {protocol}")
        for scale, shown in rows.groupby("scale"):
            caption = (
                f"PSNR of each image minus {names.title(base)}'s at ×{scale}, in dB; images sorted "
                "by its mean over the runs: one place is one image. Least: the smallest gain of "
                "all, its image and run. *: trained here. "
                f"{shown['signature'].iloc[0]}."
            )
            subjects = tuple(f"runs/{run}" for run in shown["run"].unique())
            again = partial(_draw, shown, lines, caption)
            stem = slug(STEM, protocol, f"x{scale}")
            with paper_style():
                figure = again(PAGE)
            yield Plot(stem, caption, figure, subjects, again=again)


def _labelled(rows: pd.DataFrame, names: Names) -> pd.DataFrame:
    """``rows`` with ``label``: a run's name with its method, without its scale."""
    facts = rows.drop_duplicates("run")
    name = {
        row.run: names.labels(pd.DataFrame([row]))[row.run] for row in facts.itertuples(index=False)
    }
    return rows.assign(label=rows["run"].map(name))


def _by_scales(rows: pd.DataFrame, baseline: str) -> list[str]:
    """The labels that have most scales first: they look the same in each figure, and all differ."""
    counts = rows[rows["method"] != baseline].groupby("label", sort=False)["scale"].nunique()
    return list(counts.sort_values(ascending=False, kind="stable").index)


def _draw(rows: pd.DataFrame, lines: Lines, caption: str, form: Form) -> Figure:
    datasets = list(dict.fromkeys(rows["dataset"]))
    across = form.across(min(len(datasets), _COLUMNS))
    legend = lines.legend({*rows["label"]})
    figure, panels = line_panels((len(datasets), across), _HEIGHT, legend, caption, form)
    for i, (axes, dataset) in enumerate(zip(panels, datasets)):
        axes.set_title(printable(dataset), fontweight="bold")
        axes.set_xlabel("images, sorted")
        if i % across == 0:
            axes.set_ylabel("PSNR gain (dB)")
        _panel(axes, rows[rows["dataset"] == dataset], lines)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, lines: Lines) -> None:
    axes.axhline(0, color="#777777", lw=0.6)
    means = rows.groupby("image", sort=False)["gain"].mean()
    images = means.sort_values(ascending=False, kind="stable").index
    most = len(images)
    for label, line in rows.groupby("label", sort=False):
        gain = line.set_index("image")["gain"].reindex(images).to_numpy()
        style = lines.style(str(label), markers=len(gain) <= _FEW)
        axes.plot(np.arange(1, len(gain) + 1), gain, **style)
    least = rows.loc[rows["gain"].idxmin()]
    said = (f"least: {least['gain']:+.2f}, {least['image']}", least["label"])
    what = "\n".join(map(printable, said))
    axes.text(0.97, 0.96, what, transform=axes.transAxes, ha="right", va="top")
    axes.set_xlim(1 - 0.03 * most, most + 0.03 * most)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
