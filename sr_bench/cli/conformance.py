"""``sr-bench conformance``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sr_bench.cli.show import JsonFlag, console, print_json, print_table
from sr_bench.conformance.adapter import OURS
from sr_bench.conformance.golden import load_golden
from sr_bench.conformance.suite import SuiteResult, run_adapter, short_table

_ADAPTERS = f"{OURS}, or your own: ./file.py, module, file.py:attribute"

_WORDS = {"agrees": "agree", "differs": "differ", "fails": "fail", "not offered": "not offered (-)"}


def conformance(
    adapter: Annotated[
        list[str] | None,
        typer.Option(help=f"{_ADAPTERS}. Can be given several times; default: {OURS}."),
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
    suites = [run_adapter(name, data) for name in dict.fromkeys(adapter or [OURS])]
    if json:
        found = [asdict(suite) for suite in suites]
        print_json({"provenance": load_golden().provenance, "adapters": found})
    elif cases:
        _print_cases(suites)
    else:
        print_groups(suites, markdown=markdown)
    if any(suite.failed for suite in suites):
        raise typer.Exit(1)


def _print_cases(suites: list[SuiteResult]) -> None:
    for suite in suites:
        listed = [[r.case, r.status, r.detail] for r in suite.results]
        print_table(suite.adapter, ["case", "status", "detail"], listed)
        console.print(_sentence(suite), highlight=False)


def print_groups(suites: list[SuiteResult], *, markdown: bool) -> None:
    """Print the worst case of each group, and how many cases of each adapter agree."""
    columns, rows = short_table(suites)
    if markdown:
        body = [columns, ["---"] * len(columns), *rows]
        print("\n".join(f"| {' | '.join(row)} |" for row in body))
    else:
        print_table("", columns, rows)
    for suite in suites:
        console.print(_sentence(suite), highlight=False)


def _sentence(suite: SuiteResult) -> str:
    counts = {
        status: sum(r.status == status for r in suite.results)
        for status in ("agrees", "differs", "fails", "not offered", "not run")
    }
    listed = ", ".join(f"{n} {_WORDS.get(status, status)}" for status, n in counts.items() if n)
    version = f" ({suite.version})" if suite.version else ""
    return f"{suite.adapter}{version}: {listed}"
