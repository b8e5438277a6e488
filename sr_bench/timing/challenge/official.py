"""The official scores of the challenges, which are data with their source."""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib.resources import files
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, TypeAdapter

from sr_bench.support.errors import unknown
from sr_bench.support.strict_yaml import read_yaml

BASELINE = 0  # the baseline's number in every year
Quantity = Literal["runtime", "flops", "params"]


class Cost(NamedTuple):
    """What a network costs; ``None`` where it isn't known."""

    runtime: float | None
    flops: float | None
    params: float | None


class Official(BaseModel):
    """The score of a year; without weights its repository has no formula."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    commit: str
    where: str
    baseline: str
    weights: dict[Quantity, float]
    psnr: dict[str, float]

    def score(self, cost: Cost, baseline: Cost) -> float | None:
        """The score beside that of the baseline on the same machine: e^2 for the baseline itself.

        ``None`` where a quantity isn't known, or there is no formula.
        """
        terms = []
        for name, weight in self.weights.items():
            value, reference = getattr(cost, name), getattr(baseline, name)
            if value is None or not reference:
                return None
            terms.append(weight * math.exp(min(2 * value / reference, 700)))
        return sum(terms) if terms else None


def officials() -> Mapping[int, Official]:
    """The score of each year."""
    text = files(__package__).joinpath("official.yaml").read_text(encoding="utf-8")
    return TypeAdapter(dict[int, Official]).validate_python(read_yaml(text))


def official_of(year: int | None) -> Official | None:
    """The score of a year; ``None`` where the year isn't known.

    Raises:
        WrongUse: for a year that isn't listed.
    """
    if year is None:
        return None
    known = officials()
    if year not in known:
        raise unknown("year", str(year), map(str, known), where="the official scores")
    return known[year]
