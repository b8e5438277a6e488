"""The ledger as JSON for other programs, with a schema: numbers, sources, verdicts, lineage."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from sr_bench.analysis.ledger.citations import Citation, Citations
from sr_bench.analysis.ledger.ledger import RUN, VERIFIABLE
from sr_bench.analysis.ledger.lineage import Line, Print

FORMAT: Final = "sr-bench-ledger/1"
Verdict = Literal["reproduced", "close", "differs", "not run"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PublishedRow(_Part):
    """A published number, as it is printed, and what this project makes of it.

    ``verifiable``: a run of sr-bench measured the number, or could; else it is only known.
    """

    source: str
    where: str
    method: str
    variant: str
    dataset: str
    scale: int
    metric: str
    value: str
    protocol: str | None
    run: str | None
    verifiable: bool
    verdict: Verdict
    measured: float | None
    note: str


class SourceFacts(Citation):
    """A source of published numbers, with the address that leads to it."""

    address: str


class PrintFacts(_Part):
    """One printing of a number."""

    source: str
    date: str
    value: str
    where: str
    kind: Literal["first hand", "measured", "quoted", "copied"]


class LineFacts(_Part):
    """All printings of one number: the original, and what the others made of it."""

    method: str
    variant: str
    dataset: str
    scale: int
    metric: str
    protocol: str | None
    original: PrintFacts
    copies: tuple[PrintFacts, ...]
    measured_again: tuple[PrintFacts, ...]
    other_digits: tuple[PrintFacts, ...]


class Counts(_Part):
    """How many numbers are known, and how many of them a run measured, or could."""

    known: int
    verifiable: int
    verdicts: dict[Verdict, int]


class LedgerFile(_Part):
    """The whole file. Another ``format`` has other fields."""

    format: Literal["sr-bench-ledger/1"] = FORMAT
    software: str
    counts: Counts
    sources: dict[str, SourceFacts]
    numbers: tuple[PublishedRow, ...]
    lineage: tuple[LineFacts, ...]


def ledger_file(
    ledger: pd.DataFrame, judged: pd.DataFrame, citations: Citations, lines: Sequence[Line], *,
    software: str,
) -> LedgerFile:  # fmt: skip
    """The file of a ledger.

    Args:
        ledger: from :func:`~.ledger.read_ledgers`.
        judged: from :func:`~.ledger.judge`, row by row.
        citations: of its sources.
        lines: from :func:`~.lineage.lineage`.
        software: name and version of what writes it.
    """
    runs = [f"{r}-x{s}" if r else "" for r, s in zip(ledger[RUN], ledger["scale"])]
    rows = judged.assign(run=runs).to_dict("records")
    verdicts: dict[Verdict, int] = dict(judged["verdict"].value_counts())
    return LedgerFile(
        software=software,
        counts=Counts(
            known=len(judged),
            verifiable=int((judged[VERIFIABLE] == "yes").sum()),
            verdicts={verdict: int(count) for verdict, count in verdicts.items()},
        ),
        sources={
            name: SourceFacts(**found.model_dump(), address=found.link)
            for name, found in citations.items()
        },
        numbers=tuple(_row(row) for row in rows),
        lineage=tuple(_line(line) for line in lines),
    )


def _row(row: Mapping[Any, Any]) -> PublishedRow:
    measured = row["measured"]
    told = {name: row[name] for name in PublishedRow.model_fields if name in row}
    return PublishedRow.model_validate(
        told
        | {
            "value": row["published"],
            "protocol": row["protocol"] or None,
            "run": row["run"] or None,
            "verifiable": row[VERIFIABLE] == "yes",
            "measured": measured if measured is not None and math.isfinite(measured) else None,
        }
    )


def _line(line: Line) -> LineFacts:
    return LineFacts(
        **line.subject._asdict(),
        protocol=line.protocol or None,
        original=_print(line.original),
        copies=tuple(map(_print, line.copies)),
        measured_again=tuple(map(_print, line.measured_again)),
        other_digits=tuple(map(_print, line.other_digits)),
    )


def _print(one: Print) -> PrintFacts:
    return PrintFacts.model_validate(one._asdict())
