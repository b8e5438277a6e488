"""Every plot of the report, from ``reports/timings.csv`` and ``reports/scores.csv`` alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from sr_bench.analysis.metrics import describe_metric
from sr_bench.report.figures.costs import (
    Choice,
    Place,
    at,
    checked_scores,
    checked_timings,
    missing,
    places,
    quality,
    with_macs,
    with_time,
)
from sr_bench.report.figures.files import (
    Identify,
    Plot,
    Plots,
    no_provenance,
    remove_stale,
    write_each,
)
from sr_bench.report.figures.growth import growth_figure, growth_rows
from sr_bench.report.figures.pareto import Cost, Drawn, pareto_figure
from sr_bench.report.figures.style import Looks, looks, printable
from sr_bench.report.names import NO_NAMES, Names, slug

_STEMS = ("psnr-time", "psnr-macs", "time-size")


def write_plots(
    scores: pd.DataFrame,
    timings: pd.DataFrame,
    folder: Path,
    choice: Choice | None = None,
    identify: Identify = no_provenance,
    names: Names = NO_NAMES,
) -> Plots:
    """Draw every plot and write each as SVG, PDF and PNG into ``folder``.

    The same tables give the same bytes. Plots of earlier calls that are not drawn any more (a
    machine whose rows are gone) are removed from ``folder``; other files stay.

    Args:
        scores: the rows of ``scores.csv``.
        timings: the rows of ``timings.csv``; may be empty.
        folder: where to; made if need be.
        choice: what to compare; by default PSNR on Set5 against the time of float32 at 720p.
        identify: gives the id that goes into the files' metadata.
        names: what methods and weights are called, and how they look.

    Raises:
        SrBenchError: if a column is missing or the scores have different signatures.
    """
    notes: list[str] = []
    plots = draw_plots(scores, timings, choice or Choice(), notes, names)
    written = write_each(plots, folder, notes, identify)
    remove_stale(folder, _STEMS, written)
    return written


def draw_plots(
    scores: pd.DataFrame,
    timings: pd.DataFrame,
    choice: Choice,
    notes: list[str],
    names: Names = NO_NAMES,
) -> Iterator[Plot]:
    """Every plot, one at a time; what is left out goes to ``notes``."""
    if timings.empty:
        notes.append("no timings: run sr-bench time")
        return
    scores, timings = checked_scores(scores), checked_timings(timings)
    rows = quality(scores, choice)
    notes += _other_precisions(timings, choice)
    methods = Looks(names, looks(scores["method"], names.marks))
    if len(rows):
        for place in places(timings):
            yield from _time_plot(rows, timings, place, choice, methods, notes)
        yield from _macs_plot(rows, timings, choice, methods, notes)
    else:
        notes.append(
            f"no {choice.metric} of {choice.dataset} under {choice.protocol} in scores.csv"
        )
    for place in places(timings):
        yield from _growth_plot(scores, timings, place, choice, methods, notes)


def _time_plot(
    rows: pd.DataFrame,
    timings: pd.DataFrame,
    place: Place,
    choice: Choice,
    methods: Looks,
    notes: list[str],
) -> Iterator[Plot]:
    shown = with_time(rows, at(timings, place), choice)
    left_out = missing(rows, shown)
    if left_out:
        notes.append(f"{_about(place, choice)}: not timed: {', '.join(left_out)}")
    if shown.empty:
        return
    caption = (
        f"{_quality(rows, choice)} Time: median of one {_input(choice)} in {choice.precision} on "
        f"{printable(place)}; bars: interquartile range."
    )
    drawn = pareto_figure(
        shown, Cost(f"time per {_input(choice)} (s)", _axis(choice), caption), methods
    )
    stem = slug("psnr-time", place.machine, place.device)
    plot = Plot(stem, caption, drawn.figure, _subjects(shown, place.machine))
    yield _plot(plot, drawn, notes)


def _macs_plot(
    rows: pd.DataFrame, timings: pd.DataFrame, choice: Choice, methods: Looks, notes: list[str]
) -> Iterator[Plot]:
    shown, doubts = with_macs(rows, timings, choice)
    notes += doubts
    left_out = missing(rows, shown)
    if left_out:
        notes.append(f"multiply-adds of {choice.input} not known: {', '.join(left_out)}")
    if shown.empty or not (shown["cost"] > 0).any():
        return
    caption = f"{_quality(rows, choice)} Multiply-adds of the network for one {_input(choice)}."
    if (shown["cost"] == 0).any():
        caption += " Dotted: no network."
    cost = Cost(f"multiply-adds per {_input(choice)}", _axis(choice), caption, short=True)
    drawn = pareto_figure(shown, cost, methods)
    counted = timings[timings["run"].isin(shown["run"])]["machine"].unique()
    plot = Plot("psnr-macs", caption, drawn.figure, _subjects(shown, *counted))
    yield _plot(plot, drawn, notes)


def _growth_plot(
    scores: pd.DataFrame,
    timings: pd.DataFrame,
    place: Place,
    choice: Choice,
    methods: Looks,
    notes: list[str],
) -> Iterator[Plot]:
    rows = growth_rows(scores, at(timings, place), choice.precision)
    if rows.empty:
        notes.append(
            f"{printable(place)}: fewer than two image sizes timed: no plot of the growth; "
            "run sr-bench time --input sizes"
        )
        return
    caption = (
        f"Time and peak memory against the size of the output in {choice.precision} on "
        f"{printable(place)}. In brackets: p of time = c pixels^p, by least squares. Runs that "
        "differ in weights alone are one line; bars: interquartile range."
    )
    stem = slug("time-size", place.machine, place.device)
    subjects = _subjects(at(timings, place), place.machine)
    yield Plot(stem, caption, growth_figure(rows, caption, methods), subjects)


def _plot(plot: Plot, drawn: Drawn, notes: list[str]) -> Plot:
    if drawn.unlabelled:
        notes.append(f"{plot.stem}: no room for the labels of {', '.join(drawn.unlabelled)}")
    return plot


def _subjects(rows: pd.DataFrame, *machines: str) -> tuple[str, ...]:
    """The runs shown, and the machines whose timings are."""
    return tuple(f"runs/{run}" for run in rows["run"].unique()) + tuple(
        f"machines/{machine}" for machine in sorted(machines)
    )


def _quality(rows: pd.DataFrame, choice: Choice) -> str:
    """The caption's first sentence: whose numbers these are, with their signature."""
    metric = describe_metric(choice.metric).title
    labelled = "Labelled: the Pareto front, and each method's best run."
    return f"{metric} on {choice.dataset}, {rows['signature'].iloc[0]}. {labelled}"


def _axis(choice: Choice) -> str:
    metric = describe_metric(choice.metric)
    return f"{metric.title} on {choice.dataset}" + (f" ({metric.unit})" if metric.unit else "")


def _input(choice: Choice) -> str:
    return "1280 × 720 image" if choice.input == "720p" else f"{choice.input} image"


def _about(place: Place, choice: Choice) -> str:
    return f"{printable(place)}, {choice.input}, {choice.precision}"


def _other_precisions(timings: pd.DataFrame, choice: Choice) -> list[str]:
    others = sorted(set(timings["precision"]) - {choice.precision})
    reason = f"scores.csv holds the quality that {choice.precision} gives"
    return [f"not in the plots: {', '.join(others)}; {reason}"] if others else []
