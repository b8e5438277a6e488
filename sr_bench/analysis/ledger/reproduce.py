"""Published numbers measured at once: fetch, upscale and score what they are about, and judge."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd

from sr_bench.analysis.ledger.ledger import RUN, Context, judge
from sr_bench.evaluation.evaluating.candidate import Candidate, CandidateOptions
from sr_bench.evaluation.evaluating.evaluate import Evaluation, evaluate
from sr_bench.evaluation.evaluating.parts import Part, parts_of
from sr_bench.evaluation.evaluating.published_runs import PublishedRuns
from sr_bench.evaluation.evaluating.results import results_of
from sr_bench.evaluation.evaluating.sets import TestSet
from sr_bench.evaluation.evaluating.work import Fault
from sr_bench.project.entries import Run
from sr_bench.support.errors import SrBenchError, unknown

FIRST = "Set5"  # the dataset that is measured where none is asked for
_MEASURED = ["run", "scale", "dataset", "protocol", "metric", "value", "signature"]


@dataclass(frozen=True)
class AskedNumbers:
    """Which published numbers.

    Args:
        source: who printed them, as the ledger calls it.
        datasets: of these; empty: Set5, or the first one that the source has.
        scales: of these; empty: all.
        methods: of these; empty: all.
    """

    source: str
    datasets: tuple[str, ...] = ()
    scales: tuple[int, ...] = ()
    methods: tuple[str, ...] = ()

    def rows(self, ledger: pd.DataFrame) -> pd.DataFrame:
        """Their rows of the ledger.

        Raises:
            WrongUse: for a name that the ledger doesn't have of that source.
        """
        rows = _only(ledger, "source", [self.source], "the ledger")
        where = f"the numbers of {self.source}"
        rows = _only(rows, "method", self.methods, where)
        rows = _only(rows, "scale", self.scales, where)
        if self.datasets:
            return _only(rows, "dataset", self.datasets, where)
        there = list(rows["dataset"].unique())
        return rows[rows["dataset"] == (FIRST if FIRST in there else there[0])]


def _only(rows: pd.DataFrame, column: str, wanted: Iterable[object], where: str) -> pd.DataFrame:
    names = [str(name) for name in wanted]
    values = rows[column].astype(str)
    for name in names:
        if name not in set(values):
            raise unknown(column, name, set(values), where=where)
    return rows[values.isin(names)] if names else rows


@dataclass(frozen=True)
class Reproduced:
    """What came of it.

    Args:
        rows: of the reproduction table, each with the ``signature`` of what was measured.
        faults: what could not be measured, and why.
    """

    rows: pd.DataFrame
    faults: tuple[str, ...]


def reproduce(
    rows: pd.DataFrame,
    known: PublishedRuns,
    options: CandidateOptions,
    *,
    watch: Callable[[int], Callable[[int], None]] = lambda _: lambda _: None,
) -> Reproduced:
    """Measure rows of the ledger and judge each.

    Args:
        rows: of :meth:`AskedNumbers.rows`.
        known: where runs, weights and datasets come from.
        options: how models are called.
        watch: called with the number of images to come; returns what is called after each.
    """
    runs = {name: run for name in _runs(rows) if (run := known.find(name)) is not None}
    parts, faults = _parts(_measurable(rows, runs, known), runs, known, options)
    evaluation = evaluate(parts, progress=watch(sum(part.calls for part in parts)))
    measured = _cells(parts, evaluation)
    judged = judge(rows, measured, _context(rows, runs, known))
    keys = ["scale", "dataset", "protocol"]
    signatures = measured.drop_duplicates(keys).set_index(keys)["signature"]
    told = [signatures.get(tuple(row), "") for row in judged[keys].itertuples(index=False)]
    return Reproduced(judged.assign(signature=told), (*faults, *map(_said, evaluation.faults)))


def _runs(rows: pd.DataFrame) -> dict[str, None]:
    return dict.fromkeys(
        f"{row[RUN]}-x{row['scale']}" for row in rows.to_dict("records") if row[RUN]
    )


def _measurable(
    rows: pd.DataFrame, runs: dict[str, Run], known: PublishedRuns
) -> dict[tuple[str, str], dict[str, None]]:
    """Run and dataset, each with the protocols that its numbers are of."""
    work: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows.to_dict("records"):
        run = f"{row[RUN]}-x{row['scale']}"
        if row["protocol"] and run in runs and row["dataset"] in known.catalogue.sources:
            work.setdefault((run, row["dataset"]), {})[row["protocol"]] = None
    return work


def _parts(
    work: dict[tuple[str, str], dict[str, None]],
    runs: dict[str, Run],
    known: PublishedRuns,
    options: CandidateOptions,
) -> tuple[list[Part], list[str]]:
    """What is computed; what can't be had costs no other."""
    parts: list[Part] = []
    faults: dict[str, None] = {}
    sets: dict[str, TestSet] = {}
    candidates: dict[str, Candidate] = {}
    for (name, dataset), protocols in work.items():
        try:
            if dataset not in sets:
                sets[dataset] = known.test_set(dataset)
            if name not in candidates:
                candidates[name] = known.candidate(runs[name], options)
        except SrBenchError as error:
            faults[str(error)] = None
            continue
        rules = [known.catalogue.protocols.find(protocol) for protocol in protocols]
        parts += parts_of([candidates[name]], [sets[dataset]], rules)
    return parts, list(faults)


def _cells(parts: list[Part], evaluation: Evaluation) -> pd.DataFrame:
    rows = [
        (r.candidate.name, r.candidate.scale, r.test_set.name, r.protocol.name, metric, value,
         r.signature)
        for r in results_of(parts, evaluation) if r.whole
        for metric, value in r.means.items()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=_MEASURED)


def _context(rows: pd.DataFrame, runs: dict[str, Run], known: PublishedRuns) -> Context:
    every = frozenset(rows["dataset"])
    return Context(
        frozenset(known.methods),
        frozenset(runs),
        dict.fromkeys(rows["protocol"].unique(), every),
        known.catalogue,
    )


def _said(fault: Fault) -> str:
    where = "/".join(part for part in (fault.dataset, fault.image) if part)
    return f"{fault.model} on {where}: {fault.reason}"
