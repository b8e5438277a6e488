"""Which numbers of a column are best and second."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeGuard

from sr_bench.analysis.metrics import describe_metric
from sr_bench.report.tables.model import Cell, Grade, Number


def graded(cells: Sequence[Cell], *, metric: str) -> list[Cell]:
    """The cells of one column and group with their grades.

    Ties at the printed digits share a grade. Best is what no other beats, second what exactly one
    beats, among three or more. Where all numbers are equal, or there is one alone,
    nothing is best. An infinite mean (an image is identical to its hr) has no grade: one image
    would outweigh all others.
    """
    sign = 1 if describe_metric(metric).higher_is_better else -1
    ranks = [sign * Decimal(c.text) if _is_number(c) else None for c in cells]
    others = sorted(rank for rank in ranks if rank is not None)
    return [
        replace(cell, grade=_grade(rank, others)) if _is_number(cell) and rank is not None else cell
        for cell, rank in zip(cells, ranks)
    ]


def _is_number(cell: Cell) -> TypeGuard[Number]:
    return isinstance(cell, Number) and math.isfinite(cell.value)


def _grade(rank: Decimal, others: Sequence[Decimal]) -> Grade:
    """The grade of a rank among those of its column, in ascending order."""
    better, worse = len(others) - bisect_right(others, rank), bisect_left(others, rank)
    if better == 0 and worse:
        return Grade.BEST
    return Grade.SECOND if better == 1 and len(others) > 2 else Grade.NONE
