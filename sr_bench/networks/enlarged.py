"""Networks that sharpen MATLAB's bicubic enlargement of Y, or add to it."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from sr_bench.imaging.degrade import Degradation
from sr_bench.imaging.resize import imresize
from sr_bench.networks.blocks import conv
from sr_bench.networks.method import ModelColour
from sr_bench.networks.strips import InferenceNetwork

BICUBIC_REACH = 2  # lr pixels that imresize looks at on each side


def enlarge(lr: torch.Tensor, *, scale: int, degradation: Degradation) -> torch.Tensor:
    """(1, 1, h, w) in [0, 1] -> (1, 1, scale * h, scale * w), unrounded.

    By MATLAB's bicubic ``imresize``, whose border is that of the degradation.
    """
    plane = lr[0, 0].double().numpy()
    enlarged = imresize(plane, scale=scale, rounding="none", border=degradation.border)
    return torch.from_numpy(enlarged.astype(np.float32))[None, None]


class AfterEnlarging:
    """A network of 3x3 convolutions behind the bicubic enlargement of Y.

    Args:
        network: taken over; (1, 1, H, W) to the same.
        layers: how many convolutions it has, one after the other.
        scale: the upscaling factor.
        degradation: how lr was made.
        limits: the least and the greatest value of the enlargement; others are clipped to them.
    """

    colour: ModelColour = "y"

    def __init__(
        self,
        network: nn.Module,
        *,
        layers: int,
        scale: int,
        degradation: Degradation,
        limits: tuple[float, float] = (-math.inf, math.inf),
    ) -> None:
        self.network, self.limits = InferenceNetwork(network), limits
        self.scale, self.degradation = scale, degradation
        self.reach = math.ceil(layers / scale) + BICUBIC_REACH

    def __call__(self, lr: torch.Tensor) -> torch.Tensor:
        """(1, 1, h, w) -> (1, 1, scale * h, scale * w)."""
        enlarged = enlarge(lr, scale=self.scale, degradation=self.degradation)
        sr: torch.Tensor = self.network(enlarged.clamp(*self.limits))
        return sr


def plain_layers(layers: int, features: int) -> nn.Sequential:
    """3x3 convolutions from one plane to one, with ReLU between them."""
    widths = [1, *[features] * (layers - 1), 1]
    body: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        body += [conv(inputs, outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*body[:-1])  # no ReLU at the end
