"""What a precision gains over a plain PyTorch call, and what it costs in PSNR."""

from __future__ import annotations

import pandas as pd

from sr_bench.project.project import Project
from sr_bench.timing.results import Results, TimingRow, results_files
from sr_bench.timing.setting import PLAIN, Setting

COLUMNS = [
    "run",
    "machine",
    "device",
    "input",
    "precision",
    "median_s",
    "speedup",
    "psnr_difference",
    "gflops",
    "matrix_gflops",
    "of_matrix_rate",
]


def speedups(project: Project) -> pd.DataFrame:
    """One row for each setting that was timed as a plain call (``float32-nchw``) as well.

    Returns:
        ``speedup``: the plain call's median time by this one's; ``psnr_difference``: this one's
        PSNR less the plain call's, in dB, of the same images; ``of_matrix_rate``: the share of the
        machine's matrix rate in that precision, known for networks alone. The plain call has a row
        of its own. Only rows of one session and the same weights are put beside each other.

    Raises:
        SrBenchError: for a results file that can't be read.
    """
    rows: list[dict[str, object]] = []
    for path in results_files(project):
        results = Results.load(path)
        for row in results.rows.values():
            plain = results.rows.get(Setting(row.run, row.device, PLAIN, row.input))
            if plain is not None and row.run in project.params.runs and _beside(row, plain):
                facts = {"machine": results.machine.name, **row.model_dump(), **_gain(row, plain)}
                rows.append(facts)
    order = ["run", "machine", "device", "input", "median_s"]
    ascending = [True, True, True, True, False]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values(order, ascending=ascending, ignore_index=True)


def _beside(row: TimingRow, plain: TimingRow) -> bool:
    """Whether the two were timed in the same session, with the same weights."""
    return (row.session, row.weights_sha256) == (plain.session, plain.weights_sha256)


def _gain(row: TimingRow, plain: TimingRow) -> dict[str, float | None]:
    difference = None
    if row.psnr is not None and plain.psnr is not None and row.psnr_of == plain.psnr_of:
        difference = row.psnr - plain.psnr
    return {"speedup": plain.median_s / row.median_s, "psnr_difference": difference}
