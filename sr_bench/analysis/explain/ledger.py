"""Explaining the rows of the ledger that were not reproduced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from sr_bench.analysis.explain.claim import Claim
from sr_bench.analysis.explain.question import Explanation, Question
from sr_bench.analysis.explain.runs import run_subject
from sr_bench.analysis.explain.search import Watch, explain
from sr_bench.analysis.ledger.ledger import RUN, read_ledgers
from sr_bench.project.project import Project
from sr_bench.support.errors import SrBenchError
from sr_bench.support.text_files import read_rows

_CELL = ["source", "method", "variant", "dataset", "scale"]
_ROW = [*_CELL, "metric", "protocol"]


@dataclass(frozen=True)
class DifferingRow:
    """A published number that differs, and others of the ledger that may explain it."""

    cell: Mapping[str, str]  # source, method, variant, dataset, scale, metric, protocol
    run: str  # the run that was compared with it
    claim: Claim  # its printed digits
    others: tuple[Claim, ...]  # the other metric that the same source prints for the same cell
    # cells for which the ledger has the same digits of the same method and metric
    elsewhere: tuple[str, ...]

    def __str__(self) -> str:
        c = self.cell
        return f"{c['source']}: {c['method']} on {c['dataset']} x{c['scale']}, {self.claim}"


def differing_rows(project: Project) -> list[DifferingRow]:
    """The ledger's rows whose verdict in ``reports/reproduction.csv`` is ``differs``.

    Raises:
        SrBenchError: if the project has no ledger or no report, or the report is of another ledger.
    """
    path = project.reports / "reproduction.csv"
    if not project.ledgers or not path.is_file():
        raise SrBenchError(f"{path}: no such file; explain --ledger reads it: run sr-bench report")
    ledger = read_ledgers(project.ledgers, project.catalogue)
    report = read_rows(path, remedy="write it anew: sr-bench report").frame()
    if not {"published", "verdict"} <= set(report.columns):
        raise SrBenchError(f"{path}: has no columns published and verdict; run sr-bench report")
    if list(report["published"]) != list(ledger["value"]):
        raise SrBenchError(
            f"{path}: made of another ledger than {project.params.ledger} now; run sr-bench report"
        )
    different = report["verdict"] == "differs"
    return [_row(record, ledger) for record in ledger[different.to_numpy()].to_dict("records")]


def _row(record: Mapping[str, str], ledger: pd.DataFrame) -> DifferingRow:
    claim = Claim(record["metric"], record["value"])
    same_cell = (ledger[_CELL] == [record[k] for k in _CELL]).all(axis=1)
    printed = ledger[same_cell & ledger["metric"].isin(["psnr", "ssim"])]
    others = {(m, v) for m, v in zip(printed["metric"], printed["value"])} - {
        (claim.metric, claim.printed)
    }
    return DifferingRow(
        {k: str(record[k]) for k in _ROW},
        f"{record[RUN]}-x{record['scale']}",
        claim,
        tuple(Claim(*c) for c in sorted(others) if c[0] != claim.metric),
        tuple(_elsewhere(record, ledger)),
    )


def _elsewhere(record: Mapping[str, str], ledger: pd.DataFrame) -> Iterator[str]:
    keys = ["method", "metric", "value"]
    same = ledger[(ledger[keys] == [record[k] for k in keys]).all(axis=1)]
    for r in same.to_dict("records"):
        if (r["dataset"], r["scale"]) != (record["dataset"], record["scale"]):
            yield f"{r['dataset']} x{r['scale']} in {r['source']}"


def explain_row(project: Project, row: DifferingRow, *, watch: Watch) -> Explanation:
    """Look for the way that gives the row's digits, best with those of the cell's other metric.

    Deviations start from the row's protocol, one at a time.

    Raises:
        SrBenchError: if the run's images aren't there.
    """
    run = project.run(row.run)
    dataset = project.dataset(row.cell["dataset"])
    subject = run_subject(project, run, dataset, upscale=False)
    protocol = project.catalogue.protocols.find(row.cell["protocol"])
    known = project.catalogue.protocols.protocols
    both = Question(subject, (row.claim, *row.others), protocol, limit=1, known=known)
    answer = explain(both, watch=watch)
    if answer.fitting or not row.others:
        return answer
    return explain(Question(subject, (row.claim,), protocol, limit=1, known=known), watch=watch)
