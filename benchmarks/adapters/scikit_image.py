"""scikit-image: ``resize`` of order 3, ``rgb2ycbcr``, and the metrics with Wang's settings."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from skimage import color, filters, metrics, transform

from sr_bench.conformance.adapter import Array, Planes, ScoreMetric
from sr_bench.imaging.color import to_uint8
from sr_bench.imaging.resize import Border, Rounding

from .common import cropped, finished, output_size

PACKAGE = "scikit-image"
_color: Any = color  # untyped
_filters: Any = filters
_metrics: Any = metrics
_transform: Any = transform
_MODES = {"replicate": "edge", "mirror": "symmetric"}
_WANG: dict[str, Any] = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


def resize(image: Array, *, scale: Fraction, rounding: Rounding, border: Border) -> Array:
    """A spline after a Gaussian blur, which is its antialiasing."""
    found = _transform.resize(
        image.astype(np.float64),
        output_size(image, scale),
        order=3,
        mode=_MODES[border],
        anti_aliasing=scale < 1,
        preserve_range=True,
    )
    return finished(found, rounding)


def degrade(hr: Array, *, degradation: str, scale: int) -> Array:
    """``gaussian`` and every scale-th pixel; ``resize`` of order 0; ``downscale_local_mean``."""
    axis = -1 if hr.ndim == 3 else None
    blurs = {"bd-rdn": (1.6, "nearest", 3 / 1.6, 1), "bd-duf": (0.4 * scale, "mirror", 4.0, 0)}
    if degradation in blurs:
        sigma, mode, truncate, start = blurs[degradation]
        options = {"mode": mode, "truncate": truncate, "channel_axis": axis}
        blurred = _filters.gaussian(hr.astype(np.float64), sigma, preserve_range=True, **options)
        kept = blurred[start::scale, start::scale]
        return kept if degradation == "bd-duf" else to_uint8(kept)
    size = (hr.shape[0] // scale, hr.shape[1] // scale)
    if degradation == "nearest":
        options = {"order": 0, "preserve_range": True, "anti_aliasing": False}
        return to_uint8(_transform.resize(hr, size, **options))
    if degradation == "box":
        factors = (scale, scale, 1)[: hr.ndim]
        return to_uint8(_transform.downscale_local_mean(hr.astype(np.float64), factors))
    raise NotImplementedError(f"has no {degradation}")


def score(sr: Array, hr: Array, *, metric: ScoreMetric, planes: Planes, crop: int) -> float:
    """SSIM: the mean of its map over windows wholly inside."""
    x, y = (cropped(_planes(image, planes), crop).astype(np.float64) for image in (sr, hr))
    if metric == "psnr":
        with np.errstate(divide="ignore"):  # identical images: inf, as it should be
            return float(_metrics.peak_signal_noise_ratio(y, x, data_range=255))
    axis = -1 if x.ndim == 3 else None
    _, ssim_map = _metrics.structural_similarity(
        y, x, data_range=255, full=True, channel_axis=axis, **_WANG
    )
    return float(ssim_map[5:-5, 5:-5].mean())


def _planes(image: Array, planes: Planes) -> Array:
    if planes in ("gray", "rgb"):
        return image
    values = _color.rgb2ycbcr(image)
    if planes == "y":
        return np.asarray(values[..., 0])
    return to_uint8(values[..., ("y-uint8", "cb-uint8", "cr-uint8").index(planes)])
