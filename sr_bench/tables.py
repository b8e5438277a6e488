"""Scores as tables: cells from per-image rows, and the rule that no table mixes signatures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
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
    fewer images would be another test set. For the same reason the mean is infinite where an image
    is identical to its hr: :func:`identical` says which.
    """
    for protocol, rows in per_image.groupby("protocol"):
        require_one_signature(rows, f"the table of {protocol}")
    grouped = per_image.groupby([*CELL, "signature"], sort=False, dropna=False)
    table = grouped["value"].agg(value="mean", images="size").reset_index()
    whole = table.groupby(["run", "dataset", "protocol"], dropna=False)["images"].transform("max")
    return table.loc[table["images"] == whole, CELL_COLUMNS].reset_index(drop=True)


def identical(rows: pd.DataFrame) -> list[str]:
    """Which images make a mean infinite: one sentence for each set of them.

    Args:
        rows: ``image``, ``metric`` and ``value`` of one run, dataset and protocol.
    """
    found: dict[tuple[str, ...], list[str]] = {}
    for metric, of in rows.groupby("metric", sort=False):
        names = tuple(of.loc[np.isinf(of["value"]), "image"])
        if names:
            found.setdefault(names, []).append(str(metric))
    count = rows["image"].nunique()
    return [
        f"{len(names)} of {count} images {'is' if len(names) == 1 else 'are'} identical to hr: "
        f"{listed(names)}; the mean {' and '.join(metrics)} is infinite and does not compare"
        for names, metrics in found.items()
    ]


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
