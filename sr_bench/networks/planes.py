"""The planes that a model sees and those of lr: converted there and back, unrounded."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sr_bench.imaging.color import gray_of_rgb, rgb_to_ycbcr, strips, to_uint8, ycbcr_to_rgb
from sr_bench.imaging.degrade import Degradation
from sr_bench.imaging.images import Image
from sr_bench.imaging.resize import imresize
from sr_bench.networks.method import ModelColour

Planes = NDArray[np.float64]  # (h, w) or (h, w, 3), 0..255, unrounded
Made = NDArray[np.float32] | NDArray[np.float64]  # the same on 0..1
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
        return self._piece(lr, made, self._enlarged(lr), slice(None))

    def rounded(self, lr: Planes, made: Made) -> Image:
        """sr in lr's planes as uint8, of what the model made, on 0..1.

        It is ``to_uint8(back(lr, 255 * made))``, some rows at a time: those alone are float64.
        """
        enlarged = self._enlarged(lr)
        sr: Image | None = None
        for rows in strips(made):
            some = made[rows].astype(np.float64) * 255
            part = to_uint8(self._piece(lr, some, enlarged, rows))
            sr = np.empty((len(made), *part.shape[1:]), np.uint8) if sr is None else sr
            sr[rows] = part
        assert sr is not None  # a model's output has rows
        return sr

    def _piece(self, lr: Planes, made: Planes, enlarged: Planes | None, rows: slice) -> Planes:
        """Some rows of sr, of those that the model made, and of lr enlarged by bicubic."""
        rgb = self.degradation.colour == "rgb"
        if self.colour == "rgb":
            if lr.ndim == 2:
                return made if rgb else gray_of_rgb(made)
            return made if rgb else rgb_to_ycbcr(made)
        if self.colour == "ycbcr":
            if lr.ndim == 2:
                return made[..., 0]
            return ycbcr_to_rgb(made) if rgb else made
        if enlarged is not None:
            ycbcr = enlarged[rows].copy()
            ycbcr[..., 0] = made
            return ycbcr_to_rgb(ycbcr) if rgb else ycbcr
        return made

    def _enlarged(self, lr: Planes) -> Planes | None:
        """Cb and Cr by bicubic, as the SRCNN paper does, where the model makes Y alone."""
        if self.colour != "y" or lr.ndim == 2:
            return None
        border = self.degradation.border
        sr = imresize(self._ycbcr(lr), scale=self.scale, rounding="none", border=border)
        return sr.astype(np.float64, copy=False)

    def _ycbcr(self, lr: Planes) -> Planes:
        return lr if self.degradation.colour == "ycbcr" else rgb_to_ycbcr(lr)
