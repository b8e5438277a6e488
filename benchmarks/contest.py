"""One benchmark: time a contender, after checking its values against ours."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

Values = dict[str, float]
Work = Callable[[], Values]


@dataclass(frozen=True)
class Contender:
    """A way to do the work of a group, and how far its values may lie from ours.

    ``make`` gets the work's input and returns a function without arguments, the one that is timed.
    It may skip (a rival that isn't installed).
    """

    name: str
    make: Callable[..., Callable[[], object]]
    within: Mapping[str, float] = field(default_factory=dict)  # metric -> largest |theirs - ours|
    why: str = ""  # where the values differ: the reason


def contest(
    benchmark: BenchmarkFixture,
    contender: Contender,
    work: Callable[[], object],
    differences: Values,
    *,
    rounds: int,
) -> None:
    """Check the contender's values, then time it; differences and load go into the JSON file."""
    near = {k: d <= contender.within.get(k, 0) for k, d in differences.items()}  # NaN isn't
    too_far = {k: d for k, d in differences.items() if not near[k]}
    assert not too_far, f"{contender.name} differs from ours by {too_far}"
    benchmark.extra_info.update(
        contender=contender.name, differences=differences, why=contender.why
    )
    benchmark.pedantic(work, rounds=rounds, warmup_rounds=1)  # type: ignore[no-untyped-call]
    benchmark.extra_info["load"] = os.getloadavg()[0]


def apart(theirs: Values, ours: Values) -> Values:
    """|theirs - ours| of each metric."""
    return {k: abs(theirs[k] - v) for k, v in ours.items()}


def contenders(*listed: Contender) -> pytest.MarkDecorator:
    """Run the benchmark once for each."""
    return pytest.mark.parametrize("contender", listed, ids=[c.name for c in listed])
