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
