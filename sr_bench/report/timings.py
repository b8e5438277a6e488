"""All machines' timings in one table, and what each precision gains over a plain PyTorch call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd

from sr_bench.project.project import Project
from sr_bench.timing.results import Results, TimingRow, results_files
from sr_bench.timing.setting import PLAIN, Setting

TIMINGS = [
    "run", "machine", "device", "precision", "input", "median_s", "iqr_s", "rounds",
    "images_per_s", "peak_memory_mb", "params", "macs", "psnr", "psnr_of", "not_known", "medians_s",
]  # fmt: skip
NETWORKS = ["run", "params", "macs", "not_known"]
SPEEDUPS = [
    "run", "machine", "device", "input", "precision", "median_s", "speedup", "psnr_difference",
    "gflops", "matrix_gflops", "of_matrix_rate",
]  # fmt: skip


def timings(project: Project) -> pd.DataFrame:
    """The rows of ``reports/timings.csv``: every machine's, of the project's runs.

    ``medians_s`` has the median of each process, with a space between.
    ``macs`` is empty for datasets, whose images differ in size; ``not_known`` says of other empty
    cells why they are.

    Raises:
        SrBenchError: for a results file that can't be read.
    """
    table = _table([_facts(results.machine.name, row) for results, row in _timed(project)])
    return table.sort_values(["run", "machine", "device", "precision", "input"], ignore_index=True)


def networks(project: Project, runs: Iterable[str]) -> pd.DataFrame:
    """What the network of each run costs for a frame: parameters and multiply-adds.

    Counted from the network's layers, whether it was timed or not; missing where its weights can't
    be had, and ``not_known`` says why.
    """
    from sr_bench.timing.network_costs import network_costs  # torch

    table = pd.DataFrame(network_costs(project, runs), columns=NETWORKS)
    return table.astype({"params": "Int64", "macs": "Int64", "not_known": str})


def places(project: Project) -> dict[tuple[str, str], str]:
    """What people call each machine and device that was timed: ``AMD EPYC (Zen 5), 1 core``.

    Two that would be called alike keep their fingerprint's name beside it.
    """
    found = {
        (results.machine.name, row.device): results.machine.place(row.device)
        for results, row in _timed(project)
    }
    titles = list(found.values())
    return {
        (name, device): title if titles.count(title) == 1 else f"{title} [{name}]"
        for (name, device), title in found.items()
    }


def rows_table(machine: str, rows: Iterable[TimingRow]) -> pd.DataFrame:
    """Rows of one machine in the columns of ``timings.csv``, as they come."""
    return _table([_facts(machine, row) for row in rows])


def _table(facts: list[dict[str, object]]) -> pd.DataFrame:
    table = pd.DataFrame(facts, columns=TIMINGS)
    return table.astype({"params": "Int64", "macs": "Int64", "not_known": str})


def speedups(project: Project) -> pd.DataFrame:
    """One row for each setting that was timed as a plain call (``float32-nchw``) as well.

    Only rows of one session and the same weights are compared.

    Returns:
        ``speedup``: the plain call's median time / this one's; ``psnr_difference``: this one's
        PSNR minus the plain call's, in dB, of the same images; ``of_matrix_rate``: the share of the
        machine's matrix rate in that precision, known for networks alone. The plain call has a row
        of its own.

    Raises:
        SrBenchError: for a results file that can't be read.
    """
    rows = []
    for results, row in _timed(project):
        plain = results.rows.get(Setting(row.run, row.device, PLAIN, row.input))
        if plain is not None and _comparable(row, plain):
            rows.append(_facts(results.machine.name, row) | _gain(row, plain))
    order = ["run", "machine", "device", "input", "median_s"]
    table = pd.DataFrame(rows, columns=SPEEDUPS)
    return table.sort_values(order, ascending=[True] * 4 + [False], ignore_index=True)


def _timed(project: Project) -> Iterator[tuple[Results, TimingRow]]:
    """Every row of a run of ``params.yaml``, with the results that it is from."""
    for path in results_files(project):
        results = Results.load(path)
        for row in results.rows.values():
            if row.run in project.params.runs:
                yield results, row


def _facts(machine: str, row: TimingRow) -> dict[str, object]:
    told = "; ".join(f"{name}: {why}" for name, why in row.not_known.items())
    apart = " ".join(f"{each:.12g}" for each in row.medians_s)
    return {"machine": machine, **row.model_dump(), "not_known": told, "medians_s": apart}


def _comparable(row: TimingRow, plain: TimingRow) -> bool:
    """Whether the two were timed in the same session, with the same weights."""
    return (row.session, row.weights_sha256) == (plain.session, plain.weights_sha256)


def _gain(row: TimingRow, plain: TimingRow) -> dict[str, object]:
    difference = None
    if row.psnr is not None and plain.psnr is not None and row.psnr_of == plain.psnr_of:
        difference = row.psnr - plain.psnr
    return {"speedup": plain.median_s / row.median_s, "psnr_difference": difference}
