"""The SSIMs that code computes where Wang's mean over whole windows and channels is meant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, uniform_filter

from sr_bench.analysis.explain.way import SsimKind
from sr_bench.evaluation.metrics.ssim import K1, K2, SIGMA, WINDOW, ssim_unchecked

Planes = NDArray[np.generic]
Array = NDArray[np.float64]
_FLAT = 7  # scikit-image's default window


def similarity(sr: Planes, hr: Planes, kind: SsimKind, *, data_range: float) -> float:
    """SSIM of two images of one shape, (h, w) or (h, w, 3), computed the way ``kind`` names.

    ``mean``: :func:`sr_bench.evaluation.metrics.ssim`. ``blue``: of the last channel.
    ``downsampled``: after Wang's optional step of ``ssim.m``, a box filter and every f-th pixel,
    f = round(min(h, w) / 256). ``volumetric``: a Gaussian of 11 x 11 x 11 over RGB as a
    volume, edges repeated (BasicSR's ``_ssim_3d``). ``uniform``: a flat 7 x 7 window and
    sample covariances, edges left out (scikit-image's default).

    Raises:
        ValueError: as the SSIM of :mod:`sr_bench.evaluation.metrics` does.
    """
    if kind == "blue" and hr.ndim == 3:
        sr, hr = sr[..., 2], hr[..., 2]
    if kind == "downsampled":
        sr, hr = _shrunk(sr), _shrunk(hr)
    if kind == "volumetric":
        return _volumetric(sr, hr, data_range)
    if kind == "uniform":
        return _uniform(sr, hr, data_range)
    return ssim_unchecked(sr, hr, data_range=data_range)


def _shrunk(image: Planes) -> Planes:
    factor = max(1, round(min(image.shape[:2]) / 256))
    if factor == 1:
        return image
    # Wang's filter2 with an even box looks half a pixel ahead, which origin says here
    size = (factor, factor, 1)[: image.ndim]
    origin = tuple(-((n + 1) % 2) for n in size)
    means = uniform_filter(image.astype(np.float64), size, mode="reflect", origin=origin)
    return np.asarray(means[::factor, ::factor])


def _volumetric(sr: Planes, hr: Planes, data_range: float) -> float:
    def mean(values: Array) -> Array:
        filtered = gaussian_filter(values, SIGMA, mode="nearest", radius=WINDOW // 2)
        return np.asarray(filtered)

    x, y = sr.astype(np.float64), hr.astype(np.float64)
    mx, my = mean(x), mean(y)
    power, product = mean(x * x + y * y), mean(x * y)
    return float(_map(mx, my, power, product, data_range, 1.0).mean())


def _uniform(sr: Planes, hr: Planes, data_range: float) -> float:
    size = (_FLAT, _FLAT, 1)[: hr.ndim]

    def mean(values: Array) -> Array:
        return np.asarray(uniform_filter(values, size))

    x, y = sr.astype(np.float64), hr.astype(np.float64)
    sample = _FLAT**2 / (_FLAT**2 - 1)
    values = _map(mean(x), mean(y), mean(x * x + y * y), mean(x * y), data_range, sample)
    edge = _FLAT // 2
    return float(values[edge:-edge, edge:-edge].mean())


def _map(
    mx: Array, my: Array, power: Array, product: Array, data_range: float, sample: float
) -> Array:
    """The SSIM map of local means; ``sample`` makes (co)variances of a sample of them."""
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    mean_product, mean_power = mx * my, mx * mx + my * my
    numerator = (2 * mean_product + c1) * (2 * sample * (product - mean_product) + c2)
    return numerator / ((mean_power + c1) * (sample * (power - mean_power) + c2))
