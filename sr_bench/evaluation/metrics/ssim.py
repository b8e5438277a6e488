"""Structural similarity."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from sr_bench.evaluation.metrics.checks import checked_pair
from sr_bench.imaging.banded import Banded
from sr_bench.imaging.images import Planes
from sr_bench.support.parallel import Map

WINDOW = 11
SIGMA = 1.5
K1 = 0.01
K2 = 0.03
_STRIP, _TILE = 128, 256  # output rows and columns at a time: a tile's maps stay in the cache
_BLOCK = 16  # outputs of one small product of the window; measured, as the tile is
Array = NDArray[np.float64]


def ssim(
    sr: NDArray[np.generic], hr: NDArray[np.generic], *, data_range: float, mapper: Map = map
) -> float:
    """Mean SSIM over the windows that lie wholly inside the image, then over channels.

    SSIM = (2 m_x m_y + C1)(2 s_xy + C2) / ((m_x^2 + m_y^2 + C1)(s_x^2 + s_y^2 + C2)) with an
    11 x 11 Gaussian window of sigma 1.5, K1 = 0.01, K2 = 0.03, population (co)variances.

    Args:
        sr, hr: (h, w) or (h, w, 3), same shape, at least 11 x 11; types as for
            :func:`sr_bench.evaluation.metrics.psnr`.
        data_range: 255 for uint8, 65535 for uint16; of floats what white is: 255, or 1.
        mapper: ``map``, or an executor's ``map`` to work on several strips at once; the result
            does not depend on it.

    Returns:
        Similarity, at most 1 (identical images), higher is better.

    Raises:
        ValueError: if a side is shorter than 11, and as :func:`.psnr` does.

    Equals Wang's ``ssim_index.m`` (without its optional downsampling), and scikit-image's
    ``structural_similarity`` with ``gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False``, borders excluded. Reference: Wang et al., 2004,
    doi:10.1109/TIP.2003.819861.

    Example:
        >>> import numpy as np
        >>> from sr_bench import ssim
        >>> hr = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
        >>> round(ssim(hr.T, hr, data_range=255), 4)
        0.7215
    """
    sr, hr, data_range = checked_pair(sr, hr, data_range=data_range)
    return ssim_unchecked(sr, hr, data_range=data_range, mapper=mapper)


def ssim_unchecked(
    sr: NDArray[np.generic], hr: NDArray[np.generic], *, data_range: float, mapper: Map = map
) -> float:
    """The same of planes that the caller made: any channel count, types may differ."""
    if min(hr.shape[:2]) < WINDOW:
        raise ValueError(
            f"images are {hr.shape[:2]}, the SSIM window is {WINDOW} x {WINDOW}; "
            "crop less or use larger images"
        )
    if hr.ndim == 3:
        channels = [
            ssim_unchecked(sr[..., c], hr[..., c], data_range=data_range, mapper=mapper)
            for c in range(hr.shape[2])
        ]
        return float(np.mean(channels))
    rows, columns = hr.shape[0] - WINDOW + 1, hr.shape[1] - WINDOW + 1

    def strip_sum(start: int) -> float:
        band = slice(start, min(start + _STRIP, rows) + WINDOW - 1)
        return _strip_sum(sr[band], hr[band], data_range)

    return float(sum(mapper(strip_sum, range(0, rows, _STRIP))) / (rows * columns))


def ssim_padded_unchecked(
    sr: NDArray[np.generic], hr: NDArray[np.generic], *, data_range: float, mapper: Map = map
) -> float:
    """SSIM over windows about every pixel, the outermost pixels repeated: MATLAB's own ``ssim``.

    That function of the Image Processing Toolbox is what LapSRN's script calls; its window and
    constants are those of :func:`ssim`. Types, shapes and errors are as there, and no side is too
    short.
    """
    half = WINDOW // 2
    sides = [(half, half), (half, half), (0, 0)][: hr.ndim]
    padded = (np.pad(image, sides, mode="edge") for image in (sr, hr))
    return ssim_unchecked(*padded, data_range=data_range, mapper=mapper)


def _strip_sum(sr: Planes, hr: Planes, data_range: float) -> float:
    """Sum of the SSIM map of one strip of rows."""
    columns = hr.shape[1] - WINDOW + 1
    tiles = (
        np.s_[:, start : min(start + _TILE, columns) + WINDOW - 1]
        for start in range(0, columns, _TILE)
    )
    return sum(_tile_sum(sr[tile], hr[tile], data_range) for tile in tiles)


def _tile_sum(sr: Planes, hr: Planes, data_range: float) -> float:
    """Sum of the SSIM map of one tile, which is 10 pixels larger than its map each way."""
    return float(ssim_terms(gaussian_means(sr, hr), data_range).map().sum())


def gaussian_means(sr: Planes, hr: Planes) -> Array:
    """Means of x, y, x^2 + y^2 and x y over the windows that lie wholly inside, (4, h', w')."""
    maps = np.empty((4, *hr.shape))
    maps[0], maps[1] = sr, hr
    x, y = maps[0], maps[1]
    maps[2], maps[3] = x * x + y * y, x * y
    rows, columns = gaussian_matrix(x.shape[0]), gaussian_matrix(x.shape[1])
    return np.asarray(columns.along_columns(rows.along_rows(maps)), np.float64)


class Terms(NamedTuple):
    """SSIM's two fractions, each a numerator and a denominator."""

    luminance: tuple[Array, Array]
    contrast: tuple[Array, Array]  # and structure

    def map(self) -> Array:
        """SSIM of each window."""
        (a, c), (b, d) = self
        return (a * b) / (c * d)


def ssim_terms(means: Iterable[Array], data_range: float, *, sample: float = 1) -> Terms:
    """SSIM's formula.

    Args:
        means: local means of x, y, x^2 + y^2 and x y.
        data_range: the L of the constants C1 and C2.
        sample: n / (n - 1) for (co)variances of a sample of n values, 1 for those of all.
    """
    mx, my, power, product = means
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    mean_product, mean_power = mx * my, mx * mx + my * my
    covariance, variances = product - mean_product, power - mean_power
    if sample != 1:
        covariance, variances = sample * covariance, sample * variances
    return Terms((2 * mean_product + c1, mean_power + c1), (2 * covariance + c2, variances + c2))


@lru_cache(maxsize=256)
def gaussian_matrix(size: int) -> Banded:
    """The (size - 10, size) matrix of the one-dimensional Gaussian window; rows sum to 1."""
    offsets = np.arange(WINDOW)
    weights = np.exp(-((offsets - WINDOW // 2) ** 2) / (2 * SIGMA**2))
    weights /= weights.sum()
    outputs = size - WINDOW + 1
    rows = np.repeat(np.arange(outputs), WINDOW)
    columns = (np.arange(outputs)[:, None] + offsets).ravel()
    values = np.tile(weights, outputs)
    matrix = csr_array((values, (rows, columns)), shape=(outputs, size))
    return Banded.from_sparse(matrix, block=_BLOCK)
