"""MATLAB's ``imresize``, value for value: bicubic, nearest, box and lanczos3.

Bicubic is Keys' cubic with a = -0.5, widened by the factor when shrinking (antialiasing), height
first. uint8 images are rounded and clipped after each of the two passes, which a float port that
rounds once gets wrong in a tenth of all values. Older MATLAB releases clamp indices at the border
(``replicate``), newer ones mirror them (``mirror``).

Source: R. G. Keys, "Cubic convolution interpolation for digital image processing", 1981,
doi:10.1109/TASSP.1981.1163711; the golden MATLAB images named in ``tests/test_golden.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from sr_bench.imaging.banded import Banded
from sr_bench.imaging.color import to_uint8

Rounding = Literal["each-pass", "once", "none"]
Kernel = Literal["bicubic", "nearest", "box", "lanczos3"]
Border = Literal["mirror", "replicate"]
Resize = Callable[..., NDArray[np.generic]]  # called as imresize is
_SUPPORT = {"bicubic": 4, "nearest": 1, "box": 1, "lanczos3": 6}  # widths, before any shrinking
_STRIP = 32  # rows between the two passes: few enough for the cache, enough for a product


def imresize(
    image: NDArray[np.generic],
    *,
    scale: int | Fraction,
    rounding: Rounding,
    border: Border,
    kernel: Kernel = "bicubic",
) -> NDArray[Any]:
    """Resize by ``scale`` as MATLAB's ``imresize`` does.

    Args:
        image: (h, w) or (h, w, c); uint8, or float of any range.
        scale: output size / input size: an int to enlarge, ``Fraction(1, 3)`` to shrink.
            The output has ceil(h * scale) rows and ceil(w * scale) columns.
        rounding: ``each-pass`` (MATLAB on uint8: uint8 after each pass), ``once`` (uint8 at the
            end only) or ``none`` (float64 out; the only choice for a float image).
        border: ``replicate`` (older MATLAB releases) or ``mirror`` (newer ones).
        kernel: MATLAB's name for it; all but ``nearest`` are widened when shrinking.

    Returns:
        uint8, or float64 when ``rounding`` is ``none``, of the input's value range.

    Raises:
        ValueError: for an unknown option, an empty or misshapen image, or rounding a float image.

    Equals MATLAB's ``imresize`` on uint8 with ``each-pass``: no value of 57 images differs.
    Reference: Keys, 1981, doi:10.1109/TASSP.1981.1163711.

    Example:
        >>> from fractions import Fraction
        >>> import numpy as np
        >>> from sr_bench import imresize
        >>> image = np.arange(64, dtype=np.uint8).reshape(8, 8)
        >>> imresize(image, scale=Fraction(1, 4), rounding="each-pass", border="mirror")
        array([[12, 17],
               [46, 51]], dtype=uint8)
    """
    _check(image, scale=scale, rounding=rounding, border=border, kernel=kernel)
    height, width = image.shape[:2]
    matrix = exact_matrix if rounding == "each-pass" else resize_matrix
    rows = matrix(height, Fraction(scale), border, kernel)
    columns = matrix(width, Fraction(scale), border, kernel)
    lines = image.reshape(height, -1)  # (h, w * c): the first pass needs no planes
    out = np.empty(
        (rows.outputs, columns.outputs, lines.shape[1] // width),
        dtype=np.float64 if rounding == "none" else np.uint8,
    )
    for strip, tall in rows.strips(lines, rows=_STRIP):
        if rounding == "each-pass":
            tall = np.clip(np.floor(tall + 0.5), 0, 255)
        planes = tall.reshape(len(tall), width, -1).transpose(2, 0, 1)  # (c, strip, w)
        wide = columns.along_columns(planes).transpose(1, 2, 0)
        out[strip] = wide if rounding == "none" else to_uint8(wide)
    return out.reshape(out.shape[:2] + image.shape[2:])


@lru_cache(maxsize=256)
def resize_matrix(size: int, scale: Fraction, border: Border, kernel: Kernel = "bicubic") -> Banded:
    """The (ceil(size * scale), size) matrix of one pass; each row sums to 1."""
    outputs = math.ceil(size * scale)
    s = float(scale)
    shrink = 1.0 if kernel == "nearest" else min(s, 1.0)
    support = _SUPPORT[kernel] / shrink
    taps = math.ceil(support) + 2
    centre = np.arange(1, outputs + 1) / s + 0.5 * (1 - 1 / s)  # 1-based, as MATLAB counts
    index = np.floor(centre - support / 2)[:, None] + np.arange(taps)
    weights = shrink * _KERNELS[kernel](shrink * (centre[:, None] - index))
    return banded(weights, index.astype(np.int64) - 1, size, border)


def banded(
    weights: NDArray[np.float64], index: NDArray[np.int64], size: int, border: Border
) -> Banded:
    """The (outputs, size) matrix of weights for inputs, both (outputs, taps); rows sum to 1."""
    weights = weights / weights.sum(axis=1, keepdims=True)
    used = weights != 0
    rows = np.repeat(np.arange(len(index)), used.sum(axis=1))
    columns = _inside(index, size, border)[used]
    return Banded.from_sparse(csr_array((weights[used], (rows, columns)), (len(index), size)))


@lru_cache(maxsize=256)
def exact_matrix(size: int, scale: Fraction, border: Border, kernel: Kernel = "bicubic") -> Banded:
    """The matrix for 8-bit images: in float32 where that is as exact as float64, and faster.

    At x2, x4, 1/2 and 1/4 the weights are multiples of 2**-12. Their products with 8-bit values,
    and all sums of these, then need at most 24 bits, which float32 has: nothing is ever rounded.
    """
    matrix = resize_matrix(size, scale, border, kernel)
    steps = np.concatenate([b.matrix.ravel() for b in matrix.blocks]) * 2**12
    return matrix.in_float32() if (steps == np.round(steps)).all() else matrix


def keys_cubic(x: NDArray[np.float64], a: float = -0.5) -> NDArray[np.float64]:
    """Keys' kernel; its a is -0.5 in MATLAB and Pillow, -0.75 in torch and OpenCV."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = a * (((x - 5) * x + 8) * x - 4)
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


