"""LapSRN: doubles the image level by level, and adds a learned residual to each, on Y.

Lai, Huang, Ahuja, Yang, "Deep Laplacian Pyramid Networks for Fast and Accurate Super-Resolution",
2017, doi:10.1109/CVPR.2017.618. x3, which the authors' script makes of x4 by imresize, is left out:
the paper prints no number of it.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import leaky_relu

from sr_bench.networks.blocks import conv
from sr_bench.networks.matconvnet import read_dagnn, write_dagnn
from sr_bench.networks.method import Method, ModelColour, Published, Setup
from sr_bench.networks.strips import InferenceNetwork
from sr_bench.networks.weights import layer_rules, load_strictly, rename

FEATURES, SLOPE = 64, 0.2
SIZES = {2: (1, 10), 4: (2, 10), 8: (3, 5)}  # scale -> levels, and convolutions of each


class Level(nn.Module):
    """One doubling: some convolutions, one that enlarges, and the residual of the image."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.depth = depth
        for i in range(1, depth + 1):
            setattr(self, f"conv{i}", conv(FEATURES, FEATURES))
        self.upconv = nn.ConvTranspose2d(FEATURES, FEATURES, 3, stride=2)
        self.residual_conv = conv(FEATURES, 1)
        self.img_up = nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1, bias=False)

    def forward(self, x: torch.Tensor, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Features (B, 64, h, w) and the image (B, 1, h, w), both at twice the size."""
        for i in range(1, self.depth + 1):
            x = leaky_relu(getattr(self, f"conv{i}")(x), SLOPE)
        x = leaky_relu(self.upconv(x)[..., :-1, :-1], SLOPE)
        return x, self.img_up(image) + self.residual_conv(x)


class LapSRN(nn.Module):
    """(B, 1, h, w) Y in [0, 1] to 2, 4 or 8 times the size, by one, two or three levels.

    A level has 407,504 parameters, and the first convolution 640 more.
    """

    colour: ModelColour = "y"
    batches = True

    def __init__(self, scale: int) -> None:
        super().__init__()
        levels, depth = SIZES[scale]
        self.input_conv = conv(1, FEATURES)
        self.levels = nn.ModuleDict({f"level{i}": Level(depth) for i in range(levels, 0, -1)})
        # each level sees `depth` pixels of its own input, and 2; of half the size each time
        self.reach = 1 + math.ceil((depth + 2) * (2 - 2 / scale))

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """(B, 1, h, w) -> (B, 1, scale * h, scale * w)."""
        x, image = leaky_relu(self.input_conv(lr), SLOPE), lr
        for level in self.levels.values():
            x, image = level(x, image)
        return image


def load(setup: Setup) -> InferenceNetwork:
    """The model with the authors' weights."""
    file = setup.require_file("lapsrn")
    network = LapSRN(setup.scale)
    rules = layer_rules({"input_conv": "input_conv", r"level(\d)_(\w+)": r"levels.level\1.\2"})
    load_strictly(network, rename(read_dagnn(file), rules, file).state, file)
    return InferenceNetwork(network)


def example(path: Path, variant: str, scale: int) -> None:
    """Write untrained weights as the authors do."""
    state = LapSRN(scale).state_dict()
    write_dagnn(path, {re.sub(r"levels\.(level\d)\.", r"\1_", k): v for k, v in state.items()})


METHOD = Method(
    name="lapsrn",
    title="LapSRN",
    colour="#882255",
    marker="<",
    load=load,
    reference="Lai et al. 2017, doi:10.1109/CVPR.2017.618",
    scales=tuple(SIZES),
    published={
        ("", "author", s): Published("LapSRN-author-weights", f"pretrained_models/LapSRN_x{s}.mat")
        for s in SIZES
    },
    example=example,
)
