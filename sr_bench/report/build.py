"""From ``build/scores/*.csv``, the ledger and the timings to the tables of a report."""

from __future__ import annotations

import pandas as pd

from sr_bench.analysis.ledger.ledger import (
    REPRODUCTION,
    TRAINED,
    Context,
    compare_trained,
    judge,
    read_ledger,
)
from sr_bench.evaluation.scoring.record import require_unchanged
from sr_bench.evaluation.scoring.table import cells, read_run
from sr_bench.networks.method import load_methods
from sr_bench.project.project import Project
from sr_bench.report.data import Report
from sr_bench.report.names import Names
from sr_bench.report.speedups import speedups
from sr_bench.report.timing_table import timings_table
from sr_bench.report.trainings import trainings
from sr_bench.support.errors import SrBenchError


def build_report(project: Project) -> Report:
    """Gather all scores of the project's runs and judge the ledger.

    Raises:
        SrBenchError: if scores with different signatures meet in one table, or a file is damaged.
    """
    parts, not_run = [], {}
    for name in project.params.runs:
        path = project.scores(name)
        if path.is_file():
            require_unchanged(project, name)
            parts.append(read_run(path))
        else:
            not_run[name] = f"{path.relative_to(project.root)} is missing: dvc repro score@{name}"
    if not parts:
        raise SrBenchError(f"{project.root / 'build' / 'scores'}: no scores; run: dvc repro")
    per_image = pd.concat(parts, ignore_index=True)
    table = cells(per_image)
    return Report(
        per_image,
        table,
        *_beside_ledger(project, table),
        trainings(project),
        timings_table(project),
        speedups(project),
        not_run,
        Names.of(project),
    )


def _beside_ledger(project: Project, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The verdict on each published number, and what weights trained here reach beside it."""
    if project.params.ledger is None:
        return pd.DataFrame(columns=REPRODUCTION), pd.DataFrame(columns=TRAINED)
    ledger = read_ledger(project.root / project.params.ledger)
    context = Context(
        methods=frozenset(load_methods(project.method_folders)),
        runs=frozenset(project.params.runs),
        datasets={p.name: frozenset(d) for p, d in project.params.protocols.items()},
    )
    return judge(ledger, table, context), compare_trained(ledger, table)
