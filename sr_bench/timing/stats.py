"""From the times of all rounds to the numbers of a row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def median_and_iqr(times: Sequence[float]) -> tuple[float, float]:
    """Median, and 75th less 25th percentile (linear between neighbours), in seconds."""
    low, middle, high = np.percentile(times, [25, 50, 75])
    return float(middle), float(high - low)


def rates(times: Sequence[float], pixels: Sequence[int]) -> tuple[float, float]:
    """Images and megapixels of sr per second.

    Of one image made again and again, those at the median time. Of a dataset, whose images differ
    in size, its images and pixels by the time that all of it took.
    """
    if len(set(pixels)) == 1:
        median, _ = median_and_iqr(times)
        return 1 / median, pixels[0] / 1e6 / median
    total = sum(times)
    return len(times) / total, sum(pixels) / 1e6 / total
