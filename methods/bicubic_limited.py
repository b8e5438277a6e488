"""Bicubic's row in VDSR's tables, which EDSR's and others repeat: MATLAB's bicubic, Y clipped.

Kim, Lee, Lee, "Accurate Image Super-Resolution Using Very Deep Convolutional Networks", 2016,
doi:10.1109/CVPR.2016.182. Enlarged Y is clipped to 16..235, that of a gray image too, as VDSR's
authors do before each network of their tables (methods/vdsr.py, the variant "limited").
"""

from __future__ import annotations

import torch

from sr_bench.networks.enlarged import BICUBIC_REACH, enlarge
from sr_bench.networks.method import Method, ModelColour, Setup

LIMITS = 16 / 255, 235 / 255


class LimitedBicubic:
    """(1, 1, h, w) -> (1, 1, scale * h, scale * w), Y in [0, 1], never rounded."""

    colour: ModelColour = "y"
    reach = BICUBIC_REACH

    def __init__(self, setup: Setup) -> None:
        self.scale, self.degradation = setup.scale, setup.degradation

    def __call__(self, lr: torch.Tensor) -> torch.Tensor:
        """Interpolate, and clip."""
        return enlarge(lr, scale=self.scale, degradation=self.degradation).clamp(*LIMITS)


METHOD = Method(
    name="bicubic_limited",
    title="bicubic, Y clipped",
    colour="#444444",
    marker="d",
    load=LimitedBicubic,
    reference="Kim et al. 2016, doi:10.1109/CVPR.2016.182; MATLAB imresize",
)
