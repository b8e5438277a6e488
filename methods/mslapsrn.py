"""MS-LapSRN: LapSRN with one level's weights for all levels, and one file for all scales, on Y.

Lai, Huang, Ahuja, Yang, "Fast and Accurate Image Super-Resolution with Deep Laplacian Pyramid
Networks", 2018, doi:10.1109/TPAMI.2018.2865304. A variant names the convolutions of a block (D)
and how often it is used at each level (R). x3, which the authors' script makes of x4 by imresize,
is left out.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import leaky_relu

from sr_bench.networks.blocks import conv
from sr_bench.networks.matconvnet import read_dagnn, write_dagnn
from sr_bench.networks.method import Method, ModelColour, Published, Setup
from sr_bench.networks.strips import InferenceNetwork
from sr_bench.networks.weights import load_strictly

FEATURES, DEPTH, SLOPE = 64, 5, 0.2
REPEATS = {"D5R2": 2, "D5R5": 5, "D5R8": 8}
LEVELS = {2: 1, 4: 2, 8: 3}  # of a scale


class MSLapSRN(nn.Module):
    """(B, 1, h, w) Y in [0, 1] to 2, 4 or 8 times the size: 222,930 parameters for all of them."""

    colour: ModelColour = "y"
    batches = True

    def __init__(self, variant: str, scale: int) -> None:
        super().__init__()
        self.count, self.repeats = LEVELS[scale], REPEATS[variant]
        self.input_conv = conv(1, FEATURES)
        for i in range(1, DEPTH + 1):
            setattr(self, f"conv{i}", conv(FEATURES, FEATURES))
        self.upconv = nn.ConvTranspose2d(FEATURES, FEATURES, 3, stride=2)
        self.residual_conv = conv(FEATURES, 1)
        self.img_up = nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1, bias=False)
        # each level sees so many pixels of its own input, and 2 more; of half the size each time
        self.reach = 1 + math.ceil((DEPTH * self.repeats + 2) * (2 - 2 / scale))

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """(B, 1, h, w) -> (B, 1, scale * h, scale * w)."""
        x, image = self.input_conv(lr), lr
        for _ in range(self.count):
            x = leaky_relu(self.embedded(x), SLOPE)
            x = self.upconv(x)[..., :-1, :-1]
            image = self.img_up(image) + self.residual_conv(x)
        return image

    def embedded(self, x: torch.Tensor) -> torch.Tensor:
        """The block, again and again; the level's input is added each time. (B, 64, h, w)."""
        first = x
        for _ in range(self.repeats):
            for i in range(1, DEPTH + 1):
                x = getattr(self, f"conv{i}")(leaky_relu(x, SLOPE))
            x = x + first
        return x


def load(setup: Setup) -> InferenceNetwork:
    """The model with the authors' weights."""
    file = setup.require_file("mslapsrn")
    network = MSLapSRN(setup.variant, setup.scale)
    load_strictly(network, read_dagnn(file), file)
    return InferenceNetwork(network)


def example(path: Path, variant: str, scale: int) -> None:
    """Write untrained weights as the authors do."""
    write_dagnn(path, MSLapSRN(variant, scale).state_dict())


METHOD = Method(
    name="mslapsrn",
    title="MS-LapSRN",
    colour="#AA4499",
    marker="p",
    load=load,
    reference="Lai et al. 2018, doi:10.1109/TPAMI.2018.2865304",
    variants=tuple(REPEATS),
    scales=tuple(LEVELS),
    published={
        (v, "author", s): Published("LapSRN-author-weights", f"pretrained_models/MSLapSRN_{v}.mat")
        for v in REPEATS
        for s in LEVELS
    },
    example=example,
)
