"""hr to sr, for the ways that need sr to be made again."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from sr_bench.analysis.explain.measure import Made
from sr_bench.analysis.explain.resizers import resized
from sr_bench.analysis.explain.way import Final, Way
from sr_bench.imaging.color import to_uint8
from sr_bench.imaging.degrade import degrade, hr_planes
from sr_bench.imaging.images import Image
from sr_bench.imaging.resize import imresize

Planes = NDArray[np.generic]


def shrunk(hr: Image, way: Way, *, scale: int) -> Planes:
    """lr as the way makes it: as :func:`.degrade` does, or by another resizer.

    Args:
        hr: uint8, (h, w) gray or (h, w, 3) RGB.
        way: its degradation, and the ``lr`` of its making.
        scale: 2, 3, 4, ...

    Returns:
        uint8, or float64 on the 0..255 scale where the degradation never rounds.
    """
    if way.making.lr == "matlab":
        return degrade(hr, way.degradation, scale=scale)
    planes = hr_planes(hr, way.degradation, scale)
    return _rounded(resized(planes, way.making.lr, Fraction(1, scale)), way)


def bicubic(hr: Image, way: Way, *, scale: int) -> Made | None:
    """Bicubic's sr the way says, as ``methods/bicubic.py`` makes it.

    ``None`` for what only networks have: other weights, and self-ensemble.
    """
    if way.making.weights is not None or way.making.ensemble is not None:
        return None
    lr = shrunk(hr, way, scale=scale)
    rule, making = way.degradation, way.making
    if making.enlarger != "matlab":
        sr: Planes = _rounded(resized(lr, making.enlarger, Fraction(scale)), way)
    elif making.final == "uint8":
        sr = imresize(lr, scale=scale, rounding=rule.rounding, border=rule.border)
    else:  # what was rounded can't be told to be
        sr = imresize(lr, scale=scale, rounding="none", border=rule.border)
    return Made(finished(sr, making.final), hr, rule.colour)


def finished(sr: Planes, final: Final) -> Planes:
    """What becomes of a method's values: rounded, truncated, only clipped, or left alone."""
    if final == "uint8":
        return to_uint8(sr)
    if final == "float":
        return sr
    clipped = np.clip(sr, 0, 255)
    return clipped.astype(np.uint8) if final == "truncated" else clipped


def _rounded(values: Planes, way: Way) -> Planes:
    return values if way.degradation.rounding == "none" else to_uint8(values)
