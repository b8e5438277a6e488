"""Multi-scale structural similarity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sr_bench.evaluation.metrics.checks import checked_pair
from sr_bench.evaluation.metrics.ssim import WINDOW, gaussian_means, ssim_terms

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # finest scale first
SMALLEST = WINDOW * 2 ** (len(WEIGHTS) - 1)  # 176: the window fits into the coarsest scale
Array = NDArray[np.float64]


def ms_ssim(sr: NDArray[np.generic], hr: NDArray[np.generic], *, data_range: float) -> float:
    """MS-SSIM = l_5^w5 cs_5^w5 prod_{j<5} cs_j^wj, each scale half the size of the one before.

    cs is the mean of SSIM's contrast and structure terms, and at scale 5 of the whole SSIM, with
    the window and constants of :func:`.ssim`; then the mean over channels.

    Args:
        sr, hr: (h, w) or (h, w, 3), same shape, both sides at least 176; types as for
            :func:`sr_bench.evaluation.metrics.psnr`.
        data_range: 255 for uint8, 65535 for uint16; of floats what white is: 255, or 1.

    Returns:
        Similarity, at most 1 (identical images), higher is better. A scale whose mean is negative
        counts as 0: a root of it would not be a number.

    Raises:
        ValueError: if a side is shorter than 176, and as :func:`.psnr` does.

    Follows Wang's ``msssim.m``: between scales a 2 x 2 mean, of which every second value is kept;
    the last row or column of an odd size is averaged with itself. Where sizes are even at every
    scale piq equals it to 1e-15, and pytorch-msssim to 1e-7 (its window is float32). At odd sizes
    piq repeats the first row and column instead, and pytorch-msssim pads with zeros. Reference:
    Wang, Simoncelli, Bovik, 2003, doi:10.1109/ACSSC.2003.1292216.

    Example:
        >>> import numpy as np
        >>> from sr_bench import ms_ssim
        >>> hr = np.tile(np.arange(192, dtype=np.uint8), (192, 1))
        >>> round(ms_ssim(hr // 2, hr, data_range=255), 4)
        0.8754
    """
    sr, hr, data_range = checked_pair(sr, hr, data_range=data_range)
    return ms_ssim_unchecked(sr, hr, data_range=data_range)


def ms_ssim_unchecked(
    sr: NDArray[np.generic], hr: NDArray[np.generic], *, data_range: float
) -> float:
    """The same of planes that the caller made: any channel count, types may differ."""
    if min(hr.shape[:2]) < SMALLEST:
        raise ValueError(
            f"images are {hr.shape[:2]}, MS-SSIM's five scales need both sides to be at least "
            f"{SMALLEST}; use SSIM, or larger images"
        )
    if hr.ndim == 3:
        channels = range(hr.shape[2])
        each = [ms_ssim_unchecked(sr[..., c], hr[..., c], data_range=data_range) for c in channels]
        return float(np.mean(each))
    x, y = sr.astype(np.float64), hr.astype(np.float64)
    product = 1.0
    for scale, weight in enumerate(WEIGHTS, start=1):
        if scale > 1:
            x, y = _halved(x), _halved(y)
        whole, contrast = _means(x, y, data_range)
        mean = whole if scale == len(WEIGHTS) else contrast
        product *= max(mean, 0.0) ** weight
    return product


def _means(x: Array, y: Array, data_range: float) -> tuple[float, float]:
    """The means of SSIM and of its contrast and structure terms, over windows wholly inside."""
    terms = ssim_terms(gaussian_means(x, y), data_range)
    luminance, contrast = (above / below for above, below in terms)
    return float((luminance * contrast).mean()), float(contrast.mean())


def _halved(image: Array) -> Array:
    """Means of 2 x 2 values; the last row or column of an odd size counts twice."""
    odd = [(0, n % 2) for n in image.shape]
    whole = np.pad(image, odd, mode="edge")
    height, width = whole.shape
    return np.asarray(whole.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3)))
