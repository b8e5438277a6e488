"""piq: PSNR and SSIM; its gray is the full-range luma of YIQ."""

from __future__ import annotations

from sr_bench.conformance.adapter import Array, Planes, ScoreMetric
from sr_bench.support.import_without_init import module_without_init

from .common import cropped, to_tensor

PACKAGE = "piq"
_psnr = module_without_init("piq.psnr").psnr
_ssim = module_without_init("piq.ssim").ssim


def score(sr: Array, hr: Array, *, metric: ScoreMetric, planes: Planes, crop: int) -> float:
    """On the values as they are, or PSNR on YIQ's luma; SSIM without its downsampling."""
    x, y = (to_tensor(cropped(image, crop)) for image in (sr, hr))
    if metric == "psnr" and planes in ("gray", "rgb", "y"):
        return float(_psnr(x, y, data_range=255, convert_to_greyscale=planes == "y"))
    if metric == "ssim" and planes in ("gray", "rgb"):
        return float(_ssim(x, y, data_range=255, downsample=False))
    raise NotImplementedError("has no rgb2ycbcr")
