"""What every full-reference metric demands of its two images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def require_pair(sr: NDArray[np.generic], hr: NDArray[np.generic]) -> None:
    """Raise ``ValueError`` unless both are finite images of one shape."""
    if sr.shape != hr.shape:
        raise ValueError(
            f"sr is {sr.shape}, hr is {hr.shape}; bring both to one size and channel count"
        )
    if hr.ndim not in (2, 3) or 0 in hr.shape:
        raise ValueError(f"images have shape {hr.shape}, expected (h, w) or (h, w, c)")
    for name, image in (("sr", sr), ("hr", hr)):
        if image.dtype.kind == "f" and not np.isfinite(image).all():
            bad = int((~np.isfinite(image)).sum())
            raise ValueError(
                f"{name} has {bad} NaN or infinite values of {image.size}; "
                "a metric of them has no meaning: find the operation that made them"
            )
