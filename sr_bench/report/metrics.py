"""``reports/metrics.json``: the report in a few numbers, for ``dvc metrics show`` and ``diff``."""

from __future__ import annotations

import json
from pathlib import Path

from sr_bench.report.data import Report
from sr_bench.report.tables.published import VERDICTS
from sr_bench.support.files import write_text


def write_metrics(path: Path, report: Report) -> None:
    """Write how much was scored, and how many published numbers came out."""
    counts = report.reproduction["verdict"].value_counts()
    content = {
        "runs": int(report.cells["run"].nunique()),
        "cells": len(report.cells),
        "published": {verdict: int(counts.get(verdict, 0)) for verdict in VERDICTS},
    }
    write_text(path, json.dumps(content, indent=1) + "\n")
