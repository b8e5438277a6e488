"""Print pytest-benchmark's JSON as Markdown: medians, and ratios to ours of the same run.

``python -m benchmarks.ratios build/benchmarks.json``
"""

from __future__ import annotations

import json
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

from . import rates

OURS = "sr_bench"
HEAD = (
    "| | median ms | IQR ms | times ours | differences above 1e-9 | why |\n"
    "| --- | ---: | ---: | ---: | --- | --- |"
)


def report(run: dict[str, Any]) -> str:
    """The machine, then one table a group, in the order in which they ran."""
    benches = [b for b in run["benchmarks"] if "contender" in b["extra_info"]]
    tables = [
        _table(g, list(listed), run) for g, listed in groupby(benches, key=lambda b: b["group"])
    ]
    loads = [b["extra_info"]["load"] for b in benches]
    load = f"Load average during the run: {min(loads):.1f} to {max(loads):.1f}."
    return "\n\n".join([f"{_machine(run['machine_info'])} {load}", *tables])


def _machine(info: dict[str, Any]) -> str:
    versions = ", ".join(f"{k} {v}" for k, v in info["versions"].items())
    brand = info.get("cpu", {}).get("brand_raw", info["machine"])
    matrices = f"; bf16: {info['bf16']}" if info.get("bf16") else ""
    return (
        f"{brand}, {info['cores_in_use']} cores ({', '.join(info['simd'])}{matrices}), "
        f"{info['system']}, "
        f"Python {info['python_version']}; {versions}."
    )


def _table(group: str, benches: list[dict[str, Any]], run: dict[str, Any]) -> str:
    medians = [b["stats"]["median"] for b in benches if b["extra_info"]["contender"] == OURS]
    ours, kind = medians[0] if medians else None, benches[0]["extra_info"].get("kind")
    head = rates.head(kind) if kind else HEAD
    rows = [rates.row(b, ours, run) if kind else _row(b, ours) for b in benches]
    where = {b["extra_info"].get("images") for b in benches} - {None}
    title = f"**{group}**" + "".join(f" (images: {w})" for w in sorted(where))
    return "\n".join([title, "", head, *rows])


def _row(bench: dict[str, Any], ours: float | None) -> str:
    extra, stats = bench["extra_info"], bench["stats"]
    ratio = f"{stats['median'] / ours:.2f}" if ours else "?"
    far = ", ".join(f"{k} {_short(v)}" for k, v in extra["differences"].items() if v > 1e-9)
    cells = [extra["contender"], f"{stats['median'] * 1e3:.1f}", f"{stats['iqr'] * 1e3:.1f}"]
    return "| " + " | ".join([*cells, ratio, far or "none", extra["why"]]) + " |"


def _short(value: float) -> str:
    return f"{value:.0e}" if value < 1e-3 else f"{value:.3g}"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m benchmarks.ratios FILE.json")
    print(report(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
