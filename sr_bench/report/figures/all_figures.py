"""Every figure of the report but the plots of speed, and the folder of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from sr_bench.project.entries import FigureEntry
from sr_bench.project.project import Project
from sr_bench.report.build import HEADLINE_PROTOCOLS
from sr_bench.report.figures import filters as figure_filters
from sr_bench.report.figures import gain as figure_gain
from sr_bench.report.figures import training as figure_training
from sr_bench.report.figures.comparison import comparison_figure, subjects_of
from sr_bench.report.figures.comparison_layout import DPI
from sr_bench.report.figures.comparison_pictures import load_pictures
from sr_bench.report.figures.files import (
    Identify,
    Plot,
    Plots,
    no_provenance,
    remove_stale,
    write_each,
)
from sr_bench.report.figures.panels import PAGE, PLAIN, Form
from sr_bench.report.names import Names, slug
from sr_bench.support.errors import SrBenchError, WrongUse

COMPARE = "compare"
_STEMS = (
    figure_gain.STEM,
    figure_training.STEM,
    figure_training.TIME_STEM,
    figure_filters.STEM,
)


def write_figures(
    project: Project, per_image: pd.DataFrame, folder: Path, identify: Identify = no_provenance
) -> Plots:
    """Write the gains over the baseline, training curves and learned filters into ``folder``.

    Figures of earlier calls that are not drawn any more are removed. What can't be drawn is in the
    notes.

    Raises:
        SrBenchError: if scores of different signatures would meet, or a log is damaged.
    """
    notes: list[str] = []
    written = write_each(_plots(project, per_image, notes), folder, notes, identify)
    remove_stale(folder, [f"{stem}-" for stem in _STEMS], written)
    return written


def _plots(project: Project, per_image: pd.DataFrame, notes: list[str]) -> Iterator[Plot]:
    names = Names.of(project)
    known = {protocol.name for protocol in project.params.protocols}
    protocols = tuple(name for name in HEADLINE_PROTOCOLS if name in known)
    yield from figure_gain.gain_plots(per_image, protocols, notes, names)
    curves = figure_training.read_curves(project, notes)
    yield from figure_training.training_plots(curves, names)
    yield from figure_training.time_plots(curves, names)
    methods = {run.method for run in project.params.runs.values()}
    for method in names.methods.values():
        if method.filters and method.name in methods:
            yield from figure_filters.filter_plots(project, method, notes)


def comparison_folder(project: Project, dataset: str) -> Path:
    """Where a dataset's figures go: ``reports/figures``, which is committed, only if that may be.

    A figure shows pixels of the dataset; those that may not be redistributed stay in ``build``.
    """
    free = project.source(dataset).redistributable
    return project.reports / "figures" if free else project.local_figures


def write_comparison(
    project: Project,
    stem: str,
    entry: FigureEntry,
    folder: Path | None = None,
    identify: Identify = no_provenance,
    form: Form = PAGE,
) -> Plots:
    """Write one comparison figure under the name ``stem``, and return what was written.

    Raises:
        WrongUse: for an unknown run or image, or a run that isn't scored like that.
        SrBenchError: for missing SR images or scores, or a box outside the image.
    """
    pictures = load_pictures(project, entry)
    figure, caption = comparison_figure(pictures, entry, form)
    subjects = subjects_of(pictures.shown)

    def again(other: Form) -> Figure:
        return comparison_figure(pictures, entry, other)[0]

    plot = Plot(
        slug(stem), caption, figure, subjects, DPI, again if form == PAGE else None, (PLAIN,)
    )
    return write_each([plot], folder or comparison_folder(project, entry.dataset), [], identify)


def write_comparisons(
    project: Project, entries: Mapping[str, FigureEntry], identify: Identify = no_provenance
) -> Plots:
    """Write the figures of ``params.yaml``; one whose images or scores are missing is noted.

    They are called ``compare-<name>``; files of entries that are gone are removed, those that
    ``sr-bench figure`` made of an image stay.

    Raises:
        WrongUse: for an entry that asks for what doesn't exist.
    """
    written = Plots()
    for name, entry in entries.items():
        try:
            written += write_comparison(project, f"{COMPARE}-{name}", entry, None, identify)
        except WrongUse:
            raise
        except SrBenchError as error:
            written += Plots(notes=(f"{slug(COMPARE, name)} is not drawn: {error}",))
    for folder in (project.reports / "figures", project.local_figures):
        remove_stale(folder, [f"{COMPARE}-"], written)
    return written
