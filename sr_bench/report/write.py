"""Everything under ``reports/``: tables, plots, figures, the page, and what made them."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sr_bench.analysis.best import not_worse
from sr_bench.analysis.drift.snapshot import PER_IMAGE
from sr_bench.analysis.ledger.citations import bibtex
from sr_bench.analysis.ledger.ledger import VERIFIABLE
from sr_bench.evaluation.scoring.table import CELL, PER_IMAGE_COLUMNS, write_table
from sr_bench.project.project import Project
from sr_bench.report.build import Report
from sr_bench.report.figures.all_figures import write_comparisons, write_figures
from sr_bench.report.figures.costs import Measured
from sr_bench.report.figures.files import Plots
from sr_bench.report.figures.speed import write_plots
from sr_bench.report.provenance.records import Provenance, collect, write_provenance
from sr_bench.report.provenance.stamp import unstamp
from sr_bench.report.readme import Picture, Pictures, filled, reports_readme
from sr_bench.report.readme_texts import readme_texts
from sr_bench.report.site.links import Links
from sr_bench.report.site.pictures import find_pictures
from sr_bench.report.site.store import FOLDER
from sr_bench.report.site.write import Surroundings, write_page
from sr_bench.report.tables.all_tables import ReportTables, report_tables, write_tables
from sr_bench.report.tables.published import VERDICTS
from sr_bench.report.tables.quality import Marks, daggers
from sr_bench.support.files import write_text
from sr_bench.support.locks import is_running
from sr_bench.support.text_files import read_text

SOURCES = "sources.bib"  # among the tables
_FOLDERS = ("figures", FOLDER, "plots")


def write_report(project: Project, report: Report) -> tuple[str, ...]:
    """Write everything that docs/reports.md lists; return what could not be shown, and why.

    All is written into a copy that replaces the report at the end: one that fails leaves the report
    before it whole. Tables and plots in the project's own README are brought up to date.
    """
    with _replacing_outputs(project) as fresh:
        notes, readme = _write(fresh, report)
    if readme is not None:
        write_text(project.root / "README.md", readme)
    return notes


def _write(project: Project, report: Report) -> tuple[tuple[str, ...], str | None]:
    """Write all files; return the notes, and the project's README with its tables filled in."""
    folder = project.reports
    outputs = [*(folder / name for name in _FOLDERS), project.local_figures, project.local_page]
    for output in outputs:
        output.mkdir(parents=True, exist_ok=True)  # DVC wants every output to be there
    unstamp(folder)
    _write_data(report, folder)
    marks = not_worse(report.per_image)
    tables = report_tables(report, marks)
    write_tables(tables, folder / "tables")
    cited = dict.fromkeys(report.reproduction["source"])
    write_text(folder / "tables" / SOURCES, bibtex(report.names.citations, cited))
    made = collect(project, report.not_run)
    speed, others = _draw(project, report, made)
    drawn = speed + others
    pictures = _pictures(drawn, folder)
    write_text(folder / "README.md", reports_readme(report, tables, pictures))
    readme = _readme(project, report, tables, pictures)
    _write_pages(project, report, tables, marks)
    write_provenance(folder, made, drawn.subjects)
    return drawn.notes, readme


@contextmanager
def _replacing_outputs(project: Project) -> Iterator[Project]:
    """The project with copies to write its reports into, which replace them at the end.

    ``build/page`` is not copied: it is written whole, and may be large.
    """
    build = project.root / "build"
    build.mkdir(exist_ok=True)
    _remove_left_behind(build)
    with tempfile.TemporaryDirectory(prefix=f".report-{os.getpid()}-", dir=build) as name:
        fresh = replace(project, out=Path(name))
        for old, copy in zip(_outputs(project)[:2], _outputs(fresh)):
            if old.is_dir():
                shutil.copytree(old, copy)
        yield fresh
        for made, target in zip(_outputs(fresh), _outputs(project)):
            _exchange(made, target, Path(name) / "old")


def _outputs(project: Project) -> tuple[Path, Path, Path]:
    return project.reports, project.local_figures, project.local_page


