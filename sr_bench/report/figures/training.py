"""Training curves: held-out PSNR and loss over steps, and PSNR over time, from trainings' logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from sr_bench.analysis.learning_curve import promise_of, read_log
from sr_bench.project.project import Project
from sr_bench.report.figures.files import Plot
from sr_bench.report.figures.panels import PAGE, Form, line_panels
from sr_bench.report.figures.style import Lines, amount, log_axis, looks, paper_style, printable
from sr_bench.report.names import NO_NAMES, Names, slug

STEM, TIME_STEM = "training", "hours"
_HEIGHT = 1.35  # inches
_WIDE = 8  # times: steps or losses that span so much get a log axis


@dataclass(frozen=True)
class Curve:
    """One training's record."""

    training: str  # its name
    method: str  # whose figure it belongs to
    variant: str  # its name in the legend, with the training's tag
    data: str  # the training set; images held out of it are those of the validation
    scales: tuple[int, ...]  # of the weights
    rows: pd.DataFrame  # as `read_log` returns it


def read_curves(project: Project, notes: list[str]) -> list[Curve]:
    """The curves of the project's trainings; those without a log go to ``notes``."""
    curves = []
    for name, entry in project.trainings.items():
        folder = project.training_log(name)
        if not folder.is_dir():
            notes.append(f"{name}: no log of a training in {folder.relative_to(project.root)}")
            continue
        variant = entry.variant if entry.tag is None else f"{entry.variant}, {entry.tag}"
        facts = (entry.method, variant, entry.data, entry.scales)
        curves.append(Curve(name, *facts, read_log(folder)))
    return curves


def training_plots(curves: Sequence[Curve], names: Names = NO_NAMES) -> Iterator[Plot]:
    """One figure a method: a column for each scale, two rows for each training set.

    Trainings on different sets don't share a panel: they are validated on different images.
    """
    for method in dict.fromkeys(curve.method for curve in curves):
        of = [curve for curve in curves if curve.method == method]
        caption = (
            f"{names.title(method)} as trained here: PSNR on Y of images held out of the training "
            "set, and training loss, of each recipe's own kind, against the training's own steps."
        )
        subjects = tuple(f"trainings/{curve.training}" for curve in of)
        marks = looks([method], names.marks)
        again = partial(_draw, of, printable(caption), marks)
        with paper_style():
            figure = again(PAGE)
        yield Plot(slug(STEM, method), caption, figure, subjects, again=again)


def time_plots(curves: Sequence[Curve], names: Names = NO_NAMES) -> Iterator[Plot]:
    """One figure a method: held-out PSNR against time with a fitted curve, a panel a training."""
    for method in dict.fromkeys(curve.method for curve in curves):
        of = [curve for curve in curves if curve.method == method]
        caption = (
            f"{names.title(method)} as trained here: PSNR on Y of images held out of the training "
            "set, against the machine's own time, and the fit a - b t^-c, drawn on to four times "
            "the time. In the corner: what twice the time would bring by the fit, and by how much "
            "the fit misses the points."
        )
        marks = looks([method], names.marks)
        again = partial(_draw_time, of, printable(caption), marks)
        with paper_style():
            figure = again(PAGE)
        subjects = tuple(f"trainings/{curve.training}" for curve in of)
        yield Plot(slug(TIME_STEM, method), caption, figure, subjects, again=again)


def _draw_time(
    curves: Sequence[Curve], caption: str, marks: Mapping[str, tuple[str, str]], form: Form
) -> Figure:
    count = len(curves)
    figure, axes = line_panels((count, min(3, count)), _HEIGHT, [], caption, form)
    for panel, curve in zip(axes, curves):
        _time_panel(panel, curve, marks[curve.method])
    return figure


def _time_panel(axes: Axes, curve: Curve, mark: tuple[str, str]) -> None:
    rows = curve.rows[["minutes", "psnr"]].dropna()
    rows = rows[rows["minutes"] > 0]
    scales = ", ".join(f"×{scale}" for scale in curve.scales)
    title = printable(f"{curve.variant} {scales}, {curve.data}")
    hours = rows["minutes"] / 60
    axes.plot(hours, rows["psnr"], ls="", color=mark[0], marker=mark[1], markersize=2.6)
    fit = promise_of(rows)
    if fit is not None:
        last = float(rows["minutes"].max())
        times = np.geomspace(float(rows["minutes"].min()), 4 * last, 60)
        axes.plot(times / 60, [fit.at(t) for t in times], color="#333333", lw=0.8, ls="--")
        gain = fit.gain_of_twice(last)
        y, va = (0.04, "bottom") if gain > 0 else (0.96, "top")  # where the curve isn't
        said = f"{gain:+.3f} dB\n± {fit.error:.3f}"
        axes.text(0.97, y, said, transform=axes.transAxes, ha="right", va=va)
    if len(hours):
        log_axis(axes, "x", (hours.min() / 1.2, hours.max() * 5))
    axes.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))
    axes.set_title(title, fontweight="bold")
    axes.set_xlabel("hours")
    axes.set_ylabel("validation PSNR (dB)")


def _draw(
    curves: Sequence[Curve], caption: str, marks: Mapping[str, tuple[str, str]], form: Form
) -> Figure:
    columns = sorted({curve.scales for curve in curves}, key=lambda s: (len(s), s))
    sets = list(dict.fromkeys(curve.data for curve in curves))
    lines = Lines({curve.variant: curve.method for curve in curves}, marks)
    count = 2 * len(sets) * len(columns)
    figure, axes = line_panels((count, len(columns)), _HEIGHT, lines.legend(), caption, form)
    panels = [axes[i : i + len(columns)] for i in range(0, count, len(columns))]
    for i, data in enumerate(sets):
        for j, scales in enumerate(columns):
            shown = [c for c in curves if (c.data, c.scales) == (data, scales)]
            title = f"{printable(data)} {', '.join(f'×{scale}' for scale in scales)}"
            for k, column in enumerate(("psnr", "loss")):
                _panel(panels[2 * i + k][j], shown, column, lines)
            panels[2 * i][j].set_title(title, fontweight="bold")
            panels[2 * i + 1][j].set_xlabel("step")
        panels[2 * i][0].set_ylabel("validation PSNR (dB)")
        panels[2 * i + 1][0].set_ylabel("training loss")
    return figure


def _panel(axes: Axes, curves: Sequence[Curve], column: str, lines: Lines) -> None:
    if not curves:
        axes.text(0.5, 0.5, "not trained", transform=axes.transAxes, ha="center", va="center")
        axes.set(xticks=[], yticks=[])
        return
    known = [curve.rows[["step", column]].dropna() for curve in curves]
    for curve, rows in zip(curves, known):
        style = lines.style(curve.variant) | {"markevery": max(1, len(rows) // 6)}
        axes.plot(rows["step"], rows[column], **style)
    whole = pd.concat(known)
    steps, values = whole["step"][whole["step"] > 0], whole[column]
    if len(steps) and steps.max() >= _WIDE * steps.min():
        log_axis(axes, "x", (steps.min() / 1.1, steps.max() * 1.1), amount)
    if column == "loss" and len(values) and 0 < _WIDE * values.min() <= values.max():
        log_axis(axes, "y", (values.min() / 1.1, values.max() * 1.1))
    elif len(values):
        formatter = ScalarFormatter(useOffset=False)
        formatter.set_powerlimits((-1, 4))  # mse is 1e-3, its logarithm -7
        axes.yaxis.set_major_formatter(formatter)
