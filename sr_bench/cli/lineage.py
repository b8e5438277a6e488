"""``sr-bench lineage``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sr_bench.analysis.metrics import describe_metric
from sr_bench.cli.show import JsonFlag, console, print_json, print_table
from sr_bench.project.project import require_project
from sr_bench.support.errors import WrongUse, unknown

if TYPE_CHECKING:
    from sr_bench.analysis.ledger.lineage import Line, Print
    from sr_bench.analysis.ledger.titles import NetworkNames


def lineage(
    method: Annotated[
        str | None, typer.Option(help="Only numbers of this method of the ledger, as srcnn.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Only numbers that this source of the ledger prints.")
    ] = None,
    all_lines: Annotated[
        bool, typer.Option("--all", help="Print copies that agree as well.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Show who printed a published number first, who copied it, and who printed other digits.

    The original is what the source that presents the method prints, else the earliest print.
    `other digits`: a copy that differs, miscopied or from elsewhere; `measured again`: by a source
    that ran the method itself.
    """
    from sr_bench.analysis.ledger.citations import all_citations
    from sr_bench.analysis.ledger.ledger import read_ledgers
    from sr_bench.analysis.ledger.lineage import lineage as trace
    from sr_bench.analysis.ledger.titles import NetworkNames

    project = require_project()
    if not project.ledgers:
        raise WrongUse("params.yaml names no ledger, so there are no published numbers to trace")
    ledger = read_ledgers(project.ledgers, project.catalogue)
    _require_known(ledger["method"], "method", method)
    _require_known(ledger["source"], "source", source)
    lines = [
        line
        for line in trace(ledger, all_citations(project.ledgers))
        if method in (None, line.subject.method)
        and (source is None or source in {p.source for p in line.prints})
    ]
    if json:
        print_json([_facts(line) for line in lines])
        return
    names = NetworkNames.known(project.ledgers)
    _show(lines, names, all_lines)


def _require_known(values: object, what: str, wanted: str | None) -> None:
    known = set(map(str, values))  # type: ignore[call-overload]
    if wanted is not None and wanted not in known:
        raise unknown(what, wanted, known, where="the ledger")


def _facts(line: Line) -> dict[str, object]:
    lists = dict(zip(("copies", "measured_again", "other_digits"), _kinds(line)))
    return (
        line.subject._asdict()
        | {"protocol": line.protocol, "original": line.original._asdict()}
        | {key: [p._asdict() for p in prints] for key, prints in lists.items()}
    )


def _show(lines: list[Line], names: NetworkNames, all_lines: bool) -> None:
    rows = [row for line in lines for row in _rows(line, names, all_lines)]
    print_table("", ["number", "original", "source", "printed", "by", "as"], rows)
    counts = [sum(len(x) for x in prints) for prints in zip(*map(_kinds, lines))] or [0, 0, 0]
    console.print(
        f"{len(lines)} numbers that several sources print: {counts[0]} copies agree, {counts[1]} "
        f"were measured again with another result, {counts[2]} are copied with other digits",
        highlight=False,
    )


def _kinds(line: Line) -> tuple[tuple[Print, ...], ...]:
    return line.copies, line.measured_again, line.other_digits


def _rows(line: Line, names: NetworkNames, all_lines: bool) -> list[list[str]]:
    s = line.subject
    network, metric = names.network(s.method, s.variant), describe_metric(s.metric)
    number = f"{network}, {s.dataset} x{s.scale}, {metric.title}"
    named = dict(zip(("copy", "measured again", "other digits"), _kinds(line)))
    return [
        [number, line.original.value, line.original.source, p.value, p.source, kind]
        for kind, prints in named.items()
        if all_lines or kind != "copy"
        for p in prints
    ]
