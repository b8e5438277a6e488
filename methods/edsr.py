"""EDSR: residual blocks without batch normalisation, then sub-pixel convolutions; one scale each.

Lim, Son, Kim, Nah, Lee, "Enhanced Deep Residual Networks for Single Image Super-Resolution", 2017,
doi:10.1109/CVPRW.2017.151. Keys of ours are those of the official PyTorch code.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from sr_bench.networks import weights
from sr_bench.networks.blocks import (
    UPSAMPLER_REACH,
    MeanShift,
    ResBlock,
    conv,
    rename_official,
    upsampler,
)
from sr_bench.networks.method import Method, ModelColour, Published, Samples, Setup, Training
from sr_bench.networks.strips import InferenceNetwork
from sr_bench.support.errors import SrBenchError, unknown


class Sizes(NamedTuple):
    """What a variant is."""

    features: int
    blocks: int
    res_scale: float  # of a block's sum; wide networks don't train without


SIZES = {"baseline": Sizes(64, 16, 1.0), "full": Sizes(256, 32, 0.1)}

# The published x3 and x4 start from the x2 weights: that is the entry's `start` in params.yaml.
# fmt: off
RECIPES = {
    "baseline": {
        "published": {
            "steps": 300000, "batch": 16, "patch": 48, "augment": True, "loss": "l1",
            "optimizer": "adam", "lr": 1e-4, "betas": [0.9, 0.999], "eps": 1e-8, "clip": None,
            "schedule": "step", "milestones": [200000], "gamma": 0.5, "ema": None,
            "precision": "float32", "validate_every": 1000, "checkpoint_every": 1000,
        },
        "fast": {
            "steps": 8500, "batch": 8, "patch": 32, "loss": "l1", "optimizer": "muon",
            "lr": 1e-3, "momentum": 0.95, "schedule": "cosine", "warmup": 100, "clip": 1.0,
            "ema": 0.999, "validate_every": 500, "checkpoint_every": 100,
        },
        # From x2's weights, for x3 and x4; some of T91's images are smaller than a patch of hr.
        "warm": {
            "steps": 5000, "batch": 8, "patch": 32, "loss": "l1", "optimizer": "muon",
            "lr": 7e-4, "momentum": 0.95, "schedule": "cosine", "warmup": 100, "clip": 1.0,
            "ema": 0.999, "validate_every": 500, "checkpoint_every": 100, "small_images": "skip",
        },
        # From weights of the same scale: larger patches, which see more around them.
        "longer": {
            "steps": 9000, "batch": 8, "patch": 48, "loss": "l1", "optimizer": "muon",
            "lr": 6e-4, "momentum": 0.95, "schedule": "cosine", "warmup": 100, "clip": 1.0,
            "ema": 0.999, "validate_every": 500, "checkpoint_every": 100, "small_images": "skip",
            "rescale": [1, 0.75],
        },
        "polish": {
            "steps": 2400, "batch": 8, "patch": 48, "loss": "l1", "optimizer": "muon",
            "lr": 4e-4, "momentum": 0.95, "schedule": "cosine", "warmup": 50, "clip": 1.0,
            "ema": 0.998, "validate_every": 200, "checkpoint_every": 100, "small_images": "skip",
            "rescale": [1, 0.75],
        },
        # Minutes on a GPU; x3 and x4 start from the weights that `gpu` makes at x2.
        "gpu": {
            "steps": 42650, "batch": 16, "patch": 48, "loss": "l1", "optimizer": "muon",
            "lr": 1e-3, "momentum": 0.95, "schedule": "cosine", "warmup": 200, "clip": 1.0,
            "ema": 0.999, "validate_every": 4265, "checkpoint_every": 4265,
            "small_images": "skip", "rescale": [1, 0.8, 0.6],
        },
        "gpu-x3": {
            "steps": 14290, "batch": 16, "patch": 48, "loss": "l1", "optimizer": "muon",
            "lr": 8e-4, "momentum": 0.95, "schedule": "cosine", "warmup": 200, "clip": 1.0,
            "ema": 0.999, "validate_every": 1429, "checkpoint_every": 1429,
            "small_images": "skip", "rescale": [1, 0.8, 0.6],
        },
        "gpu-x4": {
            "steps": 11650, "batch": 16, "patch": 48, "loss": "l1", "optimizer": "muon",
            "lr": 8e-4, "momentum": 0.95, "schedule": "cosine", "warmup": 200, "clip": 1.0,
            "ema": 0.999, "validate_every": 1165, "checkpoint_every": 1165,
            "small_images": "skip", "rescale": [1, 0.8, 0.6],
        },
    },
    "full": {
        "published": {
            "steps": 300000, "batch": 16, "patch": 48, "augment": True, "loss": "l1",
            "optimizer": "adam", "lr": 1e-4, "betas": [0.9, 0.999], "eps": 1e-8, "clip": None,
            "schedule": "step", "milestones": [200000], "gamma": 0.5, "ema": None,
            "precision": "float32", "validate_every": 1000, "checkpoint_every": 1000,
        },
    },
}
# fmt: on


class EDSR(nn.Module):
    """The network, which is also the model: (B, 3, h, w) RGB in [0, 1] to ``scale`` times the size.

    At x2, x3, x4 ``baseline`` has 1,369,859, 1,554,499, 1,517,571 parameters, and ``full`` has
    40,729,603, 43,680,003, 43,089,923.
    """

    colour: ModelColour = "rgb"
    batches = True

    def __init__(self, sizes: Sizes, *, scale: int) -> None:
        super().__init__()
        features, blocks, res_scale = sizes
        # head, the blocks' two convolutions each, the body's last one, and what enlarges
        self.reach = 1 + 2 * blocks + 1 + UPSAMPLER_REACH
        self.sub_mean, self.add_mean = MeanShift(-1), MeanShift(+1)
        self.head = nn.Sequential(conv(3, features))
        self.body = nn.Sequential(
            *(ResBlock(features, res_scale=res_scale) for _ in range(blocks)),
            conv(features, features),
        )
        self.tail = nn.Sequential(upsampler(features, scale), conv(features, 3))

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """(B, 3, h, w) -> (B, 3, scale * h, scale * w)."""
        x: torch.Tensor = self.sub_mean(lr)
        x = self.head(x)
        x = x + self.body(x)
        x = self.tail(x)
        x = self.add_mean(x)
        return x


def build(variant: str, scale: int) -> EDSR:
    """The untrained network."""
    if variant not in SIZES:
        raise unknown("variant", variant, SIZES, where="method edsr")
    return EDSR(SIZES[variant], scale=scale)


def load(setup: Setup) -> InferenceNetwork:
    """The model with the weights of a file: ours, the authors', mmediting's or BasicSR's."""
    return model(read(setup.require_file("edsr"), setup.variant).state, setup)


