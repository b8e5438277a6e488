"""The published numbers nearest to a measured one, for the same protocol, dataset and scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sr_bench.analysis.ledger.ledger import equal_at_printed_digits, read_ledger
from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.support.packaged import packaged_ledger

if TYPE_CHECKING:
    from sr_bench.analysis.ledger.titles import NetworkNames


@dataclass(frozen=True)
class PublishedNumber:
    """A published number, and what it is of."""

    source: str
    method: str
    variant: str
    value: str  # as it is printed

    def label(self, names: NetworkNames) -> str:
        """What people call it: ``EDSR baseline 64x16 32.09``."""
        return f"{names.network(self.method, self.variant)} {self.value}"


@dataclass(frozen=True)
class Cell:
    """Where a number stands: those of another protocol, dataset, scale or metric don't compare."""

    protocol: str
    dataset: str
    scale: int
    metric: str = "psnr"


@dataclass(frozen=True)
class Neighbours:
    """Published numbers beside a measured one; each may be missing."""

    above: PublishedNumber | None = None
    equal: PublishedNumber | None = None  # at the printed digits
    below: PublishedNumber | None = None


def published_numbers(own: Sequence[Path] = (), catalogue: Catalogue | None = None) -> pd.DataFrame:
    """The published numbers that come with sr-bench, and a project's.

    Args:
        own: the project's ledgers.
        catalogue: whose protocols they are of.

    Raises:
        SrBenchError: if a file is missing or damaged.
    """
    numbers = [read_ledger(path, catalogue) for path in ledgers_with_packaged(own)]
    return pd.concat(numbers, ignore_index=True).drop_duplicates()


def ledgers_with_packaged(own: Sequence[Path] = ()) -> list[Path]:
    """A project's ledgers, and the one that comes with sr-bench."""
    return list(
        dict.fromkeys(path.resolve() for path in (*own, packaged_ledger()))
    )  # one, in a clone


def neighbours(numbers: pd.DataFrame, cell: Cell, value: float) -> Neighbours:
    """Of a table of published numbers the nearest at each side of ``value``.

    Args:
        numbers: from :func:`published_numbers`, or :func:`~.ledger.read_ledger`.
        cell: protocol, dataset, scale and metric, of which higher is better.
        value: what was measured.

    Returns:
        The nearest number above and below, and the first that is equal at its printed digits.
    """
    same = numbers
    for key, wanted in asdict(cell).items():
        same = same[same[key] == wanted]
    found = [
        PublishedNumber(str(r.source), str(r.method), str(r.variant), str(r.value))
        for r in same.itertuples(index=False)
    ]
    equal = [n for n in found if equal_at_printed_digits(n.value, value)]
    others = [n for n in found if n not in equal]
    return Neighbours(
        min((n for n in others if float(n.value) > value), key=_number, default=None),
        equal[0] if equal else None,
        max((n for n in others if float(n.value) < value), key=_number, default=None),
    )


def _number(published: PublishedNumber) -> float:
    return float(published.value)
