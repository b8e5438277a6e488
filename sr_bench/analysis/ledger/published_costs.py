"""Published parameter counts and multiply-adds of networks: ``costs.csv`` beside a ledger."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from sr_bench.analysis.ledger.citations import read_citations
from sr_bench.support.errors import SrBenchError, unknown
from sr_bench.support.text_files import read_rows

_PRINTED = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?")
_REMEDY = "correct it (docs/ledger.md)"


class PublishedCost(NamedTuple):
    """What a source prints of a network: thousands of parameters, 10^9 multiply-adds.

    Multiply-adds are of an image of 1280 x 720, as nearly all papers count them. Both are texts
    as they are printed; empty where the source doesn't print it.
    """

    source: str
    method: str
    variant: str
    scale: str
    params_k: str
    macs_g: str
    where: str


def published_costs(ledgers: Iterable[Path]) -> tuple[PublishedCost, ...]:
    """The published costs beside several ledgers; none where there is no such file.

    Raises:
        SrBenchError: for a file that isn't such a table, a number that isn't one, or a source that
            isn't cited.
    """
    return tuple(cost for ledger in ledgers for cost in _read(ledger))


def _read(ledger: Path) -> list[PublishedCost]:
    path = ledger.with_name("costs.csv")
    if not path.is_file():
        return []
    columns = list(PublishedCost._fields)
    rows = read_rows(path, columns, columns, remedy=_REMEDY)
    citations, found = read_citations(ledger), []
    for line, fields in zip(rows.lines, rows.fields):
        cost = PublishedCost(**dict(zip(rows.columns, fields)))
        if cost.source not in citations:
            raise unknown("source", cost.source, citations, where=f"{path}:{line}")
        for text in filter(None, (cost.params_k, cost.macs_g)):
            if not _PRINTED.fullmatch(text):
                raise SrBenchError(
                    f"{path}:{line}: {text[:40]!r} isn't a number as it is printed; {_REMEDY}"
                )
        found.append(cost)
    return found
