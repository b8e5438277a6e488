"""basicsr: its ``imresize``, ``bgr2ycbcr``, PSNR and SSIM."""

from __future__ import annotations

import sys
from fractions import Fraction

import numpy as np
import torch

from sr_bench.conformance.adapter import Array, Planes, ScoreMetric
from sr_bench.imaging.resize import Border, Rounding
from sr_bench.support.import_without_init import basicsr

from .common import finished

PACKAGE = "basicsr"
_color = basicsr("utils.color_util")
_imresize = basicsr("utils.matlab_functions").imresize
_metrics = basicsr("metrics.psnr_ssim")
_niqe = basicsr("metrics.niqe")
for _name in ("img2tensor", "scandir"):  # which its loader of files asks for at import
    vars(sys.modules["basicsr.utils"]).setdefault(_name, None)
_data = basicsr("data.data_util")


def resize(image: Array, *, scale: Fraction, rounding: Rounding, border: Border) -> Array:
    """MATLAB's of newer releases, in float32: its border is mirrored, rounding is the caller's."""
    found = _imresize(image.astype(np.float32) / 255, float(scale)) * 255
    return finished(found, rounding)


def degrade(hr: Array, *, degradation: str, scale: int) -> Array:
    """``duf_downsample``, which is what it has of BD."""
    if degradation != "bd-duf":
        raise NotImplementedError(f"has no {degradation}")
    planes = hr[..., None] if hr.ndim == 2 else hr
    frames = torch.from_numpy(planes.transpose(2, 0, 1).astype(np.float64))[:, None]
    found = _data.duf_downsample(frames, kernel_size=13, scale=scale)[:, 0].numpy()
    return np.asarray(found[0] if hr.ndim == 2 else found.transpose(1, 2, 0))


def niqe(image: Array, *, kind: str) -> float:
    """On Y or on OpenCV's gray, both of float32."""
    crop = 4 if kind == "niqe_pi" else 0
    convert = "gray" if kind == "niqe_gray" else "y"
    bgr = np.ascontiguousarray(image[..., ::-1])
    return float(_niqe.calculate_niqe(bgr, crop, convert_to=convert))


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
