"""Other people's networks with their own weights: what decides how a gray image is scored.

Set14 has one gray image, bridge. IMDN's and PAN's published digits come out only where it counts
as three equal channels, of which Y is taken. The networks are built from their papers (Hui et al.
2019, doi:10.1145/3343031.3351084; Zhao et al. 2020, doi:10.1007/978-3-030-67070-2_3); names of
layers are those of the authors' checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, pixel_shuffle

from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.evaluation.scoring.score import Pair, score_pair
from sr_bench.imaging import images
from sr_bench.imaging.degrade import degrade
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.weights import read_checkpoint

pytestmark = pytest.mark.slow


def conv3(channels: int, filters: int, *, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(channels, filters, 3, padding=1, bias=bias)


class ContrastAttention(nn.Module):
    """Channels weighted by their mean plus their standard deviation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_du = nn.Sequential(
            nn.Conv2d(channels, channels // 16, 1),
            nn.ReLU(),
            nn.Conv2d(channels // 16, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean((2, 3), keepdim=True)
        deviation = ((x - mean) ** 2).mean((2, 3), keepdim=True).sqrt()
        return x * self.conv_du(deviation + mean)


class DistillationBlock(nn.Module):
    """Four convolutions; of each of the first three, 16 of 64 channels go straight to the end."""

    def __init__(self) -> None:
        super().__init__()
        self.c1, self.c2, self.c3 = conv3(64, 64), conv3(48, 64), conv3(48, 64)
        self.c4 = conv3(48, 16)
        self.cca = ContrastAttention(64)
        self.c5 = nn.Conv2d(64, 64, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept, rest = [], x
        for conv in (self.c1, self.c2, self.c3):
            part, rest = leaky_relu(conv(rest), 0.05).split((16, 48), 1)
            kept.append(part)
        return x + self.c5(self.cca(torch.cat([*kept, self.c4(rest)], 1)))


class IMDN(nn.Module):
    """(1, 3, h, w) RGB in [0, 1] -> (1, 3, scale h, scale w)."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.fea_conv = conv3(3, 64)
        for i in range(1, 7):
            setattr(self, f"IMDB{i}", DistillationBlock())
        self.c = nn.Sequential(nn.Conv2d(64 * 6, 64, 1))
        self.LR_conv = conv3(64, 64)
        self.upsampler = nn.Sequential(conv3(64, 3 * scale**2))

    def forward(self, lr: Tensor) -> Tensor:
        first = x = self.fea_conv(lr)
        blocks = []
        for i in range(1, 7):
            x = getattr(self, f"IMDB{i}")(x)
            blocks.append(x)
        fused = leaky_relu(self.c(torch.cat(blocks, 1)), 0.05)
        return pixel_shuffle(self.upsampler(self.LR_conv(fused) + first), self.scale)


class PixelAttention(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.conv(x))


class PixelAttentionConv(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.k2 = nn.Conv2d(channels, channels, 1)
        self.k3 = conv3(channels, channels, bias=False)
        self.k4 = conv3(channels, channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.k4(self.k3(x) * torch.sigmoid(self.k2(x)))


class SelfCalibratedBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1_a = nn.Conv2d(40, 20, 1, bias=False)
        self.conv1_b = nn.Conv2d(40, 20, 1, bias=False)
        self.k1 = nn.Sequential(conv3(20, 20, bias=False))
        self.PAConv = PixelAttentionConv(20)
        self.conv3 = nn.Conv2d(40, 40, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        plain = leaky_relu(self.k1(leaky_relu(self.conv1_a(x), 0.2)), 0.2)
        attended = leaky_relu(self.PAConv(leaky_relu(self.conv1_b(x), 0.2)), 0.2)
        return x + self.conv3(torch.cat([plain, attended], 1))


class PAN(nn.Module):
    """(1, 3, h, w) RGB in [0, 1] -> (1, 3, 4 h, 4 w)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_first = conv3(3, 40)
        self.SCPA_trunk = nn.Sequential(*(SelfCalibratedBlock() for _ in range(16)))
        self.trunk_conv = conv3(40, 40)
        self.upconv1, self.upconv2 = conv3(40, 24), conv3(24, 24)
        self.att1, self.att2 = PixelAttention(24), PixelAttention(24)
        self.HRconv1, self.HRconv2 = conv3(24, 24), conv3(24, 24)
        self.conv_last = conv3(24, 3)

    def forward(self, lr: Tensor) -> Tensor:
        first = self.conv_first(lr)
        x = first + self.trunk_conv(self.SCPA_trunk(first))
        for up, attention, conv in (
            (self.upconv1, self.att1, self.HRconv1),
            (self.upconv2, self.att2, self.HRconv2),
        ):
            x = up(interpolate(x, scale_factor=2, mode="nearest"))
            x = leaky_relu(conv(leaky_relu(attention(x), 0.2)), 0.2)
        enlarged = interpolate(lr, scale_factor=4, mode="bilinear", align_corners=False)
        return enlarged + self.conv_last(x)


def of_rgb(network: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    """The network with its weights, ready for the harness."""
    network.load_state_dict({k.removeprefix("module."): v for k, v in state.items()})
    network.colour = "rgb"  # type: ignore[assignment]
    return network.eval()


# Hui et al. 2019, the authors' README; Zhao et al. 2020, the authors' log of PANx4_DF2K.
PRINTED = {
    ("imdn", 2): ("33.63", "0.9177"),
    ("imdn", 3): ("30.32", "0.8417"),
    ("imdn", 4): ("28.58", "0.7811"),
    ("pan", 4): ("28.6107", "0.7822"),
}


def network(name, scale, real):
    if name == "imdn":
        paths = {p.stem: p for p in real("IMDN-author-weights")}
        return of_rgb(IMDN(scale), read_checkpoint(paths[f"IMDN_x{scale}"]))
    paths = {p.stem: p for p in real("PAN-author-weights")}
    return of_rgb(PAN(), read_checkpoint(paths[f"PANx{scale}_DF2K"]))


def printed(value, like):
    return Decimal(repr(value)).quantize(Decimal(like), rounding=ROUND_HALF_UP)


@pytest.mark.parametrize(("name", "scale"), PRINTED)
def test_the_published_digits_of_set14_come_out(real, name, scale):
    rule = find_protocol("edsr-2017").degradation
    upscale = Upscaler(f"{name}-x{scale}", network(name, scale, real), rule, scale)
    found = []
    for path in real("Set14"):
        hr = images.read(path)
        sr = upscale(degrade(hr, rule, scale=scale))
        values = score_pair(Pair(sr, hr, "rgb"), find_protocol("edsr-2017"), scale=scale)
        found.append((values["psnr"], values["ssim"]))
    psnr, ssim = (float(v) for v in np.mean(found, axis=0))
    assert (printed(psnr, PRINTED[name, scale][0]), printed(ssim, PRINTED[name, scale][1])) == (
        tuple(Decimal(p) for p in PRINTED[name, scale])
    ), (psnr, ssim)
