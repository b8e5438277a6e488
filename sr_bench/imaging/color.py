"""MATLAB's rgb2ycbcr and ycbcr2rgb (ITU-R BT.601, studio range) in float64.

Values are on the 0..255 scale throughout; Y spans 16..235, Cb and Cr span 16..240.
Source: the constants that MATLAB's ``rgb2ycbcr`` documents (Poynton, 1996).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_STRIP = 2**16  # values at a time: float64 of more would leave the processor's cache
_COEFFICIENTS = np.array(
    [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]
)
# MATLAB scales the coefficients, not the weighted sum. In exact arithmetic both are the same. In
# float64 the sums of 122 of the 16,777,216 colours fall on the other side of a tie of uint8.
_RGB_TO_YCBCR = _COEFFICIENTS * (1 / 255)
_OFFSET = np.array([16.0, 128.0, 128.0])
_YCBCR_TO_RGB = np.linalg.inv(_COEFFICIENTS) * 255


def rgb_to_y(rgb: NDArray[np.generic]) -> Array:
    """Luminance: Y = (65.481 R + 128.553 G + 24.966 B) / 255 + 16, unrounded.

    Args:
        rgb: (h, w, 3), RGB order, values 0..255 of any real dtype.

    Returns:
        (h, w) float64, 16..235 for inputs in 0..255. Rounded to uint8 it equals MATLAB's
        ``rgb2ycbcr`` of a uint8 image for every colour, ties included.
    """
    _require_three(rgb, "rgb")
    return np.asarray(_weighted(rgb, _RGB_TO_YCBCR[0]) + _OFFSET[0])


def rgb_to_ycbcr(rgb: NDArray[np.generic]) -> Array:
    """All three channels, unrounded: (h, w, 3) RGB in 0..255 -> (h, w, 3) float64 Y, Cb, Cr."""
    _require_three(rgb, "rgb")
    planes = [_weighted(rgb, row) + offset for row, offset in zip(_RGB_TO_YCBCR, _OFFSET)]
    return np.stack(planes, axis=-1)


def ycbcr_to_rgb(ycbcr: NDArray[np.generic]) -> Array:
    """The inverse of :func:`rgb_to_ycbcr`, unrounded and unclipped: float64 (h, w, 3), RGB."""
    _require_three(ycbcr, "ycbcr")
    return np.asarray((ycbcr.astype(np.float64) - _OFFSET) @ _YCBCR_TO_RGB.T)


def gray_of_rgb(rgb: NDArray[np.generic]) -> Array:
    """Full-range BT.601 luma, unrounded: (h, w, 3) -> (h, w); three equal channels give that one.

    This is what a gray image compares with after an RGB network made three channels of it.
    """
    return np.asarray((rgb_to_y(rgb) - _OFFSET[0]) / _RGB_TO_YCBCR[0].sum())


def to_uint8(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Round half up and clip to 0..255, as MATLAB's ``uint8()`` does for non-negative values."""
    array = np.asarray(values)
    if array.size <= _STRIP:
        return np.clip(np.floor(np.asarray(array, np.float64) + 0.5), 0, 255).astype(np.uint8)
    made = np.empty(array.shape, np.uint8)
    for rows in strips(array):
        strip = np.add(array[rows], 0.5, dtype=np.float64)
        np.clip(np.floor(strip, out=strip), 0, 255, out=strip)
        made[rows] = strip
    return made


def rgb_to_ycbcr_uint8(rgb: NDArray[np.generic]) -> NDArray[np.uint8]:
    """``to_uint8(rgb_to_ycbcr(rgb))``, some rows at a time: MATLAB's ``rgb2ycbcr`` of uint8."""
    _require_three(rgb, "rgb")
    made = np.empty(rgb.shape, np.uint8)
    for rows in strips(rgb):
        made[rows] = to_uint8(rgb_to_ycbcr(rgb[rows]))
    return made


def strips(image: NDArray[np.generic]) -> Iterator[slice]:
    """Slices of an image's rows, each of about 65,536 values."""
    rows = max(1, _STRIP * len(image) // max(1, image.size))
    return (slice(top, top + rows) for top in range(0, len(image), rows))


def _weighted(rgb: NDArray[np.generic], weights: Array) -> Array:
    total: Array = weights[0] * rgb[..., 0]  # float64: the weights' type decides
    total += weights[1] * rgb[..., 1]
    total += weights[2] * rgb[..., 2]
    return total


def _require_three(image: NDArray[np.generic], name: str) -> None:
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            f"{name} has shape {image.shape}, expected (h, w, 3); "
            "a gray image is its own Y and needs no conversion"
        )
