"""basicsr: its ``imresize``, ``bgr2ycbcr``, PSNR and SSIM."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from sr_bench.conformance.adapter import Array, Planes, ScoreMetric
from sr_bench.imaging.resize import Border, Rounding
from sr_bench.support.import_without_init import basicsr

from .common import finished

PACKAGE = "basicsr"
_color = basicsr("utils.color_util")
_imresize = basicsr("utils.matlab_functions").imresize
_metrics = basicsr("metrics.psnr_ssim")


def resize(image: Array, *, scale: Fraction, rounding: Rounding, border: Border) -> Array:
    """MATLAB's of newer releases, in float32: its border is mirrored, rounding is the caller's."""
    found = _imresize(image.astype(np.float32) / 255, float(scale)) * 255
    return finished(found, rounding)


def score(sr: Array, hr: Array, *, metric: ScoreMetric, planes: Planes, crop: int) -> float:
    """Y is made in float32."""
    function = _metrics.calculate_psnr if metric == "psnr" else _metrics.calculate_ssim
    if planes in ("rgb", "y"):
        bgr = (image[..., ::-1] for image in (sr, hr))
        return float(function(*bgr, crop, test_y_channel=planes == "y"))
    return float(function(_planes(sr, planes), _planes(hr, planes), crop))


def _planes(image: Array, planes: Planes) -> Array:
    if planes == "gray":
        return image
    ycbcr = _color.bgr2ycbcr(np.ascontiguousarray(image[..., ::-1]))
    return np.asarray(ycbcr[..., ("y-uint8", "cb-uint8", "cr-uint8").index(planes)])
