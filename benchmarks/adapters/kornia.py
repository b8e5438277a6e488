"""kornia: ``resize``, ``rgb_to_ycbcr`` and the metrics."""

from __future__ import annotations

from fractions import Fraction

import torch
from kornia.color import rgb_to_ycbcr
from kornia.geometry.transform import resize as kornia_resize
from kornia.metrics import psnr, ssim

from sr_bench.conformance.adapter import Array, Planes, ScoreMetric
from sr_bench.imaging.resize import Border, Rounding

from .common import cropped, finished, output_size, to_array, to_tensor

PACKAGE = "kornia"


def resize(image: Array, *, scale: Fraction, rounding: Rounding, border: Border) -> Array:
    """PyTorch's bicubic after a Gaussian blur, which is its antialiasing."""
    found = kornia_resize(
        to_tensor(image), output_size(image, scale), interpolation="bicubic", antialias=True
    )
    return finished(to_array(found, image), rounding)


def score(sr: Array, hr: Array, *, metric: ScoreMetric, planes: Planes, crop: int) -> float:
    """Its Y, Cb and Cr are of full range, unrounded."""
    x, y = (_planes(to_tensor(cropped(image, crop)) / 255, planes) for image in (sr, hr))
    if metric == "psnr":
        return float(psnr(x, y, max_val=1.0))
    return float(ssim(x, y, window_size=11, max_val=1.0, padding="valid").mean())


def _planes(image: torch.Tensor, planes: Planes) -> torch.Tensor:
    if planes in ("gray", "rgb"):
        return image
    channel = {"y": 0, "y-uint8": 0, "cb-uint8": 1, "cr-uint8": 2}[planes]
    found: torch.Tensor = rgb_to_ycbcr(image)[:, channel : channel + 1]
    return found if planes == "y" else (255 * found).round() / 255