def _box(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """MATLAB's box: half open, so that a tie goes to the pixel on the right."""
    return np.where((x >= -0.5) & (x < 0.5), 1.0, 0.0)


def _lanczos3(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """MATLAB's Lanczos with three lobes, its eps for x = 0 included."""
    eps = np.finfo(np.float64).eps
    wave = np.sin(np.pi * x) * np.sin(np.pi * x / 3)
    return np.where(np.abs(x) < 3, (wave + eps) / (np.pi**2 * x**2 / 3 + eps), 0.0)


_KERNELS: dict[Kernel, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "bicubic": keys_cubic,
    "nearest": _box,
    "box": _box,
    "lanczos3": _lanczos3,
}


def _inside(index: NDArray[np.int64], size: int, border: Border) -> NDArray[np.int64]:
    """Map 0-based indices outside the image onto it."""
    if border == "replicate":
        return np.clip(index, 0, size - 1)
    period = np.mod(index, 2 * size)  # symmetric: ... 1 0 | 0 1 ... n-1 | n-1 n-2 ...
    return np.where(period < size, period, 2 * size - 1 - period)


def _check(
    image: NDArray[np.generic],
    *,
    scale: int | Fraction,
    rounding: Rounding,
    border: Border,
    kernel: Kernel,
) -> None:
    if image.ndim not in (2, 3) or 0 in image.shape:
        raise ValueError(f"image has shape {image.shape}, expected a non-empty (h, w) or (h, w, c)")
    if not isinstance(scale, (int, Fraction)) or scale <= 0:
        raise ValueError(f"scale is {scale!r}, expected a positive int or Fraction, as 1/3 is")
    if rounding not in get_args(Rounding):
        raise ValueError(f"rounding is {rounding!r}, expected one of {get_args(Rounding)}")
    if border not in get_args(Border):
        raise ValueError(f"border is {border!r}, expected one of {get_args(Border)}")
    if kernel not in get_args(Kernel):
        raise ValueError(f"kernel is {kernel!r}, expected one of {get_args(Kernel)}")
    if rounding != "none" and image.dtype != np.uint8:
        raise ValueError(
            f"image is {image.dtype} and rounding is {rounding!r}: only uint8 images are rounded; "
            "pass rounding='none' for a float image"
        )
