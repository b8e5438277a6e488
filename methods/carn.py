"""CARN-M: cascades of grouped residual blocks, one set of weights for x2, x3 and x4.

Ahn, Kang, Sohn, "Fast, Accurate, and Lightweight Super-Resolution with Cascading Residual Network",
2018, doi:10.1007/978-3-030-01249-6_16. Layers are called as in the authors' checkpoint, whose mean
colour is DIV2K's (it says so itself, in layers that are left out here).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import nn

from sr_bench.networks.blocks import UPSAMPLER_REACH, MeanShift, conv
from sr_bench.networks.method import Method, ModelColour, Published, Setup
from sr_bench.networks.strips import InferenceNetwork
from sr_bench.networks.weights import Rule, load_strictly, read_checkpoint, rename

FEATURES, GROUPS = 64, 4
FACTORS = {2: (2,), 3: (3,), 4: (2, 2)}  # a scale's sub-pixel convolutions
MEANS = r"(sub|add)_mean\.shifter\.(weight|bias)"


class EfficientResidual(nn.Module):
    """relu(x + a 1x1 after two grouped 3x3 convolutions)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(FEATURES, FEATURES, groups=GROUPS),
            nn.ReLU(inplace=True),
            conv(FEATURES, FEATURES, groups=GROUPS),
            nn.ReLU(inplace=True),
            conv(FEATURES, FEATURES, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 64, h, w) -> the same."""
        return torch.relu(x + self.body(x))


class Fusion(nn.Module):
    """relu of a 1x1 convolution: several 64 channels -> 64."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(inputs * FEATURES, FEATURES, 1), nn.ReLU(inplace=True))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 64 n, h, w) -> (B, 64, h, w)."""
        fused: torch.Tensor = self.body(x)
        return fused


def cascade(
    x: torch.Tensor, steps: Sequence[nn.Module], fusions: Iterable[nn.Module]
) -> torch.Tensor:
    """Each step sees the fusion of the input and all steps before it."""
    seen = x
    for step, fusion in zip(steps, fusions):
        seen = torch.cat([seen, step(x)], 1)
        x = fusion(seen)
    return x


class Block(nn.Module):
    """A cascade of one residual block, used three times (the M of CARN-M)."""

    def __init__(self) -> None:
        super().__init__()
        self.b1 = EfficientResidual()
        self.c1, self.c2, self.c3 = Fusion(2), Fusion(3), Fusion(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 64, h, w) -> the same."""
        return cascade(x, (self.b1, self.b1, self.b1), (self.c1, self.c2, self.c3))


class Upsampler(nn.Module):
    """Grouped convolution, ReLU, shuffle; twice at x4."""

    def __init__(self, factors: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for factor in factors:
            layers.append(conv(FEATURES, factor**2 * FEATURES, groups=GROUPS))
            layers += [nn.ReLU(inplace=True), nn.PixelShuffle(factor)]
        self.body = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 64, h, w) -> (B, 64, scale * h, scale * w)."""
        larger: torch.Tensor = self.body(x)
        return larger


class CARN(nn.Module):
    """(B, 3, h, w) RGB in [0, 1] to ``scale`` times the size: 414,811 parameters for all scales."""

    colour: ModelColour = "rgb"
    batches = True
    reach = 1 + 3 * 3 * 2 + UPSAMPLER_REACH  # entry, two 3x3 in each of nine steps, what enlarges

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.sub_mean, self.add_mean = MeanShift(-1), MeanShift(+1)
        self.entry = conv(3, FEATURES)
        self.b1, self.b2, self.b3 = Block(), Block(), Block()
        self.c1, self.c2, self.c3 = Fusion(2), Fusion(3), Fusion(4)
        self.upsample = nn.ModuleDict({f"up{s}": Upsampler(f) for s, f in FACTORS.items()})
        self.exit = conv(FEATURES, 3)

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """(B, 3, h, w) -> (B, 3, scale * h, scale * w)."""
        x = self.entry(self.sub_mean(lr))
        x = cascade(x, (self.b1, self.b2, self.b3), (self.c1, self.c2, self.c3))
        x = self.upsample[f"up{self.scale}"](x)
        sr: torch.Tensor = self.add_mean(self.exit(x))
        return sr


def load(setup: Setup) -> InferenceNetwork:
    """The model with the authors' weights."""
    file = setup.require_file("carn")
    network = CARN(setup.scale)
    rules = [Rule(MEANS, None), Rule(".*", r"\g<0>")]
    load_strictly(network, rename(read_checkpoint(file), rules, file).state, file)
    return InferenceNetwork(network)


METHOD = Method(
    name="carn",
    title="CARN",
    titles={"m": "CARN-M"},
    colour="#E69F00",
    marker=">",
    load=load,
    reference="Ahn et al. 2018, doi:10.1007/978-3-030-01249-6_16",
    variants=("m",),
    scales=tuple(FACTORS),
    published={
        ("m", "author", s): Published("CARN-author-weights", "checkpoint/carn_m.pth")
        for s in FACTORS
    },
    example=lambda path, variant, scale: torch.save(CARN(scale).state_dict(), path),
)
