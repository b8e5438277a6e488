"""The planes that a model sees and those of lr: converted there and back, unrounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sr_bench.imaging.color import gray_of_rgb, rgb_to_ycbcr, ycbcr_to_rgb
from sr_bench.imaging.degrade import Degradation
from sr_bench.imaging.resize import imresize
from sr_bench.networks.method import ModelColour

Planes = NDArray[np.float64]  # (h, w) or (h, w, 3), 0..255, unrounded
_NO_CHROMA = 128.0  # Cb and Cr of a gray image


class Through(NamedTuple):
    """A model's call between planes of lr and of sr.

    Args:
        apply: the model on the planes that it sees, (h, w) or (h, w, 3).
        degradation: how lr was made: which planes lr has.
        scale: the upscaling factor.
    """

    apply: Callable[[Planes], Planes]
    degradation: Degradation
    scale: int

    def __call__(self, colour: ModelColour, lr: Planes) -> Planes:
        """lr in the degradation's planes -> sr in the same, by a model of that colour."""
        by_colour = {"any": self.apply, "y": self._y, "ycbcr": self._ycbcr, "rgb": self._rgb}
        return by_colour[colour](lr)

    def _rgb(self, lr: Planes) -> Planes:
        if lr.ndim == 2:
            sr = self.apply(np.repeat(lr[..., None], 3, axis=2))
            return sr if self.degradation.colour == "rgb" else gray_of_rgb(sr)
        if self.degradation.colour == "rgb":
            return self.apply(lr)
        return rgb_to_ycbcr(self.apply(ycbcr_to_rgb(lr)))

    def _ycbcr(self, lr: Planes) -> Planes:
        if lr.ndim == 2:
            chroma = np.full_like(lr, _NO_CHROMA)
            return self.apply(np.stack([lr, chroma, chroma], axis=-1))[..., 0]
        if self.degradation.colour == "ycbcr":
            return self.apply(lr)
        return ycbcr_to_rgb(self.apply(rgb_to_ycbcr(lr)))

    def _y(self, lr: Planes) -> Planes:
        """Y through the model, Cb and Cr by bicubic, as the SRCNN paper does."""
        if lr.ndim == 2:
            return self.apply(lr)
        ycbcr = lr if self.degradation.colour == "ycbcr" else rgb_to_ycbcr(lr)
        border = self.degradation.border
        sr = imresize(ycbcr, scale=self.scale, rounding="none", border=border).astype(np.float64)
        sr[..., 0] = self.apply(ycbcr[..., 0])
        return sr if self.degradation.colour == "ycbcr" else ycbcr_to_rgb(sr)
