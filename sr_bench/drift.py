"""Comparing fresh scores with the committed ones, cell by cell."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sr_bench.columns import CELL, CELL_COLUMNS
from sr_bench.errors import SrBenchError, about

TOLERANCE = {"psnr": 0.001, "ssim": 0.00005}


def read_scores(path: Path) -> pd.DataFrame:
    """Read a ``scores.csv``; empty variants stay empty text.

    Raises:
        SrBenchError: if it is missing, isn't CSV, or has other columns.
    """
    if not path.is_file():
        raise SrBenchError(f"{path}: no such file; make it with: dvc repro")
    with about(path):
        table = pd.read_csv(path, keep_default_na=False)
    if list(table.columns) != CELL_COLUMNS:
        raise SrBenchError(
            f"{path}: columns are {', '.join(table.columns)}; expected {', '.join(CELL_COLUMNS)}"
        )
    with about(path):
        return table.astype({"scale": int, "value": float, "images": int})


def drift(baseline: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    """The cells that moved, came or went.

    Returns:
        One row per such cell: its key, ``before``, ``after``, ``delta`` and ``what`` (``moved``,
        ``missing``, ``new``, or ``signature`` where the same number now claims another origin).
        Tolerances are :data:`TOLERANCE`: 0.001 dB, 0.00005 SSIM.
    """
    merged = baseline.merge(fresh, on=CELL, how="outer", suffixes=("_before", "_after"))
    merged["delta"] = merged["value_after"] - merged["value_before"]
    allowed = [TOLERANCE["ssim" if m.startswith("ssim") else "psnr"] for m in merged["metric"]]
    merged["what"] = ""
    merged.loc[merged["signature_before"] != merged["signature_after"], "what"] = "signature"
    equal = (merged["value_before"] == merged["value_after"]) | (merged["delta"].abs() <= allowed)
    equal &= merged["images_before"] == merged["images_after"]
    merged.loc[~equal, "what"] = "moved"
    merged.loc[merged["value_after"].isna(), "what"] = "missing"
    merged.loc[merged["value_before"].isna(), "what"] = "new"
    columns = {"value_before": "before", "value_after": "after"}
    moved = merged[merged["what"] != ""].rename(columns=columns)
    return moved[[*CELL, "before", "after", "delta", "what"]].reset_index(drop=True)
