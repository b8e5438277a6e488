"""LPIPS and NIQE under a way: other networks, ranges, grays and borders than their authors'."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from sr_bench.analysis.explain.way import Seen
from sr_bench.evaluation.metrics.niqe import BLOCK, GRAYS, Gray, Pristine, niqe
from sr_bench.evaluation.metrics.perceptual import (
    as_tensor,
    lpips_network,
    of_network,
    pristine_model,
    told_as_not_run,
)
from sr_bench.evaluation.scoring.planes import cut
from sr_bench.imaging.color import to_uint8
from sr_bench.imaging.images import Planes
from sr_bench.support.errors import SrBenchError
from sr_bench.support.notices import notice_about

PERCEIVED = ("lpips", *GRAYS)
_AUTHORS = "alex"  # the network of LPIPS that its authors recommend, and papers mean


def perceived(sr: Planes, hr: Planes, metric: str, seen: Seen) -> float | None:
    """The metric of RGB on 0..255, (h, w, 3), uint8 or float, border cut off.

    Returns:
        ``None`` for a network of LPIPS whose weights can't be had, which is told.

    Raises:
        SrBenchError: "not run" and the reason, where the metric itself can't be had.
    """
    if metric != "lpips":
        return niqe(_gray(sr, metric, seen), _pristine())
    model = _network(seen.network or _AUTHORS)
    if model is None:
        return None
    first, second = (_values(image, seen) for image in ((hr, sr) if seen.swapped else (sr, hr)))
    return of_network(model, first, second)


def too_small(size: tuple[int, ...], metric: str, seen: Seen) -> bool:
    """Whether NIQE finds less than two blocks in an image of that size."""
    border = _gray_of(metric, seen).border + seen.border if metric in GRAYS else 0
    height, width = ((n - 2 * border) // BLOCK for n in size[:2])
    return metric in GRAYS and height * width < 2


def _gray(sr: Planes, metric: str, seen: Seen) -> Planes:
    gray = _gray_of(metric, seen)
    values = gray.values(sr)
    return cut(values if seen.unrounded else to_uint8(values), gray.border + seen.border)


def _gray_of(metric: str, seen: Seen) -> Gray:
    own = GRAYS[metric]
    return Gray(seen.gray, own.border) if seen.gray else own


def _values(image: Planes, seen: Seen) -> Any:
    """A tensor on the range that the network is given."""
    unit = as_tensor(np.asarray(image))
    return {"signed": unit * 2 - 1, "unit": unit, "levels": unit * 255}[seen.values]


@lru_cache(maxsize=1)
def _pristine() -> Pristine:
    with told_as_not_run("niqe"):
        return pristine_model()[0]


@lru_cache(maxsize=4)
def _network(name: str) -> Any:
    """A network of LPIPS; ``None``, which is told, for one that isn't the authors' choice."""
    try:
        with told_as_not_run("lpips"):
            return lpips_network(name, None)
    except SrBenchError as error:
        if name == _AUTHORS:
            raise
        notice_about(f"lpips of {name}", f"left out: {error}")
        return None
