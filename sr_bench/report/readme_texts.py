"""Sentences with numbers for a project's front page, each made from the report's own tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from sr_bench.data.catalogue.sources import SourceFile
from sr_bench.project.project import Project
from sr_bench.report.names import Names
from sr_bench.report.tables.headline import DATASETS, KEY, METRIC
from sr_bench.report.tables.model import digits
from sr_bench.report.tables.published import VERDICTS


def readme_texts(
    project: Project, cells: pd.DataFrame, reproduction: pd.DataFrame, names: Names
) -> dict[str, str]:
    """The text of each ``<!-- text: NAME -->``; one that there are no numbers for is left out."""
    texts = {
        "counts": counts(cells, reproduction),
        "protocols": protocols_differ(cells, names),
        "fetched": fetched(project, cells, names),
    }
    return {name: text for name, text in texts.items() if text}


def counts(cells: pd.DataFrame, reproduction: pd.DataFrame) -> str:
    """How much was measured, and what came of the published numbers."""
    found: Mapping[str, int] = reproduction["verdict"].value_counts()
    sets = ", ".join(cells["dataset"].unique())
    verdicts = ", ".join(f"{int(found.get(verdict, 0)):,} {verdict}" for verdict in VERDICTS)
    return (
        f"{cells['run'].nunique()} runs on {sets}; of {len(reproduction):,} published numbers: "
        f"{verdicts}.\n"
    )


def protocols_differ(cells: pd.DataFrame, names: Names) -> str:
    """The run whose score depends most on the protocol, and how much."""
    rows = cells[(cells["metric"] == KEY) & (cells["dataset"] == DATASETS[0])]
    by_run = rows.groupby("run")["value"]
    spread = (by_run.max() - by_run.min()).sort_values()
    if spread.empty or not spread.iloc[-1] > 0:
        return ""
    of_run = rows[rows["run"] == spread.index[-1]].sort_values("value")
    low, high = of_run.iloc[0], of_run.iloc[-1]
    called = names.runs(of_run)[str(spread.index[-1])]
    scores = [
        f"{digits(r['value'], METRIC.decimals)} dB under {r['protocol']}" for r in (low, high)
    ]
    return (
        f"The same {called.method} ({called.data}) has {' and '.join(scores)}, both on "
        f"{DATASETS[0]} ×{called.scale}.\n"
    )


def fetched(project: Project, cells: pd.DataFrame, names: Names) -> str:
    """What the whole pipeline fetches and runs."""
    files = {f.sha256 or f.name: f.size or 0 for f in _files(project, names)}
    return (
        f"It fetches {sum(files.values()) / 1e6:,.0f} MB of datasets and weights in {len(files)} "
        f"files, each pinned by size and sha256, and scores {cells['run'].nunique()} runs on "
        f"{cells['dataset'].nunique()} datasets.\n"
    )


def _files(project: Project, names: Names) -> Iterator[SourceFile]:
    """All files of the project's datasets, and of the published weights of its runs."""
    groups = dict.fromkeys(project.params.fetch)
    for run in project.params.runs.values():
        method = names.methods.get(run.method)
        key = (run.base_variant, run.weights, run.scale)
        if method is not None and key in method.published:
            groups[method.published[key].group] = None
    for name in groups:
        yield from project.source(name).files
