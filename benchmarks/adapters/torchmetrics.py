"""torchmetrics: PSNR and SSIM; it has neither a resize nor a colour conversion."""

from __future__ import annotations

from sr_bench.conformance.adapter import Array, Planes, ScoreMetric
from sr_bench.networks.foreign.spandrel import beside_torchvision

from .common import cropped, to_tensor

PACKAGE = "torchmetrics"
image = beside_torchvision("torchmetrics.functional.image")


def score(sr: Array, hr: Array, *, metric: ScoreMetric, planes: Planes, crop: int) -> float:
    """On the values as they are."""
    if planes not in ("gray", "rgb"):
        raise NotImplementedError("has no rgb2ycbcr")
    x, y = (to_tensor(cropped(plane, crop)) for plane in (sr, hr))
    if metric == "psnr":
        return float(image.peak_signal_noise_ratio(x, y, data_range=255.0))
    found = image.structural_similarity_index_measure(
        x, y, sigma=1.5, kernel_size=11, data_range=255.0
    )
    return float(found)
