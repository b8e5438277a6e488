"""What the page shows, as compact JSON-able data: tables as lists, names once."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from sr_bench.analysis.metrics import describe_metric
from sr_bench.evaluation.scoring.table import require_one_signature
from sr_bench.report.build import Report
from sr_bench.report.figures.style import looks
from sr_bench.report.names import Names
from sr_bench.report.pooling import pooled
from sr_bench.report.site.links import NO_LINKS, Links, cited
from sr_bench.report.tables.quality import MAIN, by_reason

_IMAGE_DECIMALS = 4  # per-image values are kept as integers of 1 / 10,000
_CELL = ["run", "dataset", "protocol", "metric"]
_MEASURED = ("scale", "measured", "delta")  # the numbers of a row of the ledger
_TIMES = ["run", "machine", "device", "precision", "input", "median_s", "spread_s"]
_COSTS = ["run", "params", "macs"]
Marked = frozenset[tuple[str, str, str, str]]  # run, dataset, protocol, metric


def payload(
    report: Report, links: Links = NO_LINKS, marked: Marked = frozenset()
) -> dict[str, object]:
    """All tables of the page.

    Cells are ``[run, dataset, protocol, metric, value, values of images]``, the first four as
    positions in their lists of names; a per-image value is an integer of 1 / 10,000, ``None`` where
    the image has none, and ``"inf"`` for identical images. One of ``marked`` has a seventh field.

    Args:
        marked: the cells that have a dagger in the report's tables.

    Raises:
        SrBenchError: if a protocol's cells have more than one signature.
    """
    cells = report.cells
    runs, datasets = _names(cells, "run"), _names(cells, "dataset")
    metrics = _names(cells, "metric")
    protocols = [_protocol(name, report) for name in _protocols(report)]
    catalogue = report.names.catalogue
    images = {d: _names(rows, "image") for d, rows in report.per_image.groupby("dataset")}
    return {
        "protocols": protocols,
        "datasets": [{"name": d, "images": images[d]} for d in datasets],
        "metrics": metrics,
        "metricFacts": _metric_facts([*metrics, *_names(report.reproduction, "metric"), *MAIN]),
        "mainMetrics": list(MAIN),
        "imageDecimals": _IMAGE_DECIMALS,
        "runs": _runs(cells, report.names),
        "methods": _methods(report, links),
        "baseline": report.names.baseline,
        "cells": _cells(
            report, (runs, datasets, [str(p["name"]) for p in protocols], metrics), marked
        ),
        "timings": _rows(_timings(report)),
        "networks": _rows(report.networks[_COSTS].dropna(subset=["macs"])),
        "machines": [[*where, title] for where, title in report.names.places.items()],
        "links": {"root": links.root, "reports": links.reports},
        "free": [s.name for s in catalogue.sources.all().values() if s.redistributable],
        "sources": _sources(report),
        "ledger": _packed(report.reproduction.assign(network=report.names.networks)),
        "notRun": by_reason(report.not_run),
    }


def _metric_facts(metrics: list[str]) -> dict[str, dict[str, object]]:
    """How the page prints each metric, and which way is better."""
    described = {metric: describe_metric(metric) for metric in metrics}
    return {
        key: {
            "title": metric.title,
            "decimals": metric.decimals,
            "unit": metric.unit,
            "higherIsBetter": metric.higher_is_better,
        }
        for key, metric in described.items()
    }


def _names(table: pd.DataFrame, column: str) -> list[str]:
    return [str(name) for name in table[column].unique()]


def _protocols(report: Report) -> list[str]:
    """In the order of ``protocols.yaml``."""
    known, there = report.names.catalogue.protocols.protocols, set(report.cells["protocol"])
    return [name for name in known if name in there]


def _protocol(name: str, report: Report) -> dict[str, str]:
    cells = report.cells[report.cells["protocol"] == name]
    require_one_signature(cells, f"the page's table of {name}")
    summary = report.names.catalogue.protocols.find(name).summary
    return {"name": name, "summary": summary, "signature": cells["signature"].iloc[0]}


def _runs(cells: pd.DataFrame, names: Names) -> list[dict[str, object]]:
    texts = {c: cells[c].fillna("").astype(str) for c in ("variant", "weights")}
    methods = dict(zip(cells["run"], cells["method"]))
    return [
        {
            "name": name.run,
            "short": name.method,
            "scale": name.scale,
            "method": methods[name.run],
            "data": name.data or "none",
            "maker": name.by,
        }
        for name in names.runs(cells.assign(**texts)).values()
    ]


def _methods(report: Report, links: Links) -> dict[str, dict[str, str]]:
    """How each method is called, drawn and cited, and where its file lies."""
    named = [*_names(report.cells, "method"), *_names(report.reproduction, "method")]
    drawn = looks(named, report.names.marks)
    return {
        method: {
            "title": report.names.title(method),
            "colour": colour,
            "marker": marker,
            "file": links.methods.get(method, ""),
            **cited(method, report.names),
        }
        for method, (colour, marker) in drawn.items()
    }


def _cells(report: Report, names: tuple[list[str], ...], marked: Marked) -> list[list[object]]:
    positions = [{name: i for i, name in enumerate(listed)} for listed in names]
    per_image = _per_image(report.per_image)
    out = []
    for row in report.cells.itertuples(index=False):
        key = (row.run, row.dataset, row.protocol, row.metric)
        where = [at[name] for at, name in zip(positions, key)]
        dagger = [1] if key in marked else []
        out.append([*where, _number(row.value), per_image[key], *dagger])
    return out


def _per_image(table: pd.DataFrame) -> dict[tuple[str, ...], list[object]]:
    """Each cell's values in the order of its dataset's images."""
    images = {d: _names(rows, "image") for d, rows in table.groupby("dataset", sort=False)}
    out = {}
    for key, rows in table.groupby(_CELL, sort=False):
        values = dict(zip(rows["image"].astype(str), rows["value"]))
        out[key] = [_small(values.get(image)) for image in images[key[1]]]
    return out


def _small(value: float | None) -> object:
    number = _number(value)
    return round(number * 10**_IMAGE_DECIMALS) if isinstance(number, float) else number


def _rows(table: pd.DataFrame) -> list[dict[str, object]]:
    return [
        {str(key): _number(value) for key, value in row.items()}
        for row in table.astype(object).to_dict("records")
    ]


def _timings(report: Report) -> pd.DataFrame:
    """Of each run the time of its network, over all runs of it, and their spread."""
    rows = pooled(report.timings, report.cells)
    return rows.assign(median_s=rows["pooled_s"])[_TIMES]


def _sources(report: Report) -> dict[str, dict[str, str]]:
    """How each source of published numbers is cited, and its address."""
    cited = report.names.citations
    return {
        key: {"title": report.names.source(key), "link": cited[key].link if key in cited else ""}
        for key in _names(report.reproduction, "source")
    }


def _packed(table: pd.DataFrame) -> dict[str, object]:
    """A table with each text once: a cell of a text column is its position in ``texts``."""
    texts: dict[str, int] = {}
    columns: dict[str, list[object]] = {}
    for name in table.columns:
        values = list(table[name].astype(object))
        if name not in _MEASURED:
            columns[name] = [texts.setdefault(str(v), len(texts)) for v in values]
        else:
            columns[name] = [_number(v) for v in values]
    rows = [list(row) for row in zip(*columns.values())]
    numbers = [name for name in columns if name in _MEASURED]
    return {"columns": list(columns), "numbers": numbers, "texts": list(texts), "rows": rows}


def _number(value: object) -> object:
    """``value`` as JSON has it: missing is ``None``, infinite ``"inf"``."""
    if value is None or value is pd.NA:
        return None
    if isinstance(value, float):
        value = float(value)
        return None if math.isnan(value) else value if math.isfinite(value) else "inf"
    return int(value) if isinstance(value, np.integer) else value
