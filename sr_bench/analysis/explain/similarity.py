"""The SSIMs that code computes where Wang's mean over whole windows and channels is meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, uniform_filter

from sr_bench.analysis.explain.way import SsimKind
from sr_bench.evaluation.metrics.ssim import (
    SIGMA,
    WINDOW,
    ssim_padded_unchecked,
    ssim_terms,
    ssim_unchecked,
)
from sr_bench.evaluation.scoring.planes import cut
from sr_bench.imaging.images import Planes

Array = NDArray[np.float64]
_FLAT = 7  # scikit-image's default window


def similarity(sr: Planes, hr: Planes, kind: SsimKind, *, data_range: float) -> float:
    """SSIM of two images of one shape, (h, w) or (h, w, 3), computed the way ``kind`` names.

    ``mean``: :func:`sr_bench.evaluation.metrics.ssim`. ``blue``: of the last channel.
    ``padded``: windows about every pixel, edges repeated (MATLAB's own function ``ssim``).
    ``downsampled``: after Wang's optional step of ``ssim.m``, a box filter and every f-th pixel,
    f = round(min(h, w) / 256). ``volumetric``: a Gaussian of 11 x 11 x 11 over RGB as a
    volume, edges repeated (BasicSR's ``_ssim_3d``). ``uniform``: a flat 7 x 7 window and
    sample covariances, edges left out (scikit-image's default).

    Raises:
        ValueError: as the SSIM of :mod:`sr_bench.evaluation.metrics` does.
    """
    if kind == "blue" and hr.ndim == 3:
        sr, hr = sr[..., 2], hr[..., 2]
    if kind == "padded":
        return ssim_padded_unchecked(sr, hr, data_range=data_range)
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

    return float(ssim_terms(_means(sr, hr, mean), data_range).map().mean())


def _uniform(sr: Planes, hr: Planes, data_range: float) -> float:
    size = (_FLAT, _FLAT, 1)[: hr.ndim]

    def mean(values: Array) -> Array:
        return np.asarray(uniform_filter(values, size))

    sample = _FLAT**2 / (_FLAT**2 - 1)
    values = ssim_terms(_means(sr, hr, mean), data_range, sample=sample).map()
    return float(cut(values, _FLAT // 2).mean())


def _means(sr: Planes, hr: Planes, mean: Callable[[Array], Array]) -> Iterator[Array]:
    x, y = sr.astype(np.float64), hr.astype(np.float64)
    return map(mean, (x, y, x * x + y * y, x * y))
