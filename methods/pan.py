"""PAN: attention that weighs each value of each channel, in the body and after each enlargement.

Zhao, Kong, He, Qiao, Dong, "Efficient Image Super-Resolution Using Pixel Attention", 2020,
doi:10.1007/978-3-030-67070-2_3. Layers are called as in the authors' checkpoints.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import interpolate, leaky_relu

from sr_bench.networks.blocks import conv
from sr_bench.networks.method import Method, ModelColour, Published, Setup
from sr_bench.networks.strips import InferenceNetwork
from sr_bench.networks.weights import load_strictly, read_checkpoint

FEATURES, ENLARGED, BLOCKS, SLOPE = 40, 24, 16, 0.2
FACTORS = {2: (2,), 3: (3,), 4: (2, 2)}  # the enlargements of a scale


class PixelAttention(nn.Module):
    """x times the sigmoid of its 1x1 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = conv(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> the same."""
        return x * torch.sigmoid(self.conv(x))


class AttendedConv(nn.Module):
    """A 3x3 convolution, weighed pixel by pixel, then another."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.k2 = conv(channels, channels, 1)
        self.k3 = conv(channels, channels, bias=False)
        self.k4 = conv(channels, channels, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> the same."""
        y: torch.Tensor = self.k4(self.k3(x) * torch.sigmoid(self.k2(x)))
        return y


class SelfCalibratedBlock(nn.Module):
    """Two branches of half the channels, one of them attended, and a sum."""

    def __init__(self) -> None:
        super().__init__()
        half = FEATURES // 2
        self.conv1_a = conv(FEATURES, half, 1, bias=False)
        self.conv1_b = conv(FEATURES, half, 1, bias=False)
        self.k1 = nn.Sequential(conv(half, half, bias=False))
        self.PAConv = AttendedConv(half)
        self.conv3 = conv(FEATURES, FEATURES, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 40, h, w) -> the same."""
        plain = leaky_relu(self.k1(leaky_relu(self.conv1_a(x), SLOPE)), SLOPE)
        attended = leaky_relu(self.PAConv(leaky_relu(self.conv1_b(x), SLOPE)), SLOPE)
        detail: torch.Tensor = self.conv3(torch.cat([plain, attended], 1))
        return x + detail


class PAN(nn.Module):
    """(B, 3, h, w) RGB in [0, 1] to ``scale`` times the size.

    It has 261,403 parameters at x2 and x3, 272,419 at x4.
    """

    colour: ModelColour = "rgb"
    batches = True
    # conv_first, two 3x3 in each block, trunk_conv, and 2 for what enlarges
    reach = 1 + 2 * BLOCKS + 1 + 2

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale, self.factors = scale, FACTORS[scale]
        self.conv_first = conv(3, FEATURES)
        self.SCPA_trunk = nn.Sequential(*(SelfCalibratedBlock() for _ in range(BLOCKS)))
        self.trunk_conv = conv(FEATURES, FEATURES)
        for i in range(1, len(self.factors) + 1):
            setattr(self, f"upconv{i}", conv(FEATURES if i == 1 else ENLARGED, ENLARGED))
            setattr(self, f"att{i}", PixelAttention(ENLARGED))
            setattr(self, f"HRconv{i}", conv(ENLARGED, ENLARGED))
        self.conv_last = conv(ENLARGED, 3)

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """(B, 3, h, w) -> (B, 3, scale * h, scale * w)."""
        first = self.conv_first(lr)
        x = first + self.trunk_conv(self.SCPA_trunk(first))
        for i, factor in enumerate(self.factors, start=1):
            x = interpolate(x, scale_factor=factor, mode="nearest")
            x = getattr(self, f"upconv{i}")(x)
            x = leaky_relu(getattr(self, f"att{i}")(x), SLOPE)
            x = leaky_relu(getattr(self, f"HRconv{i}")(x), SLOPE)
        enlarged = interpolate(lr, scale_factor=self.scale, mode="bilinear", align_corners=False)
        detail: torch.Tensor = self.conv_last(x)
        return enlarged + detail


def load(setup: Setup) -> InferenceNetwork:
    """The model with the authors' weights."""
    file = setup.require_file("pan")
    network = PAN(setup.scale)
    load_strictly(network, read_checkpoint(file), file)
    return InferenceNetwork(network)


METHOD = Method(
    name="pan",
    title="PAN",
    colour="#117733",
    marker="X",
    load=load,
    reference="Zhao et al. 2020, doi:10.1007/978-3-030-67070-2_3",
    scales=tuple(FACTORS),
    published={
        ("", "author", s): Published(
            "PAN-author-weights",
            f"experiments/pretrained_models/PANx{s}_DF2K.pth",
            trained_on="DF2K",
        )
        for s in FACTORS
    },
    example=lambda path, variant, scale: torch.save(PAN(scale).state_dict(), path),
)
