"""What ``sr-bench score RUN`` prints: a run of the project, or a part of it."""

from __future__ import annotations

import pandas as pd

from sr_bench.cli.show import console, print_done, print_json, print_table
from sr_bench.evaluation.scoring.run import score_part, score_run
from sr_bench.evaluation.scoring.table import cells, identical
from sr_bench.project.lock import require_locked
from sr_bench.project.project import require_project
from sr_bench.project.run_part import RunPart


def print_run(run: str, part: RunPart, json: bool) -> None:
    """Score a run, or a part of it, and print what came out."""
    project = require_locked(require_project())
    if part:
        _show_part(cells(score_part(project, project.run(run), part)), json)
        return
    scored = score_run(project, project.run(run))
    table = cells(scored)
    said = [
        f"{dataset} under {protocol}: {sentence}"
        for (dataset, protocol), rows in scored.groupby(["dataset", "protocol"], sort=False)
        for sentence in identical(rows)
    ]
    line = "\n".join([f"{run}: {len(table)} cells in {project.scores(run)}", *said])
    print_done(line, table.to_dict("records"), json=json)


def _show_part(table: pd.DataFrame, json: bool) -> None:
    """The means of a part of a run, under their signatures."""
    if json:
        print_json(table.to_dict("records"))
        return
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
