"""VapSR: attention by large depthwise kernels that weighs each value of each channel.

Zhou, Cai, Gu, et al., "Efficient Image Super-Resolution using Vast-Receptive-Field Attention",
2022, doi:10.1007/978-3-031-25063-7_16. Layers are called as in the authors' checkpoints.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import gelu, layer_norm

from sr_bench.networks.blocks import conv
from sr_bench.networks.method import Method, ModelColour, Published, Setup
from sr_bench.networks.strips import InferenceNetwork
from sr_bench.networks.weights import load_strictly, read_checkpoint

FEATURES, WIDE, SLOPE = 48, 64, 0.1
BLOCKS = {2: 20, 3: 20, 4: 21}
AROUND = 2 + 6  # pixels that the 5x5 kernel, and the one with gaps of 2, see at each side


class VastAttention(nn.Module):
    """x weighted by a 17 x 17 neighbourhood of each channel."""

    def __init__(self) -> None:
        super().__init__()
        self.pointwise = conv(WIDE, WIDE, 1)
        self.depthwise = conv(WIDE, WIDE, 5, groups=WIDE)
        self.depthwise_dilated = nn.Conv2d(WIDE, WIDE, 5, padding=6, dilation=3, groups=WIDE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 64, h, w) -> the same."""
        attention: torch.Tensor = self.depthwise_dilated(self.depthwise(self.pointwise(x)))
        return x * attention


class PixelNorm(nn.LayerNorm):
    """Normalises the channels of each pixel by themselves."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 48, h, w) -> the same."""
        channels_last = x.permute(0, 2, 3, 1)
        return layer_norm(channels_last, (FEATURES,), self.weight, self.bias).permute(0, 3, 1, 2)


class AttentionBlock(nn.Module):
    """A wider pixel, the attention, the sum with its input, the norm."""

    def __init__(self) -> None:
        super().__init__()
        self.proj_1, self.proj_2 = conv(FEATURES, WIDE, 1), conv(WIDE, FEATURES, 1)
        self.atten_branch = VastAttention()
        self.pixel_norm = PixelNorm(FEATURES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 48, h, w) -> the same."""
        y = self.atten_branch(gelu(self.proj_1(x)))
        normed: torch.Tensor = self.pixel_norm(x + self.proj_2(y))
        return normed


def upsampler(scale: int) -> nn.Sequential:
    """(B, 48, h, w) -> (B, 3, scale * h, scale * w)."""
    if scale == 4:
        layers = [conv(FEATURES, 4 * 16), nn.PixelShuffle(2), nn.LeakyReLU(SLOPE), conv(16, 12)]
        return nn.Sequential(*layers, nn.PixelShuffle(2))
    wide = {2: 56, 3: 56}[scale]
    layers = [conv(FEATURES, wide), nn.LeakyReLU(SLOPE), conv(wide, 3 * scale**2)]
    return nn.Sequential(*layers, nn.PixelShuffle(scale))


class VapSR(nn.Module):
    """(B, 3, h, w) RGB in [0, 1] to ``scale`` times the size.

    At x2, x3, x4 it has 329,236, 336,811 and 342,220 parameters.
    """

    colour: ModelColour = "rgb"
    batches = True

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.reach = 1 + BLOCKS[scale] * AROUND + 1 + 2
        self.conv_first = conv(3, FEATURES)
        self.body = nn.Sequential(*(AttentionBlock() for _ in range(BLOCKS[scale])))
        self.conv_body = conv(FEATURES, FEATURES)
        self.upsampler = upsampler(scale)

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """(B, 3, h, w) -> (B, 3, scale * h, scale * w)."""
        x = self.conv_first(lr)
        x = x + self.conv_body(self.body(x))
        sr: torch.Tensor = self.upsampler(x)
        return sr


def load(setup: Setup) -> InferenceNetwork:
    """The model with the authors' weights: the moving average of them that the file holds."""
    file = setup.require_file("vapsr")
    network = VapSR(setup.scale)
    load_strictly(network, read_checkpoint(file), file)
    return InferenceNetwork(network)


def example(path: Path, variant: str, scale: int) -> None:
    """Write untrained weights as the authors do."""
    state = VapSR(scale).state_dict()
    torch.save({"params": state, "params_ema": state}, path)


METHOD = Method(
    name="vapsr",
    title="VapSR",
    colour="#999933",
    marker="d",
    load=load,
    reference="Zhou et al. 2022, doi:10.1007/978-3-031-25063-7_16",
    scales=tuple(BLOCKS),
    published={
        ("", "author", s): Published("VapSR-author-weights", f"VapSR_X{s}.pth") for s in BLOCKS
    },
    example=example,
)
