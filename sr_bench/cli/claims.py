"""``sr-bench claims``."""

from __future__ import annotations

import json as text_json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sr_bench.cli.show import JsonFlag, console, count_progress, print_json, print_table
from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.project.here import methods_here
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import write_text

if TYPE_CHECKING:
    from sr_bench.analysis.claims import Judged


def claims(
    file: Annotated[Path, typer.Argument(help="YAML file of claims (docs/action.md).")],
    badge: Annotated[
        Path | None, typer.Option(help="Also write a badge: JSON as shields.io reads it.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Check the numbers that a README prints against what the weights give.

    Each claim names model, dataset, scale, protocol, metric and the value as printed. Exit status 1
    if one differs by more than the protocol's tolerance, can't be scored, or isn't in the README.
    """
    from sr_bench.analysis.claims import badge as badge_of
    from sr_bench.analysis.claims import judge_claims, missing_in, read_claims

    known = Catalogue.of_project(Path())
    found = read_claims(file, known)
    missing = missing_in(file.parent / found.readme, found) if found.readme else []
    with count_progress("claims", len(found.claims)) as advance:
        judged = judge_claims(found, methods_here(None), known, progress=advance)
    if badge is not None:
        write_text(badge, text_json.dumps(badge_of(judged), indent=1) + "\n")
    if json:
        print_json({"claims": [_facts(j) for j in judged], "not_printed": missing})
    else:
        _show(judged)
    wrong = [f"{j.claim}: {j.claim.value} {j.verdict}: {j.reason}" for j in judged if j.failed]
    if wrong or missing:
        listed = "\n  ".join([*wrong, *missing])
        raise SrBenchError(f"{file}: {len(wrong) + len(missing)} claims fail:\n  {listed}")


def _facts(judged: Judged) -> dict[str, object]:
    facts = judged.claim.model_dump()
    return facts | {
        "measured": judged.measured,
        "verdict": judged.verdict,
        "reason": judged.reason,
    }


def _show(judged: list[Judged]) -> None:
    columns = ["model", "dataset", "scale", "protocol", "metric", "printed", "measured", "verdict"]
    rows = [
        [
            *(j.claim.model, j.claim.dataset, str(j.claim.scale or "")),
            *(j.claim.protocol, j.claim.metric, j.claim.value),
            "" if j.measured is None else f"{j.measured:.4f}",
            j.verdict,
        ]
        for j in judged
    ]
    print_table("", columns, rows)
    for each in judged:
        if each.reason:
            console.print(f"{each.claim}: {each.reason}", highlight=False)
