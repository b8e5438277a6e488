"""sr-bench itself."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from sr_bench.conformance.adapter import Array, Planes, ScoreMetric
from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.evaluation.metrics import psnr, ssim
from sr_bench.evaluation.metrics.perceptual import load_perceptual
from sr_bench.imaging.color import rgb_to_y, rgb_to_ycbcr, to_uint8
from sr_bench.imaging.degrade import degrade as lr_of
from sr_bench.imaging.resize import Border, Rounding, imresize
from sr_bench.support.errors import SrBenchError

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


def degrade(hr: Array, *, degradation: str, scale: int) -> Array:
    """:func:`sr_bench.imaging.degrade.degrade`."""
    return lr_of(hr, load_protocols().degradations[degradation], scale=scale)


def niqe(image: Array, *, kind: str) -> float:
    """:func:`sr_bench.evaluation.metrics.niqe.niqe`."""
    try:
        return load_perceptual(kind)(image)
    except SrBenchError as error:  # its model isn't there
        raise NotImplementedError(str(error)) from error


def _planes(image: Array, planes: Planes) -> Array:
    if planes in ("gray", "rgb"):
        return image
    if planes == "y":
        return rgb_to_y(image)
    channel = ("y-uint8", "cb-uint8", "cr-uint8").index(planes)
    return to_uint8(rgb_to_ycbcr(image))[..., channel]
