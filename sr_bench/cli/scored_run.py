"""What ``sr-bench score RUN`` prints: runs of the project, or a part of them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sr_bench.cli.show import console, count_progress, print_json, print_table
from sr_bench.evaluation.scoring.run import score_part, score_run
from sr_bench.evaluation.scoring.table import cells, identical
from sr_bench.project.lock import require_locked
from sr_bench.project.project import Project, require_project
from sr_bench.project.run_part import RunPart
from sr_bench.support.errors import SrBenchError, printable
from sr_bench.support.executors import Executor


def print_runs(
    named: Sequence[str], part: RunPart, executor: Executor | None, *, json: bool
) -> None:
    """Score runs, or a part of each, and print what came out.

    Args:
        named: of ``params.yaml``; empty stands for all.
        part: which of their datasets and protocols.
        executor: whose workers score.
        json: whether for programs.

    Raises:
        SrBenchError: at the end, with the reason of each run that failed.
    """
    project = require_locked(require_project())
    runs = [project.run(name).name for name in named or project.params.runs]
    tables, failed = [], []
    for run in runs:
        try:
            scored = _scored(project, run, part, executor)
        except SrBenchError as error:
            if len(runs) == 1:
                raise
            failed.append(str(error))
            continue
        tables.append(cells(scored))
        if not json:
            _print(project, run, scored, part)
    if json:
        print_json([row for table in tables for row in table.to_dict("records")])
    if failed:
        reasons = "".join(f"\n  {reason}" for reason in failed)
        raise SrBenchError(f"{len(failed)} of {len(runs)} runs failed:{reasons}")


def _scored(project: Project, name: str, part: RunPart, executor: Executor | None) -> pd.DataFrame:
    run = project.run(name)
    total = project.images_of_work(part.of(project, run))
    with count_progress(f"score {name}", total) as advance:
        if part:
            return score_part(project, run, part, progress=advance, executor=executor)
        return score_run(project, run, progress=advance, executor=executor)


def _print(project: Project, run: str, scored: pd.DataFrame, part: RunPart) -> None:
    table = cells(scored)
    if part:
        _print_part(table)
        return
    said = [
        f"{dataset} under {protocol}: {sentence}"
        for (dataset, protocol), rows in scored.groupby(["dataset", "protocol"], sort=False)
        for sentence in identical(rows)
    ]
    line = "\n".join([f"{run}: {len(table)} cells in {project.scores(run)}", *said])
    console.print(printable(line, lines=True), highlight=False)


def _print_part(table: pd.DataFrame) -> None:
    """The means of a part of a run, under their signatures."""
    for signature, rows in table.groupby("signature", sort=False):
        wide = rows.pivot(index="dataset", columns="metric", values="value")
        metrics = list(rows["metric"].unique())
        images_in = rows.drop_duplicates("dataset").set_index("dataset")["images"]
        body = [
            [dataset, *(float(wide.loc[dataset, m]) for m in metrics), int(images_in[dataset])]
            for dataset in rows["dataset"].unique()
        ]
        print_table("", ["dataset", *metrics, "images"], body)
        console.print(f"signature: {signature}", highlight=False)
