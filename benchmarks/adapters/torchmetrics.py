"""torchmetrics: PSNR and SSIM; it has neither a resize nor a colour conversion."""

from __future__ import annotations

from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

from sr_bench.conformance.adapter import Array, Planes, ScoreMetric

from .common import cropped, to_tensor

PACKAGE = "torchmetrics"


def score(sr: Array, hr: Array, *, metric: ScoreMetric, planes: Planes, crop: int) -> float:
    """On the values as they are."""
    if planes not in ("gray", "rgb"):
        raise NotImplementedError("has no rgb2ycbcr")
    x, y = (to_tensor(cropped(image, crop)) for image in (sr, hr))
    if metric == "psnr":
        return float(peak_signal_noise_ratio(x, y, data_range=255.0))
    found = structural_similarity_index_measure(x, y, sigma=1.5, kernel_size=11, data_range=255.0)
    return float(found)