def _remove_left_behind(build: Path) -> None:
    """Remove what reports that were killed have left."""
    for folder in build.glob(".report-*-*"):
        pid = folder.name.split("-")[1]
        if not (pid.isdigit() and is_running(int(pid))):
            shutil.rmtree(folder, ignore_errors=True)


def _exchange(made: Path, target: Path, old: Path) -> None:
    """Move each file and folder in ``made`` to ``target``; what ``made`` lacks goes."""
    target.mkdir(parents=True, exist_ok=True)
    aside = old / target.name
    aside.mkdir(parents=True)
    for name in sorted({path.name for folder in (made, target) for path in folder.iterdir()}):
        if (target / name).exists() or (target / name).is_symlink():
            shutil.move(target / name, aside / name)
        if (made / name).exists():
            shutil.move(made / name, target / name)


def _write_data(report: Report, folder: Path) -> None:
    counts = report.cells[[*CELL, "images"]]
    per_image = report.per_image.merge(counts, on=CELL, how="inner")
    write_table(folder / "scores.csv", report.cells)
    write_table(folder / "reproduction.csv", report.reproduction)
    write_table(folder / "trained.csv", report.trained)
    write_table(folder / "trainings.csv", report.trainings)
    write_table(folder / "timings.csv", report.timings)
    write_table(folder / PER_IMAGE, per_image[PER_IMAGE_COLUMNS])
    write_text(folder / "metrics.json", json.dumps(_summary(report), indent=1) + "\n")


def _summary(report: Report) -> dict[str, object]:
    """The report in a few numbers, for ``dvc metrics show`` and ``diff``."""
    counts = report.reproduction["verdict"].value_counts()
    return {
        "runs": int(report.cells["run"].nunique()),
        "cells": len(report.cells),
        "published": {verdict: int(counts.get(verdict, 0)) for verdict in VERDICTS},
        "known": len(report.reproduction),
        "verifiable": int((report.reproduction[VERIFIABLE] == "yes").sum()),
    }


def _draw(project: Project, report: Report, made: Provenance) -> tuple[Plots, Plots]:
    """The plots of speed; and gains, curves, filters and comparison figures."""
    folder, identify = project.reports / "plots", made.identify
    measured = Measured(report.cells, report.timings, report.networks)
    speed = write_plots(measured, folder, identify=identify, names=report.names)
    others = write_figures(project, report.per_image, folder, identify)
    return speed, others + write_comparisons(project, project.params.figures, identify)


def _write_pages(project: Project, report: Report, tables: ReportTables, marks: Marks) -> None:
    """The page that is committed, and the one whose images stay on this machine."""
    marked = daggers(report.cells, marks)
    entries, static = project.params.viewer, (*tables.headline, *tables.at_a_glance)
    settled = replace(project, out=None)  # where the pages will lie
    links = Links.of(settled, settled.reports)
    shown = find_pictures(project, entries.committed) if entries.committed else None
    small = replace(shown, suffix=".webp") if shown else None
    write_page(report, project.reports, Surroundings(small, links, static, marked))
    (project.reports / FOLDER).mkdir(exist_ok=True)  # DVC wants it, without a viewer too
    if entries.local:
        links = Links.of(settled, settled.local_page)
        local = find_pictures(project, entries.local)
        write_page(report, project.local_page, Surroundings(local, links, static, marked))


def _pictures(drawn: Plots, folder: Path) -> dict[str, Picture]:
    """The figures that lie below ``reports/``, and so may be committed."""
    files = (path for path in drawn.files if path.suffix == ".png" and path.is_relative_to(folder))
    return {
        path.stem: Picture(path.relative_to(folder).as_posix(), drawn.captions[path.stem])
        for path in files
    }


def _readme(
    project: Project, report: Report, tables: ReportTables, pictures: Pictures
) -> str | None:
    """The project's own page with its tables as they are now; none where there is no page."""
    page = project.root / "README.md"
    if not page.is_file():
        return None
    texts = readme_texts(project, report.cells, report.reproduction, report.names)
    text = read_text(page, remedy="correct it")
    return filled(text, tables, pictures, texts, where=str(page))
