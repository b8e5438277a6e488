"""The stamp of a report that is sent away: revision, date and dirty state, which content has not.

A stamp is not part of the reports: it changes while they don't, so git ignores it.
"""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sr_bench.report.provenance.records import PROVENANCE, STAMP
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import sha256, write_text
from sr_bench.support.version import __version__


def stamp(folder: Path, root: Path) -> dict[str, Any]:
    """Write ``stamp.json`` into ``folder`` and return what it says.

    Returns:
        ``revision``; ``dirty``, with the ``changed`` paths; ``date`` (UTC); ``sr_bench``; and the
        sha256 of ``provenance.json``, so that the stamp belongs to this content.

    Raises:
        SrBenchError: if there is no report, no git, or no commit yet.
    """
    provenance = folder / PROVENANCE
    if not provenance.is_file():
        raise SrBenchError(f"{provenance}: no such file; write the report first: sr-bench report")
    revision = _git(root, "rev-parse", "HEAD")
    status = _git(root, "status", "--porcelain").splitlines()
    changed = sorted(line[3:] for line in status if not line.endswith(STAMP))
    content = {
        "revision": revision,
        "dirty": bool(changed),
        "changed": changed,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "sr_bench": __version__,
        "provenance_sha256": sha256(provenance),
    }
    write_text(folder / STAMP, json.dumps(content, indent=1) + "\n")
    return content


def unstamp(folder: Path) -> None:
    """Remove an earlier stamp: what is written now is not what it was about."""
    (folder / STAMP).unlink(missing_ok=True)


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        why = " ".join(str(getattr(error, "stderr", None) or error).split())
        raise SrBenchError(
            f"{root}: git can't tell its revision ({why}); --stamp needs a clone with a commit"
        ) from error
    return said.stdout.rstrip()
