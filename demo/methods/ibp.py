"""Iterative back-projection: a classical method that needs no weights, as a worked example.

Irani and Peleg, "Improving resolution by image registration", 1991,
doi:10.1016/1049-9652(91)90045-L: enlarge, shrink again, and add the enlarged difference to what
was missing, until shrinking the result gives lr back.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch

from sr_bench.imaging.resize import imresize
from sr_bench.networks.method import Method, ModelColour, Setup

STEPS = 10


class BackProjection:
    """(1, C, h, w) -> (1, C, scale * h, scale * w), each plane alike."""

    colour: ModelColour = "any"

    def __init__(self, setup: Setup) -> None:
        self.up, self.down = setup.scale, Fraction(1, setup.scale)
        self.border = setup.degradation.border

    def __call__(self, lr: torch.Tensor) -> torch.Tensor:
        """Enlarge float32 planes in [0, 1]."""
        planes = lr[0].numpy().transpose(1, 2, 0).astype(np.float64)  # (h, w, C)
        sr = imresize(planes, scale=self.up, rounding="none", border=self.border)
        for _ in range(STEPS):
            back = imresize(sr, scale=self.down, rounding="none", border=self.border)
            sr = sr + imresize(planes - back, scale=self.up, rounding="none", border=self.border)
        return torch.from_numpy(sr.astype(np.float32)).permute(2, 0, 1)[None]


METHOD = Method(
    name="ibp",
    load=BackProjection,
    reference="Irani and Peleg 1991, doi:10.1016/1049-9652(91)90045-L",
)
