"""``sr-bench conformance``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sr_bench.cli.show import JsonFlag, console, print_json, print_table
from sr_bench.conformance.adapter import BUILT_IN
from sr_bench.conformance.golden import load_golden
from sr_bench.conformance.suite import Outcome, run_adapter, short_table

_OWN = "or your own: ./file.py, module, file.py:attribute"
_ADAPTERS = f"{', '.join(BUILT_IN)}, all, {_OWN}"

_WORDS = {"agrees": "agree", "differs": "differ", "fails": "fail", "not offered": "not offered (-)"}


def conformance(
    adapter: Annotated[
        list[str] | None, typer.Option(help=f"{_ADAPTERS}. Can be given several times.")
    ] = None,
    data: Annotated[
        Path,
        typer.Option(
            help="Folder of fetched images made by MATLAB; without an image its cases are skipped."
        ),
    ] = Path("data"),
    cases: Annotated[
        bool, typer.Option("--cases", help="Print every case instead of the worst of each group.")
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
    json: JsonFlag = False,
) -> None:
    """Check code against golden values of MATLAB's resize and colour, PSNR, SSIM and each protocol.

    An adapter is a module or object with resize, score or both (docs/conformance.md). Exit status 1
    if an adapter differs or fails in a case; a function that it doesn't have is no failure.
    """
    chosen = adapter or ["sr-bench"]
    names = list(dict.fromkeys(n for a in chosen for n in (BUILT_IN if a == "all" else [a])))
    outcomes = [run_adapter(name, data) for name in names]
    if json:
        found = [asdict(o) for o in outcomes]
        print_json({"provenance": load_golden().provenance, "adapters": found})
    else:
        _show(outcomes, cases=cases, markdown=markdown)
    ran = [o for o in outcomes if o.results]
    if not ran or any(o.failed for o in ran):
        raise typer.Exit(1)


def _show(outcomes: list[Outcome], *, cases: bool, markdown: bool) -> None:
    ran = [o for o in outcomes if o.results]
    if cases:
        for outcome in ran:
            listed = [[r.case, r.status, r.detail] for r in outcome.results]
            print_table(outcome.adapter, ["case", "status", "detail"], listed)
    elif ran:
        _show_groups(ran, markdown=markdown)
    for outcome in outcomes:
        console.print(_sentence(outcome), highlight=False)


def _show_groups(ran: list[Outcome], *, markdown: bool) -> None:
    columns, rows = short_table(ran)
    if markdown:
        body = [columns, ["---"] * len(columns), *rows]
        print("\n".join(f"| {' | '.join(row)} |" for row in body))
    else:
        print_table("", columns, rows)


def _sentence(outcome: Outcome) -> str:
    if outcome.not_run:
        return f"not run: {outcome.not_run}"
    counts = {
        status: sum(r.status == status for r in outcome.results)
        for status in ("agrees", "differs", "fails", "not offered", "not run")
    }
    listed = ", ".join(f"{n} {_WORDS.get(status, status)}" for status, n in counts.items() if n)
    version = f" ({outcome.version})" if outcome.version else ""
    return f"{outcome.adapter}{version}: {listed}"
