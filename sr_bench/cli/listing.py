"""``sr-bench list``: what there is by name, and who brings it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from sr_bench.cli.show import JsonFlag, print_json, print_table
from sr_bench.project.here import catalogue_here, project_here
from sr_bench.project.project import require_project

Rows = list[dict[str, object]]
_ORIGIN = "origin"


class Things(StrEnum):
    """What ``list`` lists."""

    protocols = "protocols"
    sources = "sources"
    methods = "methods"
    metrics = "metrics"
    runs = "runs"
    published = "published"


def list_things(
    what: Annotated[Things, typer.Argument(help="What to list.")],
    origin: Annotated[
        bool,
        typer.Option(
            "--origin",
            help="Who brings each: sr-bench, an installed plug-in, or a file of this project.",
        ),
    ] = False,
    json: JsonFlag = False,
) -> None:
    """List protocols, sources (datasets and weights), methods, metrics, runs or published numbers.

    In a project its own are among them; outside one, what is installed.
    """
    rows = {
        Things.protocols: _protocols,
        Things.sources: _sources,
        Things.methods: _methods,
        Things.metrics: _metrics,
        Things.runs: _runs,
        Things.published: _published,
    }[what]()
    rows = [row if origin else {k: v for k, v in row.items() if k != _ORIGIN} for row in rows]
    if json:
        print_json(rows)
    elif rows:
        print_table(what.value, list(rows[0]), [[_text(v) for v in row.values()] for row in rows])


def _text(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def _protocols() -> Rows:
    known = catalogue_here().protocols
    return [
        {
            "protocol": p.name,
            "summary": p.summary,
            "signature": p.signature,
            _ORIGIN: known.origins[p.name],
        }
        for p in known.protocols.values()
    ]


def _sources() -> Rows:
    known = catalogue_here().sources
    return [
        {
            "name": s.name,
            "kind": s.kind,
            "files": len(s.files),
            "mb": s.bytes / 1e6,
            "what": s.title,
            _ORIGIN: known.places[s.name].origin,
        }
        for s in known.all().values()
    ]


def _methods() -> Rows:
    from sr_bench.networks.installed import origin_of
    from sr_bench.networks.method_files import method_files
    from sr_bench.project.here import method_folders_here

    return [
        {
            "method": m.name,
            "variants": [v for v in m.variants if v],
            "weights": list(dict.fromkeys(key[1] for key in m.published)) or ["none"],
            "reference": m.reference,
            "title": m.title or m.name,
            _ORIGIN: origin_of(path),
        }
        for path, m in method_files(method_folders_here()).values()
    ]


def _metrics() -> Rows:
    from sr_bench.analysis.metrics import describe_metric
    from sr_bench.evaluation.scoring.extra import known_metrics, needs_of

    return [
        {
            "metric": name,
            "needs": needs_of(name),
            "better": "higher" if describe_metric(name).higher_is_better else "lower",
            _ORIGIN: who,
        }
        for name, who in known_metrics().items()
    ]


def _runs() -> Rows:
    runs = require_project().params.runs
    return [
        {
            "run": name,
            "method": run.method,
            "variant": run.variant,
            "weights": run.weights,
            "scale": run.scale,
            "protocols": list(map(str, run.protocols)),
            _ORIGIN: "params.yaml",
        }
        for name, run in runs.items()
    ]


def _published() -> Rows:
    """Who printed numbers: the names that ``sr-bench reproduce`` takes."""
    from sr_bench.analysis.ledger.citations import all_citations
    from sr_bench.analysis.ledger.neighbours import ledgers_with_packaged, published_numbers

    own = project_here()
    ledgers = [] if own is None else own.ledgers
    cited = all_citations(ledgers_with_packaged(ledgers))
    numbers = published_numbers(ledgers, catalogue_here())
    return [
        {
            "source": source,
            "cited": cited[source].short if source in cited else "",
            "numbers": len(rows),
            "datasets": list(rows["dataset"].unique()),
            "link": cited[source].link if source in cited else "",
            _ORIGIN: "the ledger",
        }
        for source, rows in numbers.groupby("source", sort=False)
    ]