def model(state: Mapping[str, torch.Tensor], setup: Setup) -> InferenceNetwork:
    """The model with weights under our keys."""
    path = setup.file or Path(f"edsr {setup.variant} x{setup.scale}")
    network = build(setup.variant, setup.scale)
    weights.load_strictly(network, state, path)
    return InferenceNetwork(network)


def key_map(path: Path, variant: str, scale: int) -> list[weights.RenamedKey]:
    """What becomes of each key of a weights file; an error where it doesn't fit the network."""
    with torch.device("meta"):
        network = build(variant, scale)
    renamed = read(path, variant)
    weights.check_fit(network, renamed.state, path)
    return renamed.rows


def read(path: Path, variant: str) -> weights.Renamed:
    """The weights of a file under our keys, for values of 0..1."""
    known = ("sub_mean.weight", "generator.conv_first.weight", "conv_first.weight")
    state = weights.with_known(weights.read_checkpoint(path), known, path)
    if "sub_mean.weight" in state:
        return rename_official(state, LAYERS, path)
    blocks = SIZES[variant].blocks
    if any("upsample_conv" in key for key in state):
        rules = relative_rules(r"(?:generator\.)?", blocks, MMEDITING_UPSAMPLER)
    elif any(key.endswith("conv_first.weight") for key in state):
        rules = relative_rules("", blocks, BASICSR_UPSAMPLER, bias_divisor=255)
    elif weights.is_safetensors(path):
        return weights.read_own(path)
    else:
        raise SrBenchError(
            f"{path}: its keys are {', '.join(sorted(state)[:3])}, ...; EDSR's have "
            "sub_mean.weight (official code), generator.conv_first.weight (mmediting) or "
            "conv_first.weight (BasicSR): is it one of these? Ours are .safetensors files"
        )
    return weights.rename(state, rules, path)


