"""OpenCV: ``resize`` with ``INTER_CUBIC``, ``cvtColor`` to YCrCb, ``PSNR``."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np

from sr_bench.conformance.adapter import Array, Planes, ScoreMetric
from sr_bench.imaging.resize import Border, Rounding

from .common import cropped, finished, output_size

PACKAGE = "opencv-python-headless"
_INTERPOLATIONS = {
    "opencv-bicubic": cv2.INTER_CUBIC,
    "nearest": cv2.INTER_NEAREST,
    "box": cv2.INTER_AREA,
    "lanczos3": cv2.INTER_LANCZOS4,
}


def resize(image: Array, *, scale: Fraction, rounding: Rounding, border: Border) -> Array:
    """Keys' cubic with a = -0.75, without antialiasing, its border replicated."""
    height, width = output_size(image, scale)
    found = cv2.resize(image.astype(np.float64), (width, height), interpolation=cv2.INTER_CUBIC)
    return finished(found, rounding)


def degrade(hr: Array, *, degradation: str, scale: int) -> Array:
    """``GaussianBlur`` and every scale-th pixel; ``resize``."""
    if degradation in _INTERPOLATIONS:
        size = (hr.shape[1] // scale, hr.shape[0] // scale)
        return np.asarray(cv2.resize(hr, size, interpolation=_INTERPOLATIONS[degradation]))
    if degradation == "bd-rdn":
        blurred = cv2.GaussianBlur(hr, (7, 7), 1.6, borderType=cv2.BORDER_REPLICATE)
        return np.asarray(blurred[1::3, 1::3])
    if degradation == "bd-duf":
        border = cv2.BORDER_REFLECT_101
        blurred = cv2.GaussianBlur(hr.astype(float), (13, 13), 0.4 * scale, borderType=border)
        return np.asarray(blurred[::scale, ::scale])
    if degradation == "bd-basicvsr":
        taps = cv2.getGaussianKernel(12, 1.6)
        border = cv2.BORDER_REPLICATE
        blurred = cv2.sepFilter2D(hr, -1, taps, taps, anchor=(5, 5), borderType=border)
        start = scale // 2 - 1
        return np.asarray(blurred[start::scale, start::scale])
    raise NotImplementedError(f"has no {degradation}")


def score(sr: Array, hr: Array, *, metric: ScoreMetric, planes: Planes, crop: int) -> float:
    """PSNR alone; its Y, Cb and Cr are 8-bit and of full range."""
    if metric == "ssim":
        raise NotImplementedError("has no SSIM in its main package")
    pair = (np.ascontiguousarray(cropped(_planes(image, planes), crop)) for image in (sr, hr))
    return float(cv2.PSNR(*pair))


def _planes(image: Array, planes: Planes) -> Array:
    if planes in ("gray", "rgb"):
        return image
    channel = {"y": 0, "y-uint8": 0, "cr-uint8": 1, "cb-uint8": 2}[planes]
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)[..., channel])
