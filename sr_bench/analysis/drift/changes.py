"""What differs between two tables of scores: cells and images that moved, came or went."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from sr_bench.analysis.drift.tolerance import Tolerances
from sr_bench.evaluation.scoring.table import CELL

MOVED, MISSING, NEW, SIGNATURE, NAN, COUNT = (
    "moved",
    "missing",
    "new",
    "signature",
    "not a number",
    "other images",
)
# The end of a signature: sr-bench:0.2.0.
_SOFTWARE = re.compile(r"\|sr-bench:[^|]*$")


def joined_on(keys: Sequence[str], before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Both tables joined: ``before``, ``after``, ``delta``, and which table has the row.

    Equal values, infinite ones too, have a delta of 0.
    """
    merged = before.merge(
        after, on=list(keys), how="outer", suffixes=("_before", "_after"), indicator=True
    )
    merged = merged.rename(columns={"value_before": "before", "value_after": "after"})
    equal = merged["before"] == merged["after"]
    merged["delta"] = (merged["after"] - merged["before"]).where(~equal, 0.0)
    return merged


def changes(joined: pd.DataFrame, tolerances: Tolerances) -> pd.DataFrame:
    """The rows of :func:`joined_on` that are beyond their tolerance, with ``what`` happened.

    Returns:
        The rows with ``tolerance`` and ``what``: ``moved``, ``missing``, ``new``, ``signature``
        (the same number claims another origin; the software's own version, which every release
        changes, doesn't count), ``not a number``, or ``other images`` (a mean over
        more or fewer).
    """
    table = joined.assign(
        tolerance=[
            tolerances.of(weights=w, protocol=p, metric=m)
            for w, p, m in zip(joined["weights"], joined["protocol"], joined["metric"])
        ],
        what="",
    )
    within = table["delta"].abs() <= table["tolerance"]
    first, second = (
        table[f"signature_{state}"].astype(str).str.replace(_SOFTWARE, "", regex=True)
        for state in ("before", "after")
    )
    table.loc[first != second, "what"] = SIGNATURE
    if "images_before" in table:
        table.loc[table["images_before"] != table["images_after"], "what"] = COUNT
    table.loc[~within, "what"] = MOVED
    table.loc[table["before"].isna() | table["after"].isna(), "what"] = NAN
    table.loc[table["_merge"] == "left_only", "what"] = MISSING
    table.loc[table["_merge"] == "right_only", "what"] = NEW
    return table[table["what"] != ""].reset_index(drop=True)


def of_known_cells(images: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Changed images, without those of cells that came or went as a whole."""
    gone = cells[cells["what"].isin([MISSING, NEW])][CELL]
    marked = images.merge(gone, on=CELL, how="left", indicator="_cell")
    kept = marked[marked["_cell"] == "left_only"].drop(columns="_cell")
    return kept.reset_index(drop=True)
