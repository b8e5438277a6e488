"""Pillow: ``Image.resize`` with ``BICUBIC``."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from PIL import Image as Pillow

from sr_bench.conformance.adapter import Array
from sr_bench.imaging.resize import Border, Rounding

from .common import by_plane, finished, output_size

PACKAGE = "pillow"


def resize(image: Array, *, scale: Fraction, rounding: Rounding, border: Border) -> Array:
    """On uint8 it rounds after each pass, width first; at the border it leaves taps out."""
    height, width = output_size(image, scale)
    cubic = Pillow.Resampling.BICUBIC
    if rounding == "each-pass":
        return np.asarray(Pillow.fromarray(image).resize((width, height), cubic))

    def resize_plane(plane: Array) -> Array:
        picture = Pillow.fromarray(plane.astype(np.float32))
        return np.asarray(picture.resize((width, height), cubic), np.float64)

    return finished(by_plane(image, resize_plane), rounding)


def degrade(hr: Array, *, degradation: str, scale: int) -> Array:
    """``Image.resize`` with the filter of that name."""
    filters = {
        "pillow-bicubic": Pillow.Resampling.BICUBIC,
        "liif": Pillow.Resampling.BICUBIC,
        "nearest": Pillow.Resampling.NEAREST,
        "box": Pillow.Resampling.BOX,
        "lanczos3": Pillow.Resampling.LANCZOS,
    }
    if degradation not in filters:
        raise NotImplementedError(f"has no {degradation}")
    size = (hr.shape[1] // scale, hr.shape[0] // scale)
    return np.asarray(Pillow.fromarray(hr).resize(size, filters[degradation]))
