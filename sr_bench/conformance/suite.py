"""The whole suite against adapters, and its short table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sr_bench.conformance.adapter import load_adapter
from sr_bench.conformance.golden import load_golden
from sr_bench.conformance.matlab import run_matlab
from sr_bench.conformance.run import CaseResult, Status, run_case

_WORST: tuple[Status, ...] = ("fails", "differs", "not run", "not offered", "agrees")


@dataclass(frozen=True)
class SuiteResult:
    """All results of one adapter."""

    adapter: str
    version: str
    results: tuple[CaseResult, ...]

    @property
    def failed(self) -> int:
        """Cases that differ or fail."""
        return sum(r.status in ("differs", "fails") for r in self.results)


def run_adapter(name: str, data: Path) -> SuiteResult:
    """Run every case against one adapter.

    Raises:
        WrongUse: for an adapter that doesn't exist or can't be imported.
    """
    adapter = load_adapter(name)
    golden = (run_case(case, adapter) for case in load_golden().cases)
    return SuiteResult(name, adapter.version, (*run_matlab(adapter, data), *golden))


def short_table(suites: Sequence[SuiteResult]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows: a row a group of cases, a column an adapter; a cell is its worst case."""
    groups = dict.fromkeys(r.group for s in suites for r in s.results)
    rows = [[g, *(cell([r for r in s.results if r.group == g]) for s in suites)] for g in groups]
    return ["case", *(s.adapter for s in suites)], rows


def cell(results: Iterable[CaseResult]) -> str:
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
    digits = 5 if worst.unit == "SSIM" else 4
    return f"{worst.difference:+.{digits}f} {worst.unit}"


def _size(result: CaseResult) -> float:
    return float("inf") if result.difference is None else abs(result.difference)
