"""``sr-bench report``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sr_bench.cli.show import JsonFlag, console, print_done, print_table
from sr_bench.project.lock import require_locked
from sr_bench.project.project import require_project
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import sweep

if TYPE_CHECKING:
    from sr_bench.report.build import Report


def report(
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Exit with 0 even if runs have no scores.")
    ] = False,
    tables: Annotated[
        bool, typer.Option("--tables", help="Also print a table for each protocol.")
    ] = False,
    stamp: Annotated[
        bool,
        typer.Option("--stamp", help="Add stamp.json: Git revision, date and uncommitted changes."),
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Write reports/: tables, plots, published against measured numbers, provenance, the page."""
    from sr_bench.report.build import build_report
    from sr_bench.report.provenance import stamp as stamps
    from sr_bench.report.tables.formats.plain import plain
    from sr_bench.report.tables.quality import quality_tables
    from sr_bench.report.write import write_report

    project = require_locked(require_project())
    with project.writing(str(project.reports), "report"):
        sweep(project.reports)
        made = build_report(project)
        notes = write_report(project, made)
        stamped = stamps.stamp(project.reports, project.root) if stamp else None
    if tables and not json:
        for table in quality_tables(made.cells, names=made.names):
            headings, groups = plain(table)
            for label, rows in groups:
                print_table(f"{table.title} {label}".strip(), headings, rows)
    if not json:
        for note in notes:
            console.print(f"not shown: {note}", highlight=False, markup=False)
    facts = {
        "report": str(project.reports / "README.md"),
        "cells": len(made.cells),
        "runs": made.cells["run"].nunique(),
        "verdicts": made.reproduction["verdict"].value_counts().to_dict(),
        "not_run": made.not_run,
        "notes": notes,
        "stamp": stamped,
    }
    print_done(_summary(facts), facts, json=json)
    if not allow_missing:
        _require_all(made)


def _summary(facts: dict[str, object]) -> str:
    verdicts = facts["verdicts"]
    assert isinstance(verdicts, dict)
    counts = ", ".join(f"{n} {verdict}" for verdict, n in verdicts.items())
    ledger = f"published numbers: {counts}; " if counts else ""
    return f"{facts['cells']} cells of {facts['runs']} runs; {ledger}report: {facts['report']}"


def _require_all(made: Report) -> None:
    if made.not_run:
        listed = "; ".join(f"{run}: {why}" for run, why in made.not_run.items())
        raise SrBenchError(
            f"{len(made.not_run)} runs have no scores and stand as not run: {listed}. "
            "Make them, or pass --allow-missing"
        )
