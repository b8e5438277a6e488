"""What each deviation costs: bicubic's number under it, less its number under the protocol."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sr_bench.analysis.explain.deviation import Deviation
from sr_bench.analysis.explain.deviations import DEVIATIONS
from sr_bench.analysis.explain.search import Watch
from sr_bench.analysis.explain.subject import bicubic_subject
from sr_bench.analysis.explain.way import Way
from sr_bench.data.catalogue.protocols import Protocol

METRICS = ("psnr", "ssim")


@dataclass(frozen=True)
class Cost:
    """One deviation, and what it adds to each metric at each scale; ``None`` where it can't be.

    An identical image makes a mean infinite: then there is no cost.
    """

    deviation: Deviation
    added: dict[tuple[str, int], float | None]


def costs(
    protocol: Protocol, hr: Sequence[tuple[str, Path]], scales: Sequence[int], *, watch: Watch
) -> list[Cost]:
    """Bicubic on these images under every deviation from one protocol."""
    base = Way.of(protocol)
    table: dict[str, Cost] = {}
    for scale in scales:
        subject = bicubic_subject("bicubic", hr, scale=scale)
        for metric in METRICS:
            changed = [(d, d.applied(base, metric)) for d in DEVIATIONS]
            ways = [(d, way) for d, way in changed if way is not None]
            all_ways = [base, *(way for _, way in ways)]
            with watch(f"{protocol} {metric} x{scale}", subject.steps(all_ways)) as progress:
                start, *found = subject.values(all_ways, metric, progress=progress)
            for (deviation, _), value in zip(ways, found):
                cost = table.setdefault(deviation.name, Cost(deviation, {}))
                cost.added[metric, scale] = _added(start, value)
    kept = [table[d.name] for d in DEVIATIONS if d.name in table]
    return [c for c in kept if any(v is not None for v in c.added.values())]


def _added(start: float | None, value: float | None) -> float | None:
    """What a deviation adds; ``None`` where a number is infinite."""
    if start is None or value is None or not math.isfinite(value - start):
        return None
    return value - start


def markdown(found: Sequence[Cost], scales: Sequence[int]) -> str:
    """A table for a page: PSNR in dB and SSIM, less the protocol's."""
    columns = [(m, s) for m in METRICS for s in scales]
    header = " | ".join(f"{m.upper()} x{s}" for m, s in columns)
    lines = [f"| name | deviation | {header} |", f"| --- | --- |{' ---: |' * len(columns)}"]
    for cost in found:
        cells = " | ".join(_cell(m, cost.added.get((m, s))) for m, s in columns)
        lines.append(f"| `{cost.deviation.name}` | {cost.deviation.text} | {cells} |")
    return "\n".join(lines)


def _cell(metric: str, added: float | None) -> str:
    if added is None:
        return ""
    return f"{added:+.3f}" if metric == "psnr" else f"{added:+.4f}"
