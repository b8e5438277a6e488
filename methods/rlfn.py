"""RLFN: residual blocks of three convolutions and an attention that sees a small copy of them.

Kong, Li, Liu, et al., "Residual Local Feature Network for Efficient Super-Resolution", 2022,
doi:10.1109/CVPRW56347.2022.00092. Layers are called as in the authors' checkpoints, which are for
values of 0..255.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import interpolate, leaky_relu, max_pool2d, pad

from sr_bench.networks.blocks import conv
from sr_bench.networks.method import Method, ModelColour, Published, Setup
from sr_bench.networks.strips import InferenceNetwork
from sr_bench.networks.weights import load_strictly, read_checkpoint

FEATURES, ATTENDED, BLOCKS, SLOPE = 52, 16, 6, 0.05
SCALES = (2, 4)
SMALLEST = 15  # lr pixels a side that the attention's pooling takes; smaller images are padded


class SpatialAttention(nn.Module):
    """Each value weighted by what lies around it, pooled to about a sixth of the size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = conv(FEATURES, ATTENDED, 1)
        self.conv_f = conv(ATTENDED, ATTENDED, 1)
        self.conv2 = nn.Conv2d(ATTENDED, ATTENDED, 3, stride=2)
        self.conv3 = conv(ATTENDED, ATTENDED)
        self.conv4 = conv(ATTENDED, FEATURES, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 52, h, w) -> the same."""
        narrow = self.conv1(x)
        small = self.conv3(max_pool2d(self.conv2(narrow), 7, stride=3))
        around = interpolate(small, x.shape[2:], mode="bilinear", align_corners=False)
        return x * torch.sigmoid(self.conv4(around + self.conv_f(narrow)))


class FeatureBlock(nn.Module):
    """Three convolutions, a sum, and the attention."""

    def __init__(self) -> None:
        super().__init__()
        self.c1_r, self.c2_r, self.c3_r = (conv(FEATURES, FEATURES) for _ in range(3))
        self.c5 = conv(FEATURES, FEATURES, 1)
        self.esa = SpatialAttention()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 52, h, w) -> the same."""
        y = leaky_relu(self.c1_r(x), SLOPE)
        y = leaky_relu(self.c2_r(y), SLOPE)
        y = leaky_relu(self.c3_r(y), SLOPE)
        attended: torch.Tensor = self.esa(self.c5(x + y))
        return attended


class RLFN(nn.Module):
    """(B, 3, h, w) RGB in [0, 1] to ``scale`` times the size.

    It has no ``reach``: what the attention pools depends on where a pixel lies. At x2 and x4 it
    has 526,856 and 543,740 parameters.
    """

    colour: ModelColour = "rgb"
    batches = True

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.conv_1 = conv(3, FEATURES)
        for i in range(1, BLOCKS + 1):
            setattr(self, f"block_{i}", FeatureBlock())
        self.conv_2 = conv(FEATURES, FEATURES)
        self.upsampler = nn.Sequential(conv(FEATURES, 3 * scale**2), nn.PixelShuffle(scale))

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """(B, 3, h, w) -> (B, 3, scale * h, scale * w)."""
        height, width = lr.shape[2:]
        more = max(0, SMALLEST - height), max(0, SMALLEST - width)
        x = first = self.conv_1(255 * pad(lr, (0, more[1], 0, more[0]), mode="replicate"))
        for i in range(1, BLOCKS + 1):
            x = getattr(self, f"block_{i}")(x)
        x = self.upsampler(self.conv_2(x) + first) / 255
        kept: torch.Tensor = x[..., : self.scale * height, : self.scale * width]
        return kept


def load(setup: Setup) -> InferenceNetwork:
    """The model with the authors' weights."""
    file = setup.require_file("rlfn")
    network = RLFN(setup.scale)
    load_strictly(network, read_checkpoint(file), file)
    return InferenceNetwork(network)


METHOD = Method(
    name="rlfn",
    title="RLFN",
    colour="#332288",
    marker="h",
    load=load,
    reference="Kong et al. 2022, doi:10.1109/CVPRW56347.2022.00092",
    scales=SCALES,
    published={
        ("", "author", s): Published("RLFN-author-weights", f"model_zoo/rlfn_x{s}.pth")
        for s in SCALES
    },
    example=lambda path, variant, scale: torch.save(RLFN(scale).state_dict(), path),
)
