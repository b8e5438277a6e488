"""``sr-bench ledger``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sr_bench.cli.show import JsonFlag, console, print_json, print_table
from sr_bench.project.project import Project, require_project
from sr_bench.support.errors import WrongUse

if TYPE_CHECKING:
    from sr_bench.analysis.ledger.export import LedgerFile


def ledger(
    boards: Annotated[
        bool,
        typer.Option("--boards", help="Print it in the shape of Papers with Code's tables (JSON)."),
    ] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of --json, or of --boards.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Show how many published numbers are known, and how many verifiable here; or export them all.

    `verifiable`: a run of sr-bench measured the number, or could. --json has every number with its
    source, verdict and lineage. Measured values are those of reports/scores.csv.
    """
    if schema:
        print_json(_schema(boards=boards))
        return
    project = require_project()
    found = _ledger(project)
    if boards:
        print_json([board.model_dump() for board in _boards(project, found)])
    elif json:
        print_json(found.model_dump(mode="json"))
    else:
        _show(found)


def _schema(*, boards: bool) -> dict[str, Any]:
    from pydantic import TypeAdapter

    if boards:
        from sr_bench.analysis.ledger.boards import Board

        return TypeAdapter(tuple[Board, ...]).json_schema()
    from sr_bench.analysis.ledger.export import LedgerFile

    return LedgerFile.model_json_schema()


def _ledger(project: Project) -> LedgerFile:
    from sr_bench.analysis.ledger.citations import all_citations
    from sr_bench.analysis.ledger.export import ledger_file
    from sr_bench.analysis.ledger.ledger import Context, judge, read_ledgers
    from sr_bench.analysis.ledger.lineage import lineage
    from sr_bench.support.version import __version__

    if not project.ledgers:
        raise WrongUse("params.yaml names no ledger, so there are no published numbers to export")
    table = read_ledgers(project.ledgers, project.catalogue)
    citations = all_citations(project.ledgers)
    judged = judge(table, _measured(project.reports / "scores.csv"), Context.of(project))
    lines = lineage(table, citations)
    return ledger_file(table, judged, citations, lines, software=f"sr-bench {__version__}")


def _measured(scores: Path) -> Any:
    """The measured cells; none where there is no report yet."""
    import pandas as pd

    from sr_bench.evaluation.scoring.table import CELL_COLUMNS, read_scores

    return read_scores(scores) if scores.is_file() else pd.DataFrame(columns=CELL_COLUMNS)


def _boards(project: Project, found: LedgerFile) -> Any:
    from sr_bench.analysis.ledger.boards import boards
    from sr_bench.analysis.ledger.titles import NetworkNames
    from sr_bench.networks.method_files import load_methods

    methods = load_methods(project.method_folders)
    return boards(found, NetworkNames.known(project.ledgers, methods))


def _show(found: LedgerFile) -> None:
    rows: dict[str, list[int]] = {}
    for number in found.numbers:
        row = rows.setdefault(number.source, [0, 0, 0])
        row[0] += 1
        row[1] += number.verifiable
        row[2] += number.verdict != "not run"
    listed = [[source, *row] for source, row in rows.items()]
    print_table("", ["source", "known", "verifiable here", "measured"], listed)
    counts = found.counts
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in counts.verdicts.items())
    known = f"{counts.known} numbers known, {counts.verifiable} verifiable here"
    console.print(f"{known}: {verdicts}", highlight=False)
