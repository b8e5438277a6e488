"""Accepting drift: the baseline becomes the fresh scores, and the changelog says why."""

from __future__ import annotations

import shutil
from pathlib import Path

from sr_bench.analysis.drift.check import DriftReport
from sr_bench.analysis.drift.render import changelog
from sr_bench.analysis.drift.snapshot import PER_IMAGE, PROVENANCE, SCORES
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.support.files import replacing, write_text

CHANGES = "CHANGES.md"
_HEAD = """# Changes of the scores

Every change of a committed score that was accepted with `sr-bench check --accept REASON`,
the newest first.
"""


def require_reason(reason: str) -> str:
    """The reason as one line.

    Raises:
        WrongUse: if it is empty.
    """
    line = " ".join(reason.split())
    if not line:
        raise WrongUse("--accept is empty; give the reason that the changelog shall name")
    return line


def accept(found: DriftReport, reason: str, *, folder: Path) -> Path:
    """Write the reason and what it accepts to ``folder/CHANGES.md``.

    Raises:
        SrBenchError: if nothing drifted.
    """
    if not found.drift:
        raise SrBenchError(f"nothing to accept: the scores agree with {found.before}")
    path = folder / CHANGES
    old = path.read_text(encoding="utf-8") if path.is_file() else _HEAD
    head, rest = (old[: len(_HEAD)], old[len(_HEAD) :]) if old.startswith(_HEAD) else (_HEAD, old)
    write_text(path, f"{head}\n## {reason}\n\n{changelog(found)}{rest}")
    return path


def update(baseline: Path, fresh: Path) -> list[Path]:
    """Copy fresh tables over a baseline that is a file or a folder; returns what was written."""
    source = fresh.parent if fresh.is_file() else fresh
    if baseline.is_file() and baseline.name != SCORES:
        return [_copied(fresh if fresh.is_file() else fresh / SCORES, baseline)]
    target = baseline.parent if baseline.is_file() else baseline
    names = [n for n in (SCORES, PER_IMAGE, PROVENANCE) if (source / n).is_file()]
    return [_copied(source / n, target / n) for n in names]


def _copied(source: Path, target: Path) -> Path:
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)
    return target
