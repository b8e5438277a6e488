"""IMDN: blocks that send a part of their channels straight to their end, step by step.

Hui, Gao, Yang, Wang, "Lightweight Image Super-Resolution with Information Multi-distillation
Network", 2019, doi:10.1145/3343031.3351084. Layers are called as in the authors' checkpoints.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import leaky_relu

from sr_bench.networks.blocks import conv
from sr_bench.networks.method import Method, ModelColour, Published, Setup
from sr_bench.networks.strips import InferenceNetwork
from sr_bench.networks.weights import load_strictly, read_checkpoint

FEATURES, KEPT, BLOCKS, SLOPE = 64, 16, 6, 0.05
SCALES = (2, 3, 4)


class ContrastAttention(nn.Module):
    """Channels weighted by the mean plus the standard deviation of each, over the whole image."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_du = nn.Sequential(
            nn.Conv2d(channels, channels // 16, 1),
            nn.ReLU(),
            nn.Conv2d(channels // 16, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> the same."""
        mean = x.mean((2, 3), keepdim=True)
        deviation = ((x - mean) ** 2).mean((2, 3), keepdim=True).sqrt()
        weights: torch.Tensor = self.conv_du(deviation + mean)
        return x * weights


class DistillationBlock(nn.Module):
    """Four convolutions; of each of the first three, 16 of 64 channels are kept as they are."""

    def __init__(self) -> None:
        super().__init__()
        rest = FEATURES - KEPT
        self.c1 = conv(FEATURES, FEATURES)
        self.c2, self.c3 = conv(rest, FEATURES), conv(rest, FEATURES)
        self.c4 = conv(rest, KEPT)
        self.cca = ContrastAttention(FEATURES)
        self.c5 = conv(FEATURES, FEATURES, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 64, h, w) -> the same."""
        sizes = [KEPT, FEATURES - KEPT]
        kept1, rest = torch.split(leaky_relu(self.c1(x), SLOPE), sizes, 1)
        kept2, rest = torch.split(leaky_relu(self.c2(rest), SLOPE), sizes, 1)
        kept3, rest = torch.split(leaky_relu(self.c3(rest), SLOPE), sizes, 1)
        kept = torch.cat([kept1, kept2, kept3, self.c4(rest)], 1)
        refined: torch.Tensor = self.c5(self.cca(kept))
        return x + refined


class IMDN(nn.Module):
    """(B, 3, h, w) RGB in [0, 1] to ``scale`` times the size.

    It has no ``reach``: the attention looks at the whole image. At x2, x3, x4 it has 694,404,
    703,059 and 715,176 parameters.
    """

    colour: ModelColour = "rgb"
    batches = True

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.fea_conv = conv(3, FEATURES)
        for i in range(1, BLOCKS + 1):
            setattr(self, f"IMDB{i}", DistillationBlock())
        self.c = nn.Sequential(conv(BLOCKS * FEATURES, FEATURES, 1), nn.LeakyReLU(SLOPE))
        self.LR_conv = conv(FEATURES, FEATURES)
        self.upsampler = nn.Sequential(conv(FEATURES, 3 * scale**2), nn.PixelShuffle(scale))

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """(B, 3, h, w) -> (B, 3, scale * h, scale * w)."""
        first = x = self.fea_conv(lr)
        blocks = []
        for i in range(1, BLOCKS + 1):
            x = getattr(self, f"IMDB{i}")(x)
            blocks.append(x)
        x = self.LR_conv(self.c(torch.cat(blocks, 1))) + first
        sr: torch.Tensor = self.upsampler(x)
        return sr


def load(setup: Setup) -> InferenceNetwork:
    """The model with the authors' weights."""
    file = setup.require_file("imdn")
    network = IMDN(setup.scale)
    load_strictly(network, read_checkpoint(file), file)
    return InferenceNetwork(network)


def example(path: Path, variant: str, scale: int) -> None:
    """Write untrained weights as the authors do."""
    torch.save({f"module.{k}": v for k, v in IMDN(scale).state_dict().items()}, path)


METHOD = Method(
    name="imdn",
    title="IMDN",
    colour="#CC79A7",
    marker="P",
    load=load,
    reference="Hui et al. 2019, doi:10.1145/3343031.3351084",
    scales=SCALES,
    published={
        ("", "author", s): Published(
            "IMDN-author-weights", f"checkpoints/IMDN_x{s}.pth", trained_on="DIV2K"
        )
        for s in SCALES
    },
    example=example,
)
