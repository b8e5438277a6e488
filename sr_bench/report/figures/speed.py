"""Every plot of quality against speed: from scores, timings, and what networks cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from sr_bench.analysis.metrics import describe_metric
from sr_bench.report.figures.costs import (
    TIMINGS,
    Choice,
    Measured,
    by_device,
    checked_scores,
    checked_timings,
    compared,
    missing,
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
from sr_bench.report.figures.panels import PAGE, Form
from sr_bench.report.figures.pareto import Cost, pareto_figure
from sr_bench.report.figures.style import Looks, looks, printable
from sr_bench.report.names import NO_NAMES, Names, slug
from sr_bench.timing.setting import FRAME

_STEMS = ("psnr-time", "psnr-macs", "time-size")


def write_plots(
    measured: Measured,
    folder: Path,
    choice: Choice | None = None,
    identify: Identify = no_provenance,
    names: Names = NO_NAMES,
) -> Plots:
    """Draw every plot and write each as SVG, PDF and PNG into ``folder``.

    The same tables give the same bytes. Plots of earlier calls that are not drawn any more (a
    machine whose rows are gone) are removed from ``folder``; other files stay.

    Args:
        choice: what to compare; by default PSNR on Set5 against the time of float32 at 720p.

    Raises:
        SrBenchError: if a column is missing or the scores have different signatures.
    """
    notes: list[str] = []
    plots = draw_plots(measured, choice or Choice(), notes, names)
    written = write_each(plots, folder, notes, identify)
    remove_stale(folder, _STEMS, written)
    return written


def draw_plots(
    measured: Measured, choice: Choice, notes: list[str], names: Names = NO_NAMES
) -> Iterator[Plot]:
    """Every plot, one at a time; what is left out goes to ``notes``."""
    scores = checked_scores(measured.scores)
    if measured.timings.empty:
        notes.append("no timings: run sr-bench time")
        timings = pd.DataFrame(columns=TIMINGS)
    else:
        timings = checked_timings(measured.timings)
    methods = Looks(names, looks(scores["method"], names.marks))
    checked = Measured(scores, timings, measured.networks)
    yield from _SpeedPlots(checked, choice, methods, notes).draw()


@dataclass(frozen=True)
class _SpeedPlots:
    """The plots of tables that are checked."""

    measured: Measured
    choice: Choice  # what is compared
    methods: Looks  # how methods look, and what they are called
    notes: list[str]  # gets what is left out

    def draw(self) -> Iterator[Plot]:
        """Every plot, one at a time."""
        choice, timings = self.choice, self.measured.timings
        rows = quality(self.measured.scores, choice)
        self.notes.extend(_other_precisions(timings, choice))
        if len(rows):
            for machine, device, timed in by_device(timings):
                yield from self._time(rows, machine, device, timed)
            yield from self._macs(rows)
        else:
            self.notes.append(
                f"no {choice.metric} of {choice.dataset} under {choice.protocol} in scores.csv"
            )
        for machine, device, timed in by_device(timings):
            yield from self._growth(machine, device, timed)

    def _time(
        self, rows: pd.DataFrame, machine: str, device: str, timed: pd.DataFrame
    ) -> Iterator[Plot]:
        choice, where = self.choice, printable(self.methods.names.place(machine, device))
        shown = with_time(rows, timed, choice)
        left_out = missing(rows, shown)
        if left_out:
            about = f"{where}, {choice.input}, {choice.precision}"
            self.notes.append(f"{about}: not timed: {', '.join(left_out)}")
        if len(shown):
            caption = (
                f"{_quality(rows, choice)} Time: median of one {_input(choice.input)} in "
                f"{choice.precision} on {where}, all runs of a network together; bars: how far "
                "these lie apart. To the front, times whose bars overlap are equal."
            )
            cost = Cost(f"time per {_input(choice.input)} (s)", _axis(choice), caption)
            yield self._pareto(slug("psnr-time", machine, device), shown, cost, machine)

    def _macs(self, rows: pd.DataFrame) -> Iterator[Plot]:
        if self.measured.networks.empty:
            return
        shown = with_macs(rows, self.measured.networks)
        left_out = missing(rows, shown)
        if left_out:
            self.notes.append(f"multiply-adds of {FRAME} not known: {', '.join(left_out)}")
        if (shown["cost"] > 0).any():
            dotted = " Dotted: no network." if (shown["cost"] == 0).any() else ""
            what = f"Multiply-adds of the network for one {_input(FRAME)}."
            caption = f"{_quality(rows, self.choice)} {what}{dotted}"
            title = f"multiply-adds per {_input(FRAME)}"
            yield self._pareto(
                "psnr-macs", shown, Cost(title, _axis(self.choice), caption, short=True)
            )

    def _pareto(self, stem: str, shown: pd.DataFrame, cost: Cost, *machines: str) -> Plot:
        shown, alone = compared(shown)
        if alone:
            scales = ", ".join(f"x{scale}" for scale in alone)
            self.notes.append(f"{stem}: {scales}: one network alone, with none to compare it with")
        drawn = pareto_figure(shown, cost, self.methods)
        if drawn.unlabelled:
            listed = ", ".join(drawn.unlabelled)
            self.notes.append(f"{stem}: no room for the labels of {listed}")

        def again(form: Form) -> Figure:
            return pareto_figure(shown, cost, self.methods, form).figure

        return Plot(stem, cost.caption, drawn.figure, _subjects(shown, *machines), again=again)

    def _growth(self, machine: str, device: str, timed: pd.DataFrame) -> Iterator[Plot]:
        where = printable(self.methods.names.place(machine, device))
        rows = growth_rows(self.measured.scores, timed, self.choice.precision)
        if rows.empty:
            self.notes.append(
                f"{where}: fewer than two image sizes timed: no plot of the growth; "
                "run sr-bench time --input sizes"
            )
            return
        caption = (
            "Time and peak memory against the size of the output in "
            f"{self.choice.precision} on {where}. In brackets: p of time = c pixels^p, by least "
            "squares. Runs that differ in weights alone are one line; bars: interquartile range."
        )
        again = partial(growth_figure, rows, caption, self.methods)
        stem, subjects = slug("time-size", machine, device), _subjects(timed, machine)
        yield Plot(stem, caption, again(PAGE), subjects, again=again)


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


def _input(name: str) -> str:
    return "1280 × 720 image" if name == FRAME else f"{name} image"


def _other_precisions(timings: pd.DataFrame, choice: Choice) -> list[str]:
    others = sorted(set(timings["precision"]) - {choice.precision})
    reason = f"scores.csv holds the quality that {choice.precision} gives"
    return [f"not in the plots: {', '.join(others)}; {reason}"] if others else []
