"""Held-out training images: which they are, and the PSNR of a network on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from sr_bench.color import rgb_to_y
from sr_bench.degrade import Degradation, degrade, hr_planes
from sr_bench.images import Image
from sr_bench.metrics import psnr

HELD_OUT = 8
LARGEST = 480  # pixels of a side: larger images are cut to their middle


def held_out(count: int) -> list[int]:
    """Which of ``count`` images, in order, are kept from training: evenly spread ones.

    At most :data:`HELD_OUT`, and never more than a tenth.
    """
    kept = min(HELD_OUT, count // 10)
    return [round((i + 0.5) * count / kept) for i in range(kept)]


def middle(image: Image) -> Image:
    """The middle of an image, at most ``LARGEST`` pixels high and wide."""
    height, width = image.shape[:2]
    top, left = max(0, height - LARGEST) // 2, max(0, width - LARGEST) // 2
    return image[top : top + LARGEST, left : left + LARGEST]


@dataclass(frozen=True)
class Validation:
    """Held-out images: PSNR on the luminance, ``scale`` pixels cut from each side."""

    images: Sequence[Image]
    degradation: Degradation

    def psnr(self, upscale: Callable[[NDArray[np.generic]], Image], scale: int) -> float:
        """Mean PSNR in dB of what ``upscale`` makes of each image's lr."""
        return fmean(self._psnr(image, upscale, scale) for image in self.images)

    def _psnr(
        self, image: Image, upscale: Callable[[NDArray[np.generic]], Image], scale: int
    ) -> float:
        hr = self._y(hr_planes(image, self.degradation, scale))
        sr = self._y(upscale(degrade(image, self.degradation, scale=scale)))
        inside = (slice(scale, -scale), slice(scale, -scale))
        return psnr(sr[inside], hr[inside], data_range=255)

    def _y(self, planes: Image) -> NDArray[np.generic]:
        if planes.ndim == 2:
            return planes
        return rgb_to_y(planes) if self.degradation.colour == "rgb" else planes[..., 0]
