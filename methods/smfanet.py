"""SMFANet: each block weighs its features by a small copy of them and by their variance.

Zheng, Sun, Dong, Pan, "SMFANet: A Lightweight Self-Modulation Feature Aggregation Network for
Efficient Image Super-Resolution", 2024, doi:10.1007/978-3-031-72973-7_21. ``plus`` is the larger
SMFANet+. Layers are called as in the authors' checkpoints.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import adaptive_max_pool2d, gelu, interpolate, normalize

from sr_bench.networks.blocks import conv
from sr_bench.networks.method import Method, ModelColour, Published, Setup
from sr_bench.networks.strips import InferenceNetwork
from sr_bench.networks.weights import load_strictly, read_checkpoint

SMALL = 8  # the small copy is so many times smaller


class Sizes(NamedTuple):
    """What a variant is."""

    features: int
    blocks: int


SIZES = {"": Sizes(36, 8), "plus": Sizes(48, 12)}
SCALES = (2, 3, 4)


class LocalDetail(nn.Module):
    """A depthwise 3x3 to twice the channels, and two 1x1."""

    def __init__(self, features: int) -> None:
        super().__init__()
        wide = 2 * features
        self.conv_0 = nn.Sequential(conv(features, wide, groups=features), conv(wide, wide, 1))
        self.conv_1 = conv(wide, features, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> the same."""
        y: torch.Tensor = self.conv_1(gelu(self.conv_0(x)))
        return y


class SelfModulation(nn.Module):
    """Local detail of one half, and the other half weighted by its small copy and variance."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.linear_0 = conv(features, 2 * features, 1)
        self.linear_1, self.linear_2 = conv(features, features, 1), conv(features, features, 1)
        self.lde = LocalDetail(features)
        self.dw_conv = conv(features, features, groups=features)
        self.alpha = nn.Parameter(torch.ones(1, features, 1, 1))
        self.belt = nn.Parameter(torch.zeros(1, features, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> the same."""
        height, width = x.shape[2:]
        local, whole = self.linear_0(x).chunk(2, dim=1)
        size = max(1, height // SMALL), max(1, width // SMALL)
        small = self.dw_conv(adaptive_max_pool2d(whole, size))
        variance = ((whole - whole.mean((2, 3), keepdim=True)) ** 2).sum((2, 3), keepdim=True)
        variance = variance / max(1, height * width - 1)
        weights = gelu(self.linear_1(small * self.alpha + variance * self.belt))
        weighted = whole * interpolate(weights, (height, width), mode="nearest")
        y: torch.Tensor = self.linear_2(weighted + self.lde(local))
        return y


class PartialConv(nn.Module):
    """Two 1x1 convolutions; between them a 3x3 on a quarter of the channels."""

    def __init__(self, features: int) -> None:
        super().__init__()
        wide = 2 * features
        self.part = wide // 4
        self.conv_0, self.conv_2 = conv(features, wide, 1), conv(wide, features, 1)
        self.conv_1 = conv(self.part, self.part)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> the same."""
        y = gelu(self.conv_0(x))
        part, rest = y[:, : self.part], y[:, self.part :]
        z: torch.Tensor = self.conv_2(torch.cat([gelu(self.conv_1(part)), rest], 1))
        return z


class Block(nn.Module):
    """Both, each on features of length 1 and added to them."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.smfa, self.pcfn = SelfModulation(features), PartialConv(features)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> the same."""
        x = x + self.smfa(normalize(x))
        detail: torch.Tensor = self.pcfn(normalize(x))
        return x + detail


class SMFANet(nn.Module):
    """(B, 3, h, w) RGB in [0, 1] to ``scale`` times the size.

    It has no ``reach``: the variance is that of the whole image. At x2, x3, x4 it has 185,628,
    190,503 and 197,328 parameters; ``plus`` has 480,300, 486,795 and 495,888.
    """

    colour: ModelColour = "rgb"
    batches = True

    def __init__(self, variant: str, scale: int) -> None:
        super().__init__()
        features, blocks = SIZES[variant]
        self.to_feat = conv(3, features)
        self.feats = nn.Sequential(*(Block(features) for _ in range(blocks)))
        self.to_img = nn.Sequential(conv(features, 3 * scale**2), nn.PixelShuffle(scale))

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """(B, 3, h, w) -> (B, 3, scale * h, scale * w)."""
        x = self.to_feat(lr)
        x = x + self.feats(x)
        sr: torch.Tensor = self.to_img(x)
        return sr


def load(setup: Setup) -> InferenceNetwork:
    """The model with the authors' weights."""
    file = setup.require_file("smfanet")
    network = SMFANet(setup.variant, setup.scale)
    load_strictly(network, read_checkpoint(file), file)
    return InferenceNetwork(network)


def example(path: Path, variant: str, scale: int) -> None:
    """Write untrained weights as the authors do."""
    torch.save({"params": SMFANet(variant, scale).state_dict()}, path)


def _author(variant: str, scale: int) -> Published:
    name, data = ("SMFANet_plus", "DIV2K") if variant else ("SMFANet", "DF2K")
    file = f"pretrain/{name}_{data}_100w_x{scale}SR.pth"
    return Published("SMFANet-author-weights", file, trained_on=data)


METHOD = Method(
    name="smfanet",
    title="SMFANet",
    titles={"plus": "SMFANet+"},
    colour="#44AA99",
    marker="*",
    load=load,
    reference="Zheng et al. 2024, doi:10.1007/978-3-031-72973-7_21",
    variants=tuple(SIZES),
    scales=SCALES,
    published={(v, "author", s): _author(v, s) for v in SIZES for s in SCALES},
    example=example,
)
