"""sr-bench itself."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from sr_bench.conformance.adapter import Array, Planes, ScoreMetric
from sr_bench.evaluation.metrics import psnr, ssim
from sr_bench.imaging.color import rgb_to_y, rgb_to_ycbcr, to_uint8
from sr_bench.imaging.resize import Border, Rounding, imresize

PACKAGE = "sr-bench"


def resize(image: Array, *, scale: Fraction, rounding: Rounding, border: Border) -> Array:
    """:func:`sr_bench.imaging.resize.imresize`."""
    return imresize(image, scale=scale, rounding=rounding, border=border)


def score(sr: Array, hr: Array, *, metric: ScoreMetric, planes: Planes, crop: int) -> float:
    """:func:`sr_bench.evaluation.metrics.psnr` and :func:`~sr_bench.evaluation.metrics.ssim`."""
    height, width = hr.shape[:2]
    inside = np.s_[crop : height - crop, crop : width - crop]
    function = {"psnr": psnr, "ssim": ssim}[metric]
    return function(_planes(sr, planes)[inside], _planes(hr, planes)[inside], data_range=255)


def _planes(image: Array, planes: Planes) -> Array:
    if planes in ("gray", "rgb"):
        return image
    if planes == "y":
        return rgb_to_y(image)
    channel = ("y-uint8", "cb-uint8", "cr-uint8").index(planes)
    return to_uint8(rgb_to_ycbcr(image))[..., channel]
