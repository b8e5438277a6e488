"""Parts that networks share.

Most are of Lim, Son, Kim, Nah, Lee, "Enhanced Deep Residual Networks for Single Image
Super-Resolution", 2017, doi:10.1109/CVPRW.2017.151.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from sr_bench.networks.weights import Renamed, Rule, layer_rules, rename
from sr_bench.support.errors import SrBenchError

DIV2K_MEAN = (0.4488, 0.4371, 0.4040)  # RGB, of values in [0, 1]
MEAN_TOLERANCE = 1e-3  # in steps of 1 / 255; another training set's mean differs by more than 1

# How many lr pixels away a 3x3 convolution after `upsampler` sees: one at lr's size, and one at
# every larger size, which are less than one lr pixel together (1/2 + 1/4 at x4) and reach into one.
UPSAMPLER_REACH = 2


def conv(
    inputs: int, outputs: int, kernel: int = 3, *, groups: int = 1, bias: bool = True
) -> nn.Conv2d:
    """A convolution that keeps the image's size; outside the image are zeros."""
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=bias)


class MeanShift(nn.Module):
    """Adds ``sign`` times DIV2K's mean colour: a constant, so it isn't part of ``state_dict``."""

    mean: torch.Tensor

    def __init__(self, sign: int) -> None:
        super().__init__()
        mean = sign * torch.tensor(DIV2K_MEAN).reshape(1, 3, 1, 1)
        self.register_buffer("mean", mean, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 3, h, w) -> the same."""
        return x + self.mean


class ResBlock(nn.Module):
    """x + res_scale * conv(relu(conv(x))): ResNet's block without batch normalisation."""

    def __init__(self, features: int, *, kernel: int = 3, res_scale: float = 1.0) -> None:
        super().__init__()
        self.res_scale = res_scale
        self.body = nn.Sequential(
            conv(features, features, kernel),
            nn.ReLU(inplace=True),
            conv(features, features, kernel),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, features, h, w) -> the same."""
        return torch.add(x, self.body(x), alpha=self.res_scale)


def upsampler(features: int, scale: int) -> nn.Sequential:
    """(B, features, h, w) -> (B, features, scale * h, scale * w), by sub-pixel convolutions.

    Raises:
        SrBenchError: for a scale other than 2, 3 and 4.
    """
    factors = {2: (2,), 3: (3,), 4: (2, 2)}.get(scale)
    if factors is None:
        raise SrBenchError(f"scale is {scale}, the upsampler has 2, 3 and 4; choose one of them")
    layers: list[nn.Module] = []
    for factor in factors:
        layers.append(conv(features, factor**2 * features))  # (B, factor^2 * features, h, w)
        layers.append(nn.PixelShuffle(factor))  # (B, features, factor * h, factor * w)
    return nn.Sequential(*layers)


def rename_official(state: Mapping[str, torch.Tensor], layers: str, path: Path) -> Renamed:
    """Weights of the official PyTorch code for values of 0..1; it works on 0..255.

    Its layers are called as ours are; ``layers`` is the regular expression of their names. Its mean
    is two layers more, which are checked and left out.

    Raises:
        SrBenchError: for other keys, and for another mean or value range.
    """
    _check_mean_layers(state, path)
    means = Rule(r"(sub|add)_mean\.(weight|bias)", None)
    return rename(state, [means, *layer_rules({f"({layers})": r"\1"}, bias_divisor=255)], path)


def _check_mean_layers(state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Check that they do to 0..255 what :class:`MeanShift` does to 0..1.

    They are 1x1 convolutions: the identity, and -+255 times the mean.
    """
    identity = torch.eye(3).reshape(3, 3, 1, 1)
    mean = 255 * torch.tensor(DIV2K_MEAN)
    for layer, bias in (("sub_mean", -mean), ("add_mean", mean)):
        for key, expected in ((f"{layer}.weight", identity), (f"{layer}.bias", bias)):
            given = state.get(key)
            if given is None:
                raise SrBenchError(
                    f"{path}: {key} is missing from its {len(state)} keys, the official code "
                    "always saves it; is it a checkpoint of that code? Ours are .safetensors files"
                )
            if given.shape != expected.shape or not torch.allclose(
                given.float(), expected, rtol=0, atol=MEAN_TOLERANCE
            ):
                raise SrBenchError(
                    f"{path}: {key} is {_values(given)}, expected {_values(expected)}, DIV2K's "
                    "mean on values of 0..255; weights for another mean or range don't work here"
                )


def _values(tensor: torch.Tensor) -> str:
    if tensor.numel() > 9:
        return f"of shape {tuple(tensor.shape)}"
    return str([round(v, 4) for v in tensor.flatten().tolist()])
