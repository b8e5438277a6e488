"""hr to sr, for the ways that need sr to be made again."""

from __future__ import annotations

import numpy as np

from sr_bench.analysis.explain.measure import Made
from sr_bench.analysis.explain.resizers import resizer
from sr_bench.analysis.explain.way import Final, Way
from sr_bench.imaging.color import to_uint8
from sr_bench.imaging.degrade import degrade
from sr_bench.imaging.images import Image, Planes

Y_RANGE = (16, 235)  # of an RGB image


def shrunk(hr: Image, way: Way, *, scale: int) -> Planes:
    """lr by :func:`.degrade`, with the resizer of the way."""
    return degrade(hr, way.degradation, scale=scale, resize=resizer(way.making.lr))


def bicubic(hr: Image, way: Way, *, scale: int, limited: bool = False) -> Made | None:
    """Bicubic's sr the way says, as ``methods/bicubic.py`` makes it.

    ``limited``: whether as ``methods/bicubic_limited.py``, where the way leaves it open. ``None``
    for what only networks have: other weights, and self-ensemble; for clipping planes that aren't
    Y; and for what is so already.
    """
    making, rule = way.making, way.degradation
    if making.weights is not None or making.ensemble is not None or making.limited is limited:
        return None
    clips = limited if making.limited is None else making.limited
    if clips and rule.colour == "rgb":
        return None
    # What MATLAB's resize rounded can't be truncated or left alone.
    unrounded = making.enlarger == "matlab" and making.final != "uint8"
    sr = resizer(making.enlarger)(
        shrunk(hr, way, scale=scale),
        scale=scale,
        rounding="none" if unrounded else rule.rounding,
        border=rule.border,
    )
    if clips:
        sr = np.clip(sr, *Y_RANGE)  # Cb and Cr too, which Y isn't made of
    return Made(finished(sr, making.final), hr, rule.colour)


def finished(sr: Planes, final: Final) -> Planes:
    """What becomes of a method's values: rounded, truncated, only clipped, or left alone."""
    if final == "uint8":
        return to_uint8(sr)
    if final == "float":
        return sr
    clipped = np.clip(sr, 0, 255)
    return clipped.astype(np.uint8) if final == "truncated" else clipped
