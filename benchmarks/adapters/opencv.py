"""OpenCV: ``resize`` with ``INTER_CUBIC``, ``cvtColor`` to YCrCb, ``PSNR``."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np

from sr_bench.conformance.adapter import Array, Planes, ScoreMetric
from sr_bench.imaging.resize import Border, Rounding

from .common import cropped, finished, output_size

PACKAGE = "opencv-python-headless"


def resize(image: Array, *, scale: Fraction, rounding: Rounding, border: Border) -> Array:
    """Keys' cubic with a = -0.75, without antialiasing, its border replicated."""
    height, width = output_size(image, scale)
    found = cv2.resize(image.astype(np.float64), (width, height), interpolation=cv2.INTER_CUBIC)
    return finished(found, rounding)


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
