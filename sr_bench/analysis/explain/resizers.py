"""The resizers that code uses where a protocol says MATLAB's."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from sr_bench.analysis.explain.way import Resizer
from sr_bench.imaging.banded import Banded
from sr_bench.imaging.color import to_uint8
from sr_bench.imaging.images import Planes
from sr_bench.imaging.resize import Border, Resize, Rounding, banded, imresize, keys_cubic

Array = NDArray[np.float64]


def resizer(name: Resizer) -> Resize:
    """What is called instead of MATLAB's ``imresize``; it rounds once, unless it never rounds."""
    return imresize if name == "matlab" else partial(_resize, name)


def _resize(
    name: Resizer, image: Planes, *, scale: int | Fraction, rounding: Rounding, border: Border
) -> Planes:
    values = resized(image, name, Fraction(scale))
    return values if rounding == "none" else to_uint8(values)


def resized(image: Planes, name: Resizer, scale: Fraction) -> Array:
    """Resize with one of the resizers that aren't MATLAB's, unrounded.

    ``torch``: Keys' cubic with a = -0.75 and no antialiasing, as ``interpolate(mode="bicubic",
    align_corners=False)`` and OpenCV's ``INTER_CUBIC``. ``pillow``: Pillow's ``BICUBIC``, in its
    float mode. ``uncentred``: a = -0.5 with antialiasing as MATLAB's, but sampled at x / scale
    instead of at pixel centres, (1 / scale - 1) / 2 pixels up and to the left.

    Args:
        scale: output size / input size.
    """
    values = np.asarray(image, dtype=np.float64)
    if name == "pillow":
        return _by_pillow(values, scale)
    a, antialias, centred = {"torch": (-0.75, False, True)}.get(name, (-0.5, True, False))
    return _both_ways(values, [_matrix(n, scale, a, antialias, centred) for n in values.shape[:2]])


def half_shifted(image: Planes) -> Planes:
    """The image half a pixel to the right and down, by Keys' cubic; uint8 stays uint8."""
    values = np.asarray(image, dtype=np.float64)
    shifted = _both_ways(values, [_half_matrix(n) for n in values.shape[:2]])
    return to_uint8(shifted) if image.dtype == np.uint8 else shifted


def _both_ways(values: Array, matrices: list[Banded]) -> Array:
    """Rows, then columns, of (h, w) or (h, w, c)."""
    rows, columns = matrices
    stacked = np.moveaxis(values, -1, 0) if values.ndim == 3 else values
    out = np.asarray(columns.along_columns(rows.along_rows(stacked)), dtype=np.float64)
    return np.moveaxis(out, 0, -1) if values.ndim == 3 else out


@lru_cache(maxsize=256)
def _matrix(size: int, scale: Fraction, a: float, antialias: bool, centred: bool) -> Banded:
    outputs = math.ceil(size * scale)
    step = float(1 / scale)
    positions = np.arange(outputs, dtype=np.float64) * step
    return _cubic_matrix(
        positions + (step - 1) / 2 if centred else positions,
        size=size,
        a=a,
        width=max(step, 1.0) if antialias else 1.0,
    )


@lru_cache(maxsize=256)
def _half_matrix(size: int) -> Banded:
    return _cubic_matrix(np.arange(size, dtype=np.float64) - 0.5, size=size, a=-0.5, width=1.0)


def _cubic_matrix(positions: Array, *, size: int, a: float, width: float) -> Banded:
    """Rows of weights of Keys' cubic around each position; indices outside are clamped."""
    taps = np.arange(math.ceil(4 * width) + 2)
    index = np.floor(positions - 2 * width)[:, None] + taps
    weights = keys_cubic((positions[:, None] - index) / width, a)
    return banded(weights, index.astype(np.int64), size, "replicate")


def _by_pillow(values: Array, scale: Fraction) -> Array:
    height, width = (math.ceil(n * scale) for n in values.shape[:2])
    stacked = np.moveaxis(np.atleast_3d(values), -1, 0).astype(np.float32)
    size = (width, height)
    resize = Pillow.Resampling.BICUBIC
    out = [np.asarray(Pillow.fromarray(p).resize(size, resize), np.float64) for p in stacked]
    return np.stack(out, axis=-1).reshape(height, width, *values.shape[2:])
