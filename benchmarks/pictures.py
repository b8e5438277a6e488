"""A plausible sr of a made-up hr, so that no benchmark needs a download."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from sr_bench.imaging.images import Image
from sr_bench.imaging.resize import imresize


def upscaled(hr: Image, *, scale: int) -> Image:
    """hr, whose sides are multiples of scale, shrunk and enlarged again: a plausible sr."""
    lr = imresize(hr, scale=Fraction(1, scale), rounding="each-pass", border="mirror")
    sr = imresize(lr, scale=scale, rounding="each-pass", border="mirror")
    return sr.astype(np.uint8, copy=False)
