"""Peak signal-to-noise ratio."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sr_bench.metrics.checks import require_pair

_STRIP = 2**15  # values at a time: they stay in the processor's cache


def psnr(sr: NDArray[np.generic], hr: NDArray[np.generic], *, data_range: float) -> float:
    """PSNR = 10 log10(data_range^2 / MSE), the MSE over all pixels and channels together.

    Args:
        sr, hr: (h, w) or (h, w, c), same shape, uint8 or float on the same scale.
        data_range: 255 for 8-bit values.

    Returns:
        dB, higher is better; ``inf`` for identical images.

    Raises:
        ValueError: if the shapes differ, or a value is NaN or infinite.

    Equals scikit-image's ``peak_signal_noise_ratio`` and MATLAB's ``psnr`` on one image.
    """
    require_pair(sr, hr)
    strip = max(1, _STRIP // (hr.size // hr.shape[0]))  # rows
    starts = range(0, hr.shape[0], strip)
    mse = sum(_squared_error(sr[i : i + strip], hr[i : i + strip]) for i in starts) / hr.size
    return float("inf") if mse == 0 else float(10 * np.log10(data_range**2 / mse))


def _squared_error(sr: NDArray[np.generic], hr: NDArray[np.generic]) -> float:
    """Sum of (sr - hr)^2 in float64; exact for uint8."""
    difference = np.subtract(sr, hr, dtype=np.float64)
    return float(np.square(difference, out=difference).sum())
