"""Everything under ``reports/``: tables, plots, figures, the page, and what made them."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from sr_bench.columns import CELL, CELL_COLUMNS
from sr_bench.compare import not_worse
from sr_bench.files import replacing, write_text
from sr_bench.project import Project
from sr_bench.report.data import Report
from sr_bench.report.figures import write_comparisons, write_figures
from sr_bench.report.page import render
from sr_bench.report.plots import Plots, write_plots
from sr_bench.report.provenance import Provenance, collect, write_provenance
from sr_bench.report.readme import filled
from sr_bench.report.site.pictures import find_pictures
from sr_bench.report.site.write import write_page
from sr_bench.report.stamp import unstamp
from sr_bench.report.tables import ReportTables, report_tables, write_tables

_FOLDERS = ("figures", "images", "plots")


def write_report(project: Project, report: Report) -> tuple[str, ...]:
    """Write everything that docs/reports.md lists; return what could not be shown, and why.

    Tables and plots that the project's own README shows are brought up to date in it.
    """
    folder = project.reports
    for place in (*(folder / name for name in _FOLDERS), project.local_figures, project.local_page):
        place.mkdir(parents=True, exist_ok=True)  # DVC wants every output to be there
    unstamp(folder)
    _write_data(report, folder)
    marks = not_worse(report.per_image)
    tables = report_tables(report, marks)
    write_tables(tables, folder / "tables")
    made = collect(project)
    drawn = _draw(project, report, made)
    write_text(folder / "README.md", render(report, tables, drawn[0].captions))
    _update_readme(project, tables, drawn[0].captions)
    _write_pages(project, report)
    subjects = {stem: of for plots in drawn for stem, of in plots.subjects.items()}
    write_provenance(folder, made, subjects)
    return tuple(note for plots in drawn for note in plots.notes)


def _write_data(report: Report, folder: Path) -> None:
    counts = report.cells[[*CELL, "images"]]
    per_image = report.per_image.merge(counts, on=CELL, how="inner")
    write_text(folder / "scores.csv", _csv(report.cells))
    write_text(folder / "reproduction.csv", _csv(report.reproduction))
    write_text(folder / "trained.csv", _csv(report.trained))
    write_text(folder / "trainings.csv", _csv(report.trainings))
    write_text(folder / "timings.csv", _csv(report.timings))
    with replacing(folder / "per_image.csv.gz") as temporary:
        text = _csv(per_image[[*CELL_COLUMNS, "image"]])
        temporary.write_bytes(gzip.compress(text.encode(), mtime=0))


def _draw(project: Project, report: Report, made: Provenance) -> tuple[Plots, Plots, Plots]:
    """Plots of speed; gains, curves and filters; comparison figures."""
    plots = project.reports / "plots"
    return (
        write_plots(
            report.cells, report.timings, plots, identify=made.identify, names=report.names
        ),
        write_figures(project, report.per_image, plots, made.identify),
        write_comparisons(project, project.params.figures, made.identify),
    )


def _write_pages(project: Project, report: Report) -> None:
    """The page that is committed, and the one whose images stay on this machine."""
    viewer = project.params.viewer
    shown = find_pictures(project, viewer.committed) if viewer.committed else None
    write_page(report, project.reports, shown)
    if viewer.local:
        write_page(report, project.local_page, find_pictures(project, viewer.local))


def _update_readme(project: Project, tables: ReportTables, plots: Mapping[str, str]) -> None:
    page = project.root / "README.md"
    if page.is_file():
        text = page.read_text(encoding="utf-8")
        write_text(page, filled(text, tables, plots, where=str(page)))


def _csv(table: pd.DataFrame) -> str:
    out = io.StringIO()
    table.to_csv(out, index=False, lineterminator="\n")
    return out.getvalue()
