"""The tolerances of ``tolerances.yaml``."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sr_bench.support.strict_yaml import read_yaml

OTHER = "other"
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
