"""The planes that a model sees and those of lr: converted there and back, unrounded."""

from __future__ import annotations

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
    """Between the planes of lr and sr, and those that a model sees and makes.

    Args:
        colour: the planes that the model wants.
        degradation: how lr was made: which planes lr has.
        scale: the upscaling factor.
    """

    colour: ModelColour
    degradation: Degradation
    scale: int

    def seen(self, lr: Planes) -> Planes:
        """What the model sees of lr: (h, w) or (h, w, 3)."""
        rgb = self.degradation.colour == "rgb"
        if self.colour == "rgb":
            if lr.ndim == 2:
                return np.repeat(lr[..., None], 3, axis=2)
            return lr if rgb else ycbcr_to_rgb(lr)
        if self.colour == "ycbcr":
            if lr.ndim == 2:
                chroma = np.full_like(lr, _NO_CHROMA)
                return np.stack([lr, chroma, chroma], axis=-1)
            return rgb_to_ycbcr(lr) if rgb else lr
        if self.colour == "y" and lr.ndim == 3:
            return self._ycbcr(lr)[..., 0]
        return lr

    def back(self, lr: Planes, made: Planes) -> Planes:
        """sr in lr's planes, of what the model made."""
        rgb = self.degradation.colour == "rgb"
        if self.colour == "rgb":
            if lr.ndim == 2:
                return made if rgb else gray_of_rgb(made)
            return made if rgb else rgb_to_ycbcr(made)
        if self.colour == "ycbcr":
            if lr.ndim == 2:
                return made[..., 0]
            return ycbcr_to_rgb(made) if rgb else made
        if self.colour == "y" and lr.ndim == 3:
            return self._with_chroma(lr, made)
        return made

    def _with_chroma(self, lr: Planes, y: Planes) -> Planes:
        """Y of the model, Cb and Cr by bicubic, as the SRCNN paper does."""
        ycbcr, border = self._ycbcr(lr), self.degradation.border
        sr = imresize(ycbcr, scale=self.scale, rounding="none", border=border).astype(np.float64)
        sr[..., 0] = y
        return sr if self.degradation.colour == "ycbcr" else ycbcr_to_rgb(sr)

    def _ycbcr(self, lr: Planes) -> Planes:
        return lr if self.degradation.colour == "ycbcr" else rgb_to_ycbcr(lr)
