"""Scores as tables: cells from per-image rows, and the rule that no table mixes signatures."""

from __future__ import annotations

import pandas as pd

from sr_bench.columns import CELL, CELL_COLUMNS
from sr_bench.errors import SrBenchError


def require_one_signature(rows: pd.DataFrame, what: str) -> None:
    """Refuse to put numbers with different signatures into one table.

    Raises:
        SrBenchError: naming the signatures and the remedy.
    """
    signatures = sorted(rows["signature"].unique())
    if len(signatures) > 1:
        raise SrBenchError(
            f"{what} would mix {len(signatures)} signatures: {' and '.join(signatures)}; "
            "numbers made in different ways don't compare: score all of them again the same way"
        )


def cells(per_image: pd.DataFrame) -> pd.DataFrame:
    """Mean over the images of each cell.

    A metric that some image of a set lacks (chroma of a gray image) makes no cell: a mean over
    fewer images would be another test set.
    """
    for protocol, rows in per_image.groupby("protocol"):
        require_one_signature(rows, f"the table of {protocol}")
    grouped = per_image.groupby([*CELL, "signature"], sort=False, dropna=False)
    table = grouped["value"].agg(value="mean", images="size").reset_index()
    whole = table.groupby(["run", "dataset", "protocol"], dropna=False)["images"].transform("max")
    return table.loc[table["images"] == whole, CELL_COLUMNS].reset_index(drop=True)
