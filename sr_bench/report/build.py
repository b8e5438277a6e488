"""From ``build/scores/*.csv`` and the ledger to everything under ``reports/``."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pandas as pd

from sr_bench.columns import CELL, CELL_COLUMNS, IMAGE_COLUMNS
from sr_bench.compare import not_worse
from sr_bench.errors import SrBenchError
from sr_bench.files import replacing, write_text
from sr_bench.ledger import (
    REPRODUCTION,
    TRAINED,
    Context,
    beside_published,
    judge,
    read_ledger,
)
from sr_bench.method import load_methods
from sr_bench.project import Project
from sr_bench.report.data import Report
from sr_bench.report.figures import write_comparisons, write_figures
from sr_bench.report.page import render
from sr_bench.report.plots import Plots, write_plots
from sr_bench.report.provenance import Provenance, collect, write_provenance
from sr_bench.report.readme import filled
from sr_bench.report.stamp import unstamp
from sr_bench.report.tables import report_tables, write_tables
from sr_bench.report.trainings import trainings
from sr_bench.tables import cells
from sr_bench.timing.table import timings_table


def build_report(project: Project) -> Report:
    """Gather all scores of the project's runs and judge the ledger.

    Raises:
        SrBenchError: if scores with different signatures meet in one table, or a file is damaged.
    """
    parts, not_run = [], {}
    for name in project.params.runs:
        path = project.scores(name)
        if path.is_file():
            parts.append(_read(project, name))
        else:
            not_run[name] = f"{path.relative_to(project.root)} is missing: dvc repro score@{name}"
    if not parts:
        raise SrBenchError(f"{project.root / 'build' / 'scores'}: no scores; run: dvc repro")
    per_image = pd.concat(parts, ignore_index=True)
    table = cells(per_image)
    return Report(
        per_image,
        table,
        *_beside_ledger(project, table),
        trainings(project),
        timings_table(project),
        not_run,
    )


def write_report(project: Project, report: Report) -> tuple[str, ...]:
    """Write everything that docs/reports.md lists; return what could not be shown, and why.

    Tables that the project's own README shows are brought up to date in it.
    """
    folder = project.reports
    unstamp(folder)
    _write_data(report, folder)
    marks = not_worse(report.per_image)
    write_tables(report, folder / "tables", marks)
    made = collect(project)
    drawn = _draw(project, report, made)
    write_text(folder / "README.md", render(report, marks, drawn[0].captions))
    _update_readme(project, report)
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
        write_plots(report.cells, report.timings, plots, identify=made.identify),
        write_figures(project, report.per_image, plots, made.identify),
        write_comparisons(project, project.params.figures, made.identify),
    )


def _update_readme(project: Project, report: Report) -> None:
    page = project.root / "README.md"
    if page.is_file():
        text = page.read_text(encoding="utf-8")
        write_text(page, filled(text, report_tables(report), where=str(page)))


def _read(project: Project, name: str) -> pd.DataFrame:
    path = project.scores(name)
    table = pd.read_csv(path, keep_default_na=False, dtype={"image": str, "variant": str})
    if list(table.columns) != IMAGE_COLUMNS:
        raise SrBenchError(
            f"{path}: columns are {', '.join(table.columns)}; expected {', '.join(IMAGE_COLUMNS)}; "
            f"run: dvc repro score@{name}"
        )
    return table


def _beside_ledger(project: Project, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The verdict on each published number, and what weights trained here reach beside it."""
    if project.params.ledger is None:
        return pd.DataFrame(columns=REPRODUCTION), pd.DataFrame(columns=TRAINED)
    ledger = read_ledger(project.root / project.params.ledger)
    context = Context(
        methods=frozenset(load_methods(project.method_folders)),
        runs=frozenset(project.params.runs),
        datasets={p: frozenset(d) for p, d in project.params.protocols.items()},
    )
    return judge(ledger, table, context), beside_published(ledger, table)


def _csv(table: pd.DataFrame) -> str:
    out = io.StringIO()
    table.to_csv(out, index=False, lineterminator="\n")
    return out.getvalue()
