"""All machines' timings in one table."""

from __future__ import annotations

import pandas as pd

from sr_bench.project.project import Project
from sr_bench.timing.results import Results, results_files

COLUMNS = [
    "run",
    "machine",
    "device",
    "precision",
    "input",
    "median_s",
    "iqr_s",
    "rounds",
    "images_per_s",
    "peak_memory_mb",
    "params",
    "macs",
]


def timings_table(project: Project) -> pd.DataFrame:
    """The rows of ``reports/timings.csv``: every machine's, of the project's runs.

    ``macs`` is empty for datasets, whose images differ in size.

    Raises:
        SrBenchError: for a results file that can't be read.
    """
    rows: list[dict[str, object]] = []
    for path in results_files(project):
        results = Results.load(path)
        rows += [
            {"machine": results.machine.name, **row.model_dump()}
            for row in results.rows.values()
            if row.run in project.params.runs
        ]
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"macs": "Int64"})
    return table.sort_values(["run", "machine", "device", "precision", "input"], ignore_index=True)
