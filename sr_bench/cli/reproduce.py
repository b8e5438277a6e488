"""``sr-bench reproduce``: published numbers, measured now."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer

from sr_bench.analysis.ledger.citations import Citation, all_citations
from sr_bench.analysis.ledger.neighbours import ledgers_with_packaged, published_numbers
from sr_bench.analysis.ledger.titles import NetworkNames
from sr_bench.analysis.metrics import describe_metric
from sr_bench.cli.show import (
    DeviceOption,
    JsonFlag,
    console,
    count_progress,
    late_bytes_progress,
    print_json,
    print_table,
)
from sr_bench.project.here import catalogue_here, methods_here, project_here
from sr_bench.report.tables.model import digits
from sr_bench.support.errors import SrBenchError

if TYPE_CHECKING:
    from sr_bench.analysis.ledger.reproduce import Reproduced

_NOT_RUN = "not run"
_BLOCK = ["signature", "dataset", "scale"]


def reproduce(
    source: Annotated[
        str, typer.Argument(help="Who printed the numbers; see: sr-bench list published.")
    ],
    dataset: Annotated[
        list[str] | None,
        typer.Option(help="Dataset; default: Set5. Can be given several times."),
    ] = None,
    scale: Annotated[
        list[int] | None,
        typer.Option(help="Scale; default: all. Can be given several times."),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(help="Method, as srcnn; default: all. Can be given several times."),
    ] = None,
    device: DeviceOption = None,
    json: JsonFlag = False,
) -> None:
    """Measure the numbers that a source printed: published, measured, verdict, signature.

    Fetches what is needed, upscales and scores that alone; needs no project. Exit status 1 if
    nothing could be measured, or something failed.
    """
    from sr_bench.analysis.ledger.reproduce import AskedNumbers
    from sr_bench.analysis.ledger.reproduce import reproduce as measure
    from sr_bench.evaluation.evaluating.candidate import CandidateOptions
    from sr_bench.evaluation.evaluating.published_runs import PublishedRuns
    from sr_bench.networks.device import choose_device
    from sr_bench.networks.opened import OpenOptions

    asked = AskedNumbers(source, tuple(dataset or ()), tuple(scale or ()), tuple(method or ()))
    project = project_here()
    catalogue = catalogue_here()
    own = [] if project is None else project.ledgers
    rows = asked.rows(published_numbers(own, catalogue))
    options = CandidateOptions(OpenOptions(device=choose_device(device)))
    methods = methods_here(project)
    with ExitStack() as stack:
        fetched = stack.enter_context(late_bytes_progress("fetch"))
        known = PublishedRuns(methods, catalogue, project, fetched)
        found = measure(rows, known, options, watch=partial(_bar, stack, source))
    cited = all_citations(ledgers_with_packaged(own)).get(source)
    if json:
        print_json(_facts(found, cited))
    else:
        known_methods = {name: of for name, (_, of) in methods.items()}
        _show(found, cited, NetworkNames.known(own, known_methods))
    _require_measured(found)


def _bar(stack: ExitStack, source: str, total: int) -> Callable[[int], None]:
    advance: Callable[[int], None] = stack.enter_context(
        count_progress(f"reproduce {source}", total)
    )
    return advance


def _facts(found: Reproduced, cited: Citation | None) -> dict[str, Any]:
    rows = found.rows.astype(object).where(found.rows.notna(), None)
    return {
        "source": None if cited is None else {"cited": cited.short, "link": cited.link},
        "numbers": rows.to_dict("records"),
        "failed": list(found.faults),
    }


def _show(found: Reproduced, cited: Citation | None, names: NetworkNames) -> None:
    """A table for each dataset, scale and signature, and the reasons under them."""
    if cited is not None:
        console.print(f"{cited.short}: {cited.title}. {cited.link}", highlight=False)
    networks = zip(found.rows["method"], found.rows["variant"])
    rows = found.rows.assign(name=[names.network(*network) for network in networks])
    measured = rows[rows["verdict"] != _NOT_RUN]
    columns = ["method", "metric", "published", "measured", "verdict", "where"]
    for (signature, dataset, scale), block in measured.groupby(_BLOCK, sort=False):
        print_table(f"{dataset} x{scale}", columns, [_row(r) for r in block.to_dict("records")])
        console.print(f"signature: {signature}", highlight=False)
    told = rows[(rows["note"] != "") & (rows["verdict"] != "reproduced")]
    for (verdict, note), of in told.groupby(["verdict", "note"], sort=False):
        named = ", ".join(dict.fromkeys(of["name"]))
        console.print(f"{verdict}: {named} ({len(of)} numbers): {note}", highlight=False)


def _row(row: dict[Any, Any]) -> list[object]:
    decimals = len(str(row["published"]).partition(".")[2]) + 2
    metric = describe_metric(row["metric"]).title_with_unit
    measured = digits(row["measured"], decimals)
    return [row["name"], metric, row["published"], measured, row["verdict"], row["where"]]


def _require_measured(found: Reproduced) -> None:
    """Refuse an answer without numbers, or one where something failed.

    Raises:
        SrBenchError: naming what failed, or why nothing was measured.
    """
    if found.faults:
        raise SrBenchError("\n  ".join(["could not be measured:", *found.faults]))
    if pd.Series(found.rows["verdict"] == _NOT_RUN).all():
        reasons = dict.fromkeys(found.rows["note"])
        raise SrBenchError(f"nothing could be measured: {'; '.join(reasons)}")
