"""Bicubic interpolation: MATLAB's imresize, the same one that made the lr image."""

from __future__ import annotations

import numpy as np
import torch

from sr_bench.imaging.color import strips, to_uint8
from sr_bench.imaging.resize import imresize
from sr_bench.networks.method import Method, ModelColour, Setup


class Bicubic:
    """(1, C, h, w) -> (1, C, scale * h, scale * w), each plane alike.

    Where lr is 8-bit, the interpolation rounds as MATLAB does on uint8; where lr was never
    rounded, neither is this.
    """

    colour: ModelColour = "any"
    reach = 2  # Keys' kernel ends 2 pixels from its centre

    def __init__(self, setup: Setup) -> None:
        self.scale = setup.scale
        self.rounding = setup.degradation.rounding
        self.border = setup.degradation.border

    def __call__(self, lr: torch.Tensor) -> torch.Tensor:
        """Interpolate float32 planes in [0, 1]."""
        planes = lr[0].numpy().transpose(1, 2, 0).astype(np.float64) * 255  # (h, w, C)
        pixels = planes if self.rounding == "none" else to_uint8(planes)
        sr = imresize(pixels, scale=self.scale, rounding=self.rounding, border=self.border)
        values = np.empty(sr.shape, np.float32)
        for rows in strips(sr):
            values[rows] = sr[rows] / 255
        return torch.from_numpy(values).permute(2, 0, 1)[None]


METHOD = Method(
    name="bicubic",
    title="bicubic",
    colour="#000000",
    marker="D",
    baseline=True,
    speed_reference=True,
    load=Bicubic,
    reference="Keys 1981, doi:10.1109/TASSP.1981.1163711; MATLAB imresize",
)
