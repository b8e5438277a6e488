"""Who printed a number first, who copied it, and who copied it with other digits."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from sr_bench.analysis.ledger.citations import Citations
from sr_bench.analysis.ledger.ledger import equal_at_printed_digits
from sr_bench.support.errors import SrBenchError

_SUBJECT = ["method", "variant", "dataset", "scale", "metric"]
_QUOTED = "as quoted from the paper"  # ends the variant of a row that says that it copies
_FIRST_HAND, _MEASURED = _RAN = ("first hand", "measured")


class Subject(NamedTuple):
    """What a published number is about."""

    method: str
    variant: str
    dataset: str
    scale: int
    metric: str


class Print(NamedTuple):
    """One printing of a number.

    ``kind``: ``first hand``, the source presents the method; ``measured``, it ran the method;
    ``quoted``, it says that it copies; ``copied``, it prints what others measured.
    """

    source: str
    date: str
    value: str
    where: str
    kind: str


@dataclass(frozen=True)
class Line:
    """All printings of one number, the original first, then by date.

    The original is the print of the source that presents the method, else the earliest one.
    """

    subject: Subject
    protocol: str
    prints: tuple[Print, ...]

    @property
    def original(self) -> Print:
        """The print that the others are held against."""
        return self.prints[0]

    @property
    def copies(self) -> tuple[Print, ...]:
        """Prints of other sources that agree with it at the digits that both have."""
        return tuple(p for p in self._others if self._agrees(p))

    @property
    def measured_again(self) -> tuple[Print, ...]:
        """Prints of other digits by sources that ran the method themselves."""
        return tuple(p for p in self._others if not self._agrees(p) and p.kind in _RAN)

    @property
    def other_digits(self) -> tuple[Print, ...]:
        """Prints of other digits by sources that copied: from elsewhere, or wrongly."""
        return tuple(p for p in self._others if not self._agrees(p) and p.kind not in _RAN)

    @property
    def _others(self) -> tuple[Print, ...]:
        return tuple(p for p in self.prints if p.source != self.original.source)

    def _agrees(self, other: Print) -> bool:
        coarse, fine = sorted((self.original.value, other.value), key=_digits)
        return equal_at_printed_digits(coarse, float(fine))


def lineage(ledger: pd.DataFrame, citations: Citations) -> list[Line]:
    """The numbers of a ledger that more than one source prints, in the ledger's order.

    Rows are about the same number where method, variant, dataset, scale, metric and protocol are
    the same. A row whose variant is "as quoted from the paper" is about the method's first variant.

    Args:
        ledger: from :func:`~sr_bench.analysis.ledger.ledger.read_ledger`.
        citations: the dates of its sources.

    Raises:
        SrBenchError: for a source without a citation: its date isn't known.
    """
    missing = sorted(set(ledger["source"]) - set(citations))
    if missing:
        raise SrBenchError(
            f"no citation for {', '.join(missing)}; add them to citations.yaml beside the ledger"
        )
    quoted = ledger["variant"].str.endswith(_QUOTED)
    table = ledger.assign(quoted=quoted, variant=_named(ledger, quoted))
    return list(_lines(table, citations))


def _named(ledger: pd.DataFrame, quoted: pd.Series) -> pd.Series:
    """The variant that a row is about: one that a source only quotes is the method's first one."""
    bare = ledger["variant"].str.removesuffix(_QUOTED).str.strip()
    first = ledger[~quoted].groupby("method")["variant"].first()
    return bare.where(~quoted | (bare != ""), ledger["method"].map(first).fillna(""))


def _lines(table: pd.DataFrame, citations: Citations) -> Iterator[Line]:
    for (*subject, protocol), rows in table.groupby([*_SUBJECT, "protocol"], sort=False):
        if rows["source"].nunique() < 2:
            continue
        prints = (_print(row, citations) for row in rows.to_dict("records"))
        yield Line(Subject(*subject), protocol, tuple(sorted(prints, key=_original_first)))


def _print(row: Mapping[Hashable, Any], citations: Citations) -> Print:
    found = citations[row["source"]]
    copied = "quoted" if row["quoted"] else _MEASURED if found.measures else "copied"
    kind = _FIRST_HAND if row["method"] in found.introduces else copied
    return Print(row["source"], found.date, row["value"], row["where"], kind)


def _original_first(one: Print) -> tuple[bool, bool, str]:
    return one.kind != _FIRST_HAND, one.kind == "quoted", one.date


def _digits(value: str) -> int:
    return len(value.partition(".")[2])
