"""IDN: blocks that send a part of their features on and refine the rest, on Y.

Hui, Wang, Gao, "Fast and Accurate Single Image Super-Resolution via Information Distillation
Network", 2018, doi:10.1109/CVPR.2018.00082. Layers are called as in the authors' caffemodels.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import leaky_relu

from sr_bench.imaging.degrade import Degradation
from sr_bench.networks.blocks import conv
from sr_bench.networks.caffe_files import read_caffemodel, write_caffemodel
from sr_bench.networks.enlarged import BICUBIC_REACH, enlarge
from sr_bench.networks.method import Method, ModelColour, Published, Setup
from sr_bench.networks.strips import InferenceNetwork
from sr_bench.networks.weights import load_strictly

FEATURES, KEPT, SLOPE, BLOCKS = 64, 16, 0.05, (3, 4, 5, 6)
KERNEL = 17  # of the deconvolution


def block_layers(number: int) -> dict[str, nn.Conv2d]:
    """The seven convolutions of a block; the second and fifth in four groups."""
    name = f"conv{number}"
    return {
        f"{name}_1": conv(FEATURES, 48),
        f"{name}_2": conv(48, 32, groups=4),
        f"{name}_3": conv(32, FEATURES),
        f"{name}_4": conv(FEATURES - KEPT, FEATURES),
        f"{name}_5": conv(FEATURES, 48, groups=4),
        f"{name}_6": conv(48, FEATURES + KEPT),
        f"down{number - 2}": conv(FEATURES + KEPT, FEATURES, 1),
    }


class IDN(nn.Module):
    """(B, 1, h, w) Y in [0, 1] -> what its enlargement lacks, at ``scale`` times the size.

    552,769 parameters at each scale.
    """

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.conv1, self.conv2 = conv(1, FEATURES), conv(FEATURES, FEATURES)
        for number in BLOCKS:
            for name, layer in block_layers(number).items():
                setattr(self, name, layer)
        self.upsample = nn.ConvTranspose2d(
            FEATURES, 1, KERNEL, stride=scale, padding=KERNEL // 2 + 1 - scale
        )

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """(B, 1, h, w) -> (B, 1, scale * h, scale * w)."""
        x = self._layers(lr, "conv1", "conv2")
        for number in BLOCKS:
            name = f"conv{number}"
            short = self._layers(x, f"{name}_1", f"{name}_2", f"{name}_3")
            kept, rest = torch.split(short, [KEPT, FEATURES - KEPT], 1)
            long = self._layers(rest, f"{name}_4", f"{name}_5", f"{name}_6")
            x = self._layers(torch.cat([x, kept], 1) + long, f"down{number - 2}")
        height, width = (self.scale * size for size in lr.shape[-2:])
        detail: torch.Tensor = self.upsample(x)[..., :height, :width]
        return detail

    def _layers(self, x: torch.Tensor, *names: str) -> torch.Tensor:
        for name in names:
            x = leaky_relu(getattr(self, name)(x), SLOPE)
        return x


class EnlargedIDN:
    """IDN's detail, and MATLAB's bicubic enlargement."""

    colour: ModelColour = "y"

    def __init__(self, network: IDN, degradation: Degradation) -> None:
        self.scale, self.degradation = network.scale, degradation
        layers = 2 + 6 * len(BLOCKS) + math.ceil(KERNEL / network.scale)
        self.reach = layers + BICUBIC_REACH
        self.network = InferenceNetwork(network)

    def __call__(self, lr: torch.Tensor) -> torch.Tensor:
        """(1, 1, h, w) -> (1, 1, scale * h, scale * w)."""
        sr: torch.Tensor = self.network(lr)
        return sr + enlarge(lr, scale=self.scale, degradation=self.degradation)


def load(setup: Setup) -> EnlargedIDN:
    """The model with the authors' weights."""
    file = setup.require_file("idn")
    network = IDN(setup.scale)
    load_strictly(network, read_caffemodel(file), file)
    return EnlargedIDN(network, setup.degradation)


def example(path: Path, variant: str, scale: int) -> None:
    """Write untrained weights as the authors do."""
    write_caffemodel(path, IDN(scale).state_dict())


METHOD = Method(
    name="idn",
    title="IDN",
    colour="#DDCC77",
    marker="h",
    load=load,
    reference="Hui et al. 2018, doi:10.1109/CVPR.2018.00082",
    published={
        ("", "author", s): Published("IDN-author-weights", f"test/caffemodel/IDN_x{s}.caffemodel")
        for s in (2, 3, 4)
    },
    example=example,
)
