"""What differs between two tables of scores by more than ``tolerances.yaml`` allows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Annotated

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sr_bench.evaluation.scoring.table import CELL
from sr_bench.support.strict_yaml import read_yaml

MOVED, MISSING, NEW, SIGNATURE = "moved", "missing", "new", "signature"
NAN, COUNT = "not a number", "other images"
# The end of a signature: sr-bench:0.2.0.
_SOFTWARE = re.compile(r"\|sr-bench:[^|]*$")
OTHER = "other"
_KIND = ["weights", "protocol", "metric"]  # what a tolerance depends on
ByMetric = dict[str, Annotated[float, Field(ge=0)]]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Special(_Frozen):
    """What one protocol wants otherwise."""

    exact: ByMetric = {}
    network: ByMetric = {}


class Tolerances(_Frozen):
    """The content of ``tolerances.yaml``."""

    exact: ByMetric
    network: ByMetric
    protocols: dict[str, Special] = {}

    @model_validator(mode="after")
    def _every_metric_has_one(self) -> Tolerances:
        for kind in ("exact", "network"):
            if OTHER not in getattr(self, kind):
                raise ValueError(f"{kind} has no '{OTHER}', which metrics not named go by; add it")
        return self

    def of(self, *, weights: str, protocol: str, metric: str) -> float:
        """The tolerance of a cell: dB, similarity, or what the metric's unit is.

        Args:
            weights: as in ``scores.csv``; ``none`` is a run without a network.
            protocol, metric: names; unknown ones go by the general rule.
        """
        kind = "exact" if weights == "none" else "network"
        special = self.protocols.get(protocol, Special())
        table = getattr(self, kind) | getattr(special, kind)
        starts = [name for name in table if metric.startswith(name)]
        return float(table[max(starts, key=len, default=OTHER)])


@lru_cache(maxsize=1)
def load_tolerances() -> Tolerances:
    """Read and check the packaged ``tolerances.yaml``."""
    text = files("sr_bench.analysis.drift").joinpath("tolerances.yaml").read_text(encoding="utf-8")
    return Tolerances.model_validate(read_yaml(text))


def joined_on(
    keys: Sequence[str], before: pd.DataFrame, after: pd.DataFrame, tolerances: Tolerances
) -> pd.DataFrame:
    """Both tables joined: ``before``, ``after``, ``delta``, ``tolerance``, and who has the row.

    Equal values, infinite ones too, have a delta of 0.
    """
    merged = before.merge(
        after, on=list(keys), how="outer", suffixes=("_before", "_after"), indicator=True
    )
    merged = merged.rename(columns={"value_before": "before", "value_after": "after"})
    equal = merged["before"] == merged["after"]
    merged["delta"] = (merged["after"] - merged["before"]).where(~equal, 0.0)
    kinds = merged[_KIND].drop_duplicates()
    allowed = [
        tolerances.of(weights=w, protocol=p, metric=m) for w, p, m in kinds.itertuples(index=False)
    ]
    return merged.merge(kinds.assign(tolerance=allowed), on=_KIND, how="left")


def changes(joined: pd.DataFrame) -> pd.DataFrame:
    """The rows of :func:`joined_on` that are beyond their tolerance, with ``what`` happened.

    Returns:
        The rows with ``what``: ``moved``, ``missing``, ``new``, ``signature``
        (the same number claims another origin; the software's own version, which every release
        changes, doesn't count), ``not a number``, or ``other images`` (a mean over
        more or fewer).
    """
    table = joined.assign(what="")
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
