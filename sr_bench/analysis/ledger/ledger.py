"""The ledger: published numbers, and the verdict on each against what was measured."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pandas as pd

from sr_bench.analysis.ledger.citations import read_citations
from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.evaluation.scoring.table import DECIMALS
from sr_bench.project.project import Project
from sr_bench.support.errors import SrBenchError, unknown
from sr_bench.support.text_files import read_rows

COLUMNS = ["source", "method", "variant", "dataset", "scale", "metric", "value", "protocol", "note"]
# The ledger's own columns: the run family that the published number was made by, and the one with
# weights trained here that aims at it.
RUN, TRAINED_RUN = "run", "trained"
WHERE = "where"  # table, page or line of the source
CELL = ["source", "method", "variant", "dataset", "scale", "metric", "protocol"]
_PRINTED, _SCALE = (
    re.compile(r"[+-]?([0-9]{1,6}(\.[0-9]{1,12})?|\.[0-9]{1,12})"),
    re.compile(r"[2-8]"),
)
VERIFIABLE = "verifiable"  # "yes": a run of sr-bench measured the number, or could
COMMAND = "command"  # the sr-bench command that measures the number; or none
REPRODUCTION = [
    *CELL, "published", "measured", "delta", "verdict", "note", WHERE, VERIFIABLE, COMMAND
]  # fmt: skip
TRAINED = [*CELL, "published", "run", "measured", "delta"]


@dataclass(frozen=True)
class Context:
    """What this project can measure, to say why a row was not run."""

    methods: frozenset[str]
    runs: frozenset[str]
    datasets: dict[str, frozenset[str]]  # protocol -> datasets
    catalogue: Catalogue = field(default_factory=Catalogue.installed)
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # run -> more datasets
    missing: Mapping[str, str] = field(default_factory=dict)  # run or dataset -> what can't be had

    @classmethod
    def of(cls, project: Project) -> Context:
        """What a project can measure."""
        from sr_bench.networks.method_files import load_methods  # torch

        return cls(
            methods=frozenset(load_methods(project.method_folders)),
            runs=frozenset(project.params.runs),
            datasets={p.name: frozenset(d) for p, d in project.params.protocols.items()},
            catalogue=project.catalogue,
            also={name: run.also for name, run in project.params.runs.items()},
            missing=project.missing_files(),
        )


def read_ledger(path: Path, catalogue: Catalogue | None = None) -> pd.DataFrame:
    """Read the ledger; values stay text, so that their printed digits are known.

    The column ``where`` may be left out, and a protocol where none of ours scores so.

    Raises:
        SrBenchError: if the file is missing, or a column, a number, a protocol or a source is
            wrong; or if two rows are of one number.
    """
    return read_ledgers([path], catalogue)


def read_ledgers(paths: Sequence[Path], catalogue: Catalogue | None = None) -> pd.DataFrame:
    """Read several ledgers as one.

    Raises:
        SrBenchError: as :func:`read_ledger`; or for a number that two of them hold.
    """
    parts = [_read(path, catalogue) for path in paths]
    first: dict[tuple[object, ...], Path] = {}
    for path, part in zip(paths, parts):
        for cell in part[CELL].itertuples(index=False, name=None):
            other = first.setdefault(cell, path)
            if other != path:
                named = ", ".join(str(value) for value in cell if value)
                raise SrBenchError(f"{path}: {named} is in {other} too; remove one of them")
    return pd.concat(parts, ignore_index=True)


def _read(path: Path, catalogue: Catalogue | None) -> pd.DataFrame:
    columns = [*COLUMNS, RUN, TRAINED_RUN]
    remedy = "correct it (params.yaml: ledger names it)"
    rows = read_rows(path, [*columns, WHERE], columns, remedy=remedy)
    known = (catalogue or Catalogue.installed()).protocols.protocols
    citations = read_citations(path)
    seen: dict[tuple[str, ...], int] = {}
    for line, fields in zip(rows.lines, rows.fields):
        row = dict(zip(rows.columns, fields))
        _check_row(row, known, f"{path}:{line}")
        if citations and row["source"] not in citations:
            raise unknown("source", row["source"], citations, where=f"{path}:{line}")
        first = seen.setdefault(tuple(row.get(name, "") for name in (*CELL, WHERE)), line)
        if first != line:
            raise SrBenchError(f"{path}:{line}: is the number of line {first} again; remove one")
    table = rows.frame().astype({"scale": int})
    return table if WHERE in table else table.assign(**{WHERE: ""})


def _check_row(row: dict[str, str], known: Mapping[str, Protocol], where: str) -> None:
    if row["protocol"] and row["protocol"] not in known:
        raise unknown("protocol", row["protocol"], known, where=where)
    if not _PRINTED.fullmatch(row["value"]):
        raise SrBenchError(
            f"{where}: value is {row['value'][:40]!r}, expected the number as it is printed, 32.75"
        )
    if not _SCALE.fullmatch(row["scale"]):
        raise SrBenchError(
            f"{where}: scale is {row['scale'][:40]!r}, expected a number from 2 to 8"
        )


def judge(ledger: pd.DataFrame, measured: pd.DataFrame, context: Context) -> pd.DataFrame:
    """The reproduction table: every ledger row with its measured number and verdict.

    Returns:
        The columns of :data:`REPRODUCTION`. The verdict is ``reproduced`` (equal at the printed
        digits), ``close`` (within the protocol's tolerance), ``differs`` or ``not run``.
    """
    found = _lookup(measured)
    rows = [_judge_row(row, found, context) for row in ledger.to_dict("records")]
    return pd.DataFrame(rows, columns=REPRODUCTION)


def compare_trained(
    ledger: pd.DataFrame, measured: pd.DataFrame, catalogue: Catalogue | None = None
) -> pd.DataFrame:
    """What weights trained here reach, and the published numbers that they aim at.

    Returns:
        The columns of :data:`TRAINED`, one row for each published number that has been aimed at.
    """
    found = _lookup(measured)
    known = (catalogue or Catalogue.installed()).protocols.protocols
    rows = []
    for row in ledger.to_dict("records"):
        family, scale, published = row[TRAINED_RUN], row["scale"], row["value"]
        metric = published_metric(known.get(row["protocol"]), row["metric"])
        value = found.get((family, scale, row["dataset"], row["protocol"], metric))
        if value is not None:
            made = {"published": published, "run": f"{family}-x{scale}", "measured": value}
            rows.append(
                {k: row[k] for k in CELL}
                | made
                | {"delta": round(value - float(published), DECIMALS)}
            )
    return pd.DataFrame(rows, columns=TRAINED)


def equal_at_printed_digits(published: str, measured: float) -> bool:
    """Whether ``measured``, rounded half up to the digits of ``published``, is that number."""
    printed = Decimal(published)
    if not math.isfinite(measured):
        return False
    return Decimal(repr(measured)).quantize(printed, rounding=ROUND_HALF_UP) == printed


Key = tuple[str, int, str, str, str]  # family, scale, dataset, protocol, metric


def _lookup(measured: pd.DataFrame) -> dict[Key, float]:
    return {
        (_family(r.run), int(r.scale), r.dataset, r.protocol, r.metric): float(r.value)
        for r in measured.itertuples(index=False)
    }


def _family(run: str) -> str:
    return run.rpartition("-x")[0]


def _judge_row(row: dict[str, str], found: dict[Key, float], context: Context) -> dict[str, object]:
    protocol = context.catalogue.protocols.protocols.get(row["protocol"])
    metric = published_metric(protocol, row["metric"])
    key = (row[RUN], int(row["scale"]), row["dataset"], row["protocol"], metric)
    value = found.get(key)
    out: dict[str, object] = {k: row[k] for k in REPRODUCTION if k in row}
    out |= {"published": row["value"], "measured": value, "delta": None}
    never = _why_never(row, context)
    out[COMMAND] = "" if never else reproduce_command(row)
    out[VERIFIABLE] = "no" if value is None and never else "yes"
    if value is None or protocol is None:
        return out | {"verdict": "not run", "note": _join(_why_not_run(row, context), row["note"])}
    delta = round(value - float(row["value"]), DECIMALS)
    out["delta"] = delta
    if equal_at_printed_digits(row["value"], value):
        return out | {"verdict": "reproduced", "note": row["note"]}
    tolerance = protocol.tolerance.of(metric)
    verdict = "close" if abs(delta) <= tolerance else "differs"
    return out | {"verdict": verdict, "note": _join(row["note"], _elsewhere(row, metric, found))}


def reproduce_command(row: Mapping[str, str]) -> str:
    """The command that measures a row of the ledger, and others of its table, for a shell."""
    told = [(f"--{name}", str(row[name])) for name in ("dataset", "scale", "method")]
    return shlex.join(["sr-bench", "reproduce", row["source"], *(w for pair in told for w in pair)])


def published_metric(protocol: Protocol | None, metric: str) -> str:
    """The metric a published one is compared with: a table's SSIM may be another than Wang's."""
    return protocol.printed_ssim if protocol and metric == "ssim" else metric


def _elsewhere(row: dict[str, str], metric: str, found: dict[Key, float]) -> str:
    """Protocols under which the same run does give the printed digits."""
    same = [
        protocol
        for (family, scale, dataset, protocol, other), value in found.items()
        if (family, scale, dataset) == (row[RUN], int(row["scale"]), row["dataset"])
        and other in (metric, metric.partition("_")[0])
        and equal_at_printed_digits(row["value"], value)
    ]
    if not same:
        return ""
    return f"the printed digits come out under {' and '.join(dict.fromkeys(same))}"


def _why_never(row: dict[str, str], context: Context) -> str:
    """Why no run can measure the number; empty where one could."""
    if not row["protocol"]:
        return "no protocol of sr-bench is known to score it so"
    if row["dataset"] not in context.catalogue.sources:
        return f"{row['dataset']} is not a dataset that can be fetched"
    if row["method"] not in context.methods:
        return "sr-bench has no file for this method"
    return "" if row[RUN] else "the weights behind this row were not published"


def _why_not_run(row: dict[str, str], context: Context) -> str:
    dataset, protocol = row["dataset"], row["protocol"]
    run = f"{row[RUN]}-x{row['scale']}"
    if never := _why_never(row, context):
        return never
    for needed in (run, dataset):
        if needed in context.missing:
            return f"not run: {context.missing[needed]}"
    listed = (*context.datasets.get(protocol, ()), *context.also.get(run, ()))
    if dataset not in listed:
        return f"{dataset} is not among the datasets of {protocol} in params.yaml"
    if run not in context.runs:
        return "its weights are published, but no run of this project uses them"
    return f"its run has no score on {dataset} under {protocol}"


def _join(*parts: str) -> str:
    return "; ".join(p for p in parts if p)
