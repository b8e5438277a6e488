"""Resizes in integers: area, bilinear and bicubic without antialiasing, for ``second-order-v1``."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Mode = Literal["area", "bilinear", "bicubic"]
_PHASES, _WEIGHT, _BETWEEN = 2**11, 2**14, 2**8  # steps of a pixel, weights, between the passes


def resized(image: Pixels, *, height: int, width: int, mode: Mode) -> Pixels:
    """Rows, then columns, with 8 bits behind the point between the two."""
    tall = _pass(image.astype(np.int64) * _BETWEEN, height, mode)
    wide = np.moveaxis(_pass(np.moveaxis(tall, 1, 0), width, mode), 0, 1)
    return np.clip((wide + _BETWEEN // 2) // _BETWEEN, 0, 255).astype(np.uint8)


def _pass(values: NDArray[np.int64], outputs: int, mode: Mode) -> NDArray[np.int64]:
    index, weights = _taps(len(values), outputs, mode)
    total = np.zeros((outputs, *values.shape[1:]), np.int64)
    for tap in range(index.shape[1]):
        shape = (outputs,) + (1,) * (values.ndim - 1)
        total += weights[:, tap].reshape(shape) * values[index[:, tap]]
    return (total + _WEIGHT // 2) // _WEIGHT


@lru_cache(maxsize=64)
def _taps(size: int, outputs: int, mode: Mode) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which inputs each output is made of, and their weights, which sum to 2^14."""
    rows = [_area(i, size, outputs) if mode == "area" else _point(i, size, outputs, mode)
            for i in range(outputs)]  # fmt: skip
    most = max(len(row) for row in rows)
    padded = [row + [(0, 0)] * (most - len(row)) for row in rows]
    table = np.array(padded, dtype=np.int64)
    return np.clip(table[..., 0], 0, size - 1), table[..., 1]


def _area(i: int, size: int, outputs: int) -> list[tuple[int, int]]:
    """Equal weights of all inputs that output i touches."""
    first, last = i * size // outputs, math.ceil((i + 1) * size / outputs)
    each, left = divmod(_WEIGHT, last - first)
    return [(x, each + (x - first < left)) for x in range(first, last)]


def _point(i: int, size: int, outputs: int, mode: Mode) -> list[tuple[int, int]]:
    """Bilinear, or Keys' cubic with a = -0.75, at the position rounded down to 1/2048 pixel."""
    position = ((2 * i + 1) * size - outputs) * _PHASES // (2 * outputs)
    left, t = divmod(position, _PHASES)
    if mode == "bilinear":
        part = t * _WEIGHT // _PHASES
        return [(left, _WEIGHT - part), (left + 1, part)]
    outer, inner, right = (_cubic(d) for d in (_PHASES + t, t, _PHASES - t))
    taps = [outer, inner, right]
    return [(left - 1 + n, w) for n, w in enumerate([*taps, _WEIGHT - sum(taps)])]


def _cubic(distance: int) -> int:
    """Keys' kernel at ``distance`` / 2048, in units of 2^-14, rounded down."""
    d, one = distance, _PHASES
    if d <= one:
        value = 5 * d**3 - 9 * d**2 * one + 4 * one**3
    else:
        value = -3 * (d**3 - 5 * d**2 * one + 8 * d * one**2 - 4 * one**3)
    return value * _WEIGHT // (4 * one**3)
