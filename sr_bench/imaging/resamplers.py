"""How Pillow, OpenCV and torch shrink by bicubic, where a degradation says so.

All are Keys' cubic, with another a, width, border and rounding than MATLAB's. Pillow is called
itself, since it is always there. OpenCV's and torch's are computed here: what the libraries give
depends on the processor at ties.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from sr_bench.imaging.banded import Banded
from sr_bench.imaging.resize import banded, keys_cubic

Library = Literal["pillow", "opencv", "torch", "torch-antialias"]


def resample(image: NDArray[np.uint8], *, scale: Fraction, by: Library) -> NDArray[np.uint8]:
    """Shrink by bicubic as a library does, to uint8.

    Args:
        image: uint8, (h, w) or (h, w, 3).
        scale: output size / input size; the output has ceil(h * scale) rows.
        by: ``pillow``: ``Image.resize(size, BICUBIC)`` of the uint8 image, a = -0.5, antialiasing,
            width first, rounded after each pass. ``opencv``: ``cv2.resize(...,
            interpolation=INTER_CUBIC)`` of the uint8 image, a = -0.75, no antialiasing. ``torch``:
            ``interpolate(mode="bicubic", align_corners=False)``, the same weights on floats,
            rounded once. ``torch-antialias``: with ``antialias=True``: a = -0.5, and what is
            outside of the image is left out.
    """
    if by == "pillow":
        return _by_pillow(image, scale)
    antialias = by == "torch-antialias"
    rows, columns = (_matrix(n, scale, antialias) for n in image.shape[:2])
    planes = np.moveaxis(np.atleast_3d(image), -1, 0).astype(np.float64)
    values = columns.along_columns(rows.along_rows(planes))
    # Ties to the even level: OpenCV's vector code does, and torch's round.
    rounded = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    out: NDArray[np.uint8] = np.moveaxis(rounded, 0, -1)
    return np.ascontiguousarray(out).reshape(out.shape[:2] + image.shape[2:])


def _by_pillow(image: NDArray[np.uint8], scale: Fraction) -> NDArray[np.uint8]:
    height, width = (math.ceil(n * scale) for n in image.shape[:2])
    return np.asarray(Pillow.fromarray(image).resize((width, height), Pillow.Resampling.BICUBIC))


@lru_cache(maxsize=256)
def _matrix(size: int, scale: Fraction, antialias: bool) -> Banded:
    """The matrix of one pass; 0-based, pixel centres at x + 0.5."""
    outputs, step = math.ceil(size * scale), float(1 / scale)
    centre = (np.arange(outputs) + 0.5) * step - 0.5
    width = max(step, 1.0) if antialias else 1.0
    index = np.floor(centre - 2 * width)[:, None] + np.arange(math.ceil(4 * width) + 2)
    weights = keys_cubic((centre[:, None] - index) / width, a=-0.5 if antialias else -0.75)
    if antialias:
        weights[(index < 0) | (index >= size)] = 0.0
    return banded(weights, index.astype(np.int64), size, "replicate")