LAYERS = r"head\.0|body\.\d+|body\.\d+\.body\.[02]|tail\.0\.[02]|tail\.1"
# mmediting works on 0..1; its upsampler counts the convolutions, ours the shuffles too.
MMEDITING_UPSAMPLER = {
    r"(?:generator\.)?upsample\.0\.upsample_conv": "tail.0.0",
    r"(?:generator\.)?upsample\.1\.upsample_conv": "tail.0.2",
}
# BasicSR multiplies by img_range, which isn't stored: 255, its default for EDSR.
BASICSR_UPSAMPLER = {r"upsample\.([02])": r"tail.0.\1"}


def relative_rules(
    prefix: str, blocks: int, upsampler: dict[str, str], *, bias_divisor: float = 1.0
) -> list[weights.Rule]:
    """mmediting, and BasicSR after it, call all layers but those of the upsampler alike."""
    layers = {
        rf"{prefix}conv_first": "head.0",
        rf"{prefix}body\.(\d+)\.conv1": r"body.\1.body.0",
        rf"{prefix}body\.(\d+)\.conv2": r"body.\1.body.2",
        rf"{prefix}conv_after_body": f"body.{blocks}",
        rf"{prefix}conv_last": "tail.1",
    }
    return weights.layer_rules(layers | upsampler, bias_divisor=bias_divisor)


def untrained(variant: str, scales: tuple[int, ...]) -> EDSR:
    """The network to be trained."""
    if len(scales) != 1:
        raise SrBenchError(f"edsr has one scale, not {scales}; train each by itself, or mdsr")
    return build(variant, scales[0])


def _author(name: str) -> Published:
    return Published("EDSR-author-weights", f"edsr_{name}.pt", trained_on="DIV2K", label="")


def _mmediting(size: str, date: str) -> Published:
    file = f"edsr_{size}_1x16_300k_div2k_{date}.pth"
    return Published("EDSR-mmediting-weights", file, trained_on="DIV2K", label="MMEditing")


METHOD = Method(
    name="edsr",
    title="EDSR",
    colour="#D55E00",
    marker="^",
    load=load,
    reference="Lim et al. 2017, doi:10.1109/CVPRW.2017.151",
    variants=tuple(SIZES),
    scales=(2, 3, 4),
    published={
        ("baseline", "author", 2): _author("baseline_x2-1bc95232"),
        ("baseline", "author", 3): _author("baseline_x3-abf2a44e"),
        ("baseline", "author", 4): _author("baseline_x4-6b446fab"),
        ("full", "author", 2): _author("x2-0edfb8a3"),
        ("full", "author", 3): _author("x3-ea3ef2c6"),
        ("full", "author", 4): _author("x4-4f62e9ef"),
        ("baseline", "mmediting", 2): _mmediting("x2c64b16", "20200604-19fe95ea"),
        ("baseline", "mmediting", 3): _mmediting("x3c64b16", "20200608-36d896f4"),
        ("baseline", "mmediting", 4): _mmediting("x4c64b16", "20200608-3c2af8a3"),
    },
    training=Training(
        network=untrained,
        model=model,
        samples=lambda variant: Samples(colour="rgb", degradation="rgb-matlab"),
        recipes=RECIPES,
    ),
    key_map=key_map,
)
