"""Peak signal-to-noise ratio."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sr_bench.evaluation.metrics.checks import checked_pair

_STRIP = 2**15  # values at a time: they stay in the processor's cache


def psnr(sr: NDArray[np.generic], hr: NDArray[np.generic], *, data_range: float) -> float:
    """PSNR = 10 log10(data_range^2 / MSE), the MSE over all pixels and channels together.

    Args:
        sr, hr: (h, w) or (h, w, 3), same shape; uint8, uint16, or both floats on one scale.
        data_range: 255 for uint8, 65535 for uint16; of floats what white is: 255, or 1.

    Returns:
        dB, higher is better; ``inf`` for identical images.

    Raises:
        ValueError: for arrays whose layout, type or scale isn't certain: another shape, channels
            first, values outside 0..data_range, floats on 0..1 with data range 255, NaN; the whole
            rule is that of :func:`sr_bench.evaluation.metrics.checks.checked_pair`.

    Equals scikit-image's ``peak_signal_noise_ratio`` and MATLAB's ``psnr`` on one image.

    Example:
        >>> import numpy as np
        >>> from sr_bench import psnr
        >>> hr = np.full((16, 16), 100, np.uint8)
        >>> round(psnr(hr + np.uint8(1), hr, data_range=255), 2)  # MSE is 1
        48.13
    """
    sr, hr, data_range = checked_pair(sr, hr, data_range=data_range)
    return psnr_unchecked(sr, hr, data_range=data_range)


def psnr_unchecked(sr: NDArray[np.generic], hr: NDArray[np.generic], *, data_range: float) -> float:
    """The same of planes that the caller made: any channel count, types may differ."""
    strip = max(1, _STRIP // (hr.size // hr.shape[0]))  # rows
    starts = range(0, hr.shape[0], strip)
    mse = sum(_squared_error(sr[i : i + strip], hr[i : i + strip]) for i in starts) / hr.size
    return float("inf") if mse == 0 else float(10 * np.log10(data_range**2 / mse))


def _squared_error(sr: NDArray[np.generic], hr: NDArray[np.generic]) -> float:
    """Sum of (sr - hr)^2 in float64; exact for uint8."""
    difference = np.subtract(sr, hr, dtype=np.float64)
    return float(np.square(difference, out=difference).sum())
