"""The whole suite against adapters, and its short table."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sr_bench.conformance.adapter import BUILT_IN, load_adapter
from sr_bench.conformance.golden import load_golden
from sr_bench.conformance.matlab import run_matlab
from sr_bench.conformance.run import Result, Status, run_case

_WORST: tuple[Status, ...] = ("fails", "differs", "not run", "not offered", "agrees")


@dataclass(frozen=True)
class Outcome:
    """All results of one adapter, or why there are none."""

    adapter: str
    version: str
    results: tuple[Result, ...]
    not_run: str = ""

    @property
    def failed(self) -> int:
        """Cases that differ or fail."""
        return sum(r.status in ("differs", "fails") for r in self.results)


def run_adapter(name: str, data: Path) -> Outcome:
    """Run every case against one adapter.

    Raises:
        WrongUse: for an adapter that doesn't exist. A built-in one whose library isn't installed
            is an outcome that says so.
    """
    try:
        adapter = load_adapter(name)
    except ImportError as error:
        return Outcome(name, "", (), f"{name}: {error}; install it to compare with it")
    golden = (run_case(case, adapter) for case in load_golden().cases)
    return Outcome(name, _version(name), (*run_matlab(adapter, data), *golden))


def _version(name: str) -> str:
    """Of the distribution that a built-in adapter names, else nothing."""
    if name not in BUILT_IN:
        return ""
    module = importlib.import_module(f"{__package__}.adapters.{BUILT_IN[name]}")
    package: str = module.PACKAGE
    return f"{package} {importlib.metadata.version(package)}"


def short_table(outcomes: Sequence[Outcome]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows: a row a group of cases, a column an adapter; a cell is its worst case."""
    groups = dict.fromkeys(r.group for o in outcomes for r in o.results)
    rows = [[g, *(cell([r for r in o.results if r.group == g]) for o in outcomes)] for g in groups]
    return ["case", *(o.adapter for o in outcomes)], rows


def cell(results: Iterable[Result]) -> str:
    """The worst of several results, briefly."""
    listed = list(results)
    if not listed:
        return "not run"
    worst = min(listed, key=lambda r: (_WORST.index(r.status), -_size(r)))
    if worst.status == "not offered":
        return "-"
    if worst.status != "differs":
        return worst.status
    if worst.difference is None:
        return "other size or type"
    if worst.unit == "levels":
        share = max(r.share or 0 for r in listed)
        return f"{worst.difference:.3g} levels, {share:.0%}"
    digits = 4 if worst.unit == "dB" else 5
    return f"{worst.difference:+.{digits}f} {worst.unit}"


def _size(result: Result) -> float:
    return float("inf") if result.difference is None else abs(result.difference)
