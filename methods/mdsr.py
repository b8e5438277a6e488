"""MDSR: one body of residual blocks for three scales, each with an entrance and an exit of its own.

Lim, Son, Kim, Nah, Lee, "Enhanced Deep Residual Networks for Single Image Super-Resolution", 2017,
doi:10.1109/CVPRW.2017.151. Keys of ours are those of the official PyTorch code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product
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

SCALES = (2, 3, 4)  # keys call a scale by its index: pre_process.0 is that of x2


class Sizes(NamedTuple):
    """What a variant is."""

    features: int
    blocks: int


SIZES = {"baseline": Sizes(64, 16), "full": Sizes(64, 80)}

# A random scale for each batch. The length, and halving the rate each 200,000 steps, are the
# official training script's.
# fmt: off
RECIPES = {
    "baseline": {
        "published": {
            "steps": 650000, "batch": 16, "patch": 48, "augment": True, "loss": "l1",
            "optimizer": "adam", "lr": 1e-4, "betas": [0.9, 0.999], "eps": 1e-8, "clip": None,
            "schedule": "step", "milestones": [200000, 400000, 600000], "gamma": 0.5, "ema": None,
            "precision": "float32", "validate_every": 1000, "checkpoint_every": 1000,
        },
        # From EDSR's weights of all three scales, those of x3 first: a low rate keeps what they
        # have learnt. Twenty minutes on two cores.
        "fine-tune": {
            "steps": 1200, "batch": 4, "patch": 40, "loss": "l1", "optimizer": "muon",
            "lr": 3e-4, "momentum": 0.95, "schedule": "cosine", "warmup": 30, "clip": 1.0,
            "ema": 0.996, "validate_every": 200, "checkpoint_every": 50, "small_images": "skip",
            "rescale": [1, 0.8, 0.6],
        },
        # Minutes on a GPU, from the weights that EDSR's recipe `gpu` makes at x2.
        "gpu": {
            "steps": 13000, "batch": 16, "patch": 48, "loss": "l1", "optimizer": "muon",
            "lr": 8e-4, "momentum": 0.95, "schedule": "cosine", "warmup": 200, "clip": 1.0,
            "ema": 0.999, "validate_every": 1300, "checkpoint_every": 1300,
            "small_images": "skip", "rescale": [1, 0.8, 0.6],
        },
    },
    "full": {
        "published": {
            "steps": 650000, "batch": 16, "patch": 48, "augment": True, "loss": "l1",
            "optimizer": "adam", "lr": 1e-4, "betas": [0.9, 0.999], "eps": 1e-8, "clip": None,
            "schedule": "step", "milestones": [200000, 400000, 600000], "gamma": 0.5, "ema": None,
            "precision": "float32", "validate_every": 1000, "checkpoint_every": 1000,
        },
    },
}
# fmt: on


class MDSR(nn.Module):
    """The network of several scales: 3,227,203 (``baseline``) or 7,953,987 (``full``) parameters.

    These counts are of all three scales; a pass at one of them uses only its own layers and those
    that are shared.
    """

    def __init__(self, sizes: Sizes, *, scales: tuple[int, ...] = SCALES) -> None:
        super().__init__()
        features, blocks = sizes
        # head, two convolutions in each of two 5x5 blocks and in each block of the body, the
        # body's last one, and what enlarges
        self.reach = 1 + 2 * 2 * 2 + 2 * blocks + 1 + UPSAMPLER_REACH
        self.sub_mean, self.add_mean = MeanShift(-1), MeanShift(+1)
        self.head = nn.Sequential(conv(3, features))
        self.pre_process = nn.ModuleDict({scale_key(s): entrance(features) for s in scales})
        self.body = nn.Sequential(
            *(ResBlock(features) for _ in range(blocks)), conv(features, features)
        )
        self.upsample = nn.ModuleDict({scale_key(s): upsampler(features, s) for s in scales})
        self.tail = nn.Sequential(conv(features, 3))

    def forward(self, lr: torch.Tensor, scale: int) -> torch.Tensor:
        """(B, 3, h, w) -> (B, 3, scale * h, scale * w)."""
        x: torch.Tensor = self.sub_mean(lr)
        x = self.head(x)
        x = self.pre_process[scale_key(scale)](x)
        x = x + self.body(x)
        x = self.upsample[scale_key(scale)](x)
        x = self.tail(x)
        x = self.add_mean(x)
        return x


class AtScale(nn.Module):
    """The model: an MDSR at one of its scales."""

    colour: ModelColour = "rgb"
    batches = True

    def __init__(self, network: MDSR, *, scale: int) -> None:
        super().__init__()
        self.network, self.scale, self.reach = network, scale, network.reach

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """(B, 3, h, w) -> (B, 3, scale * h, scale * w)."""
        sr: torch.Tensor = self.network(lr, self.scale)
        return sr


def entrance(features: int) -> nn.Sequential:
    """A scale's own two blocks before the body; their wide kernels bring the scales together."""
    return nn.Sequential(*(ResBlock(features, kernel=5) for _ in range(2)))


def scale_key(scale: int) -> str:
    """The name of a scale in keys: its index in ``SCALES``."""
    if scale not in SCALES:
        raise SrBenchError(f"scale is {scale}, MDSR has 2, 3 and 4; choose one of them")
    return str(SCALES.index(scale))


def build(variant: str, scales: tuple[int, ...]) -> MDSR:
    """The untrained network."""
    if variant not in SIZES:
        raise unknown("variant", variant, SIZES, where="method mdsr")
    return MDSR(SIZES[variant], scales=scales)


def load(setup: Setup) -> InferenceNetwork:
    """The model with the weights of a file: ours, or the authors'."""
    return model(read(setup.require_file("mdsr")).state, setup)


def model(state: Mapping[str, torch.Tensor], setup: Setup) -> InferenceNetwork:
    """The model with weights under our keys, of three scales or fewer."""
    path = setup.file or Path(f"mdsr {setup.variant} x{setup.scale}")
    network = build(setup.variant, scales_of(state, setup.scale, path))
    weights.load_strictly(network, state, path)
    return InferenceNetwork(AtScale(network, scale=setup.scale))


def key_map(path: Path, variant: str, scale: int) -> list[weights.RenamedKey]:
    """What becomes of each key of a weights file; an error where it doesn't fit the network."""
    renamed = read(path)
    with torch.device("meta"):
        network = build(variant, scales_of(renamed.state, scale, path))
    weights.check_fit(network, renamed.state, path)
    return renamed.rows


def scales_of(state: Mapping[str, torch.Tensor], scale: int, path: Path) -> tuple[int, ...]:
    """The scales that a state has layers for, ``scale`` among them."""
    there = {m[1] for m in (re.match(r"(?:pre_process|upsample)\.(\d+)\.", k) for k in state) if m}
    scales = tuple(s for s in SCALES if scale_key(s) in there)
    if scale not in scales:
        names = ", ".join(f"x{s}" for s in scales) or "no scale"
        raise SrBenchError(
            f"{path}: has layers for {names}, x{scale} needs upsample.{scale_key(scale)} and "
            f"pre_process.{scale_key(scale)}; use weights that were trained for x{scale}"
        )
    return scales


def adopt(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights to start from: EDSR's become the whole way through MDSR at EDSR's scale.

    What MDSR has more, the blocks before the body, returns its input at first.
    """
    if "tail.1.weight" not in state:  # MDSR's own
        return dict(state)
    rows, features = state["tail.0.0.weight"].shape[:2]
    scale = 3 if rows == 9 * features else 4 if "tail.0.2.weight" in state else 2
    to = {"tail.0.": f"upsample.{scale_key(scale)}.", "tail.1.": "tail.0."}
    made = {}
    for key, value in state.items():
        old = next((part for part in to if key.startswith(part)), "")
        made[to.get(old, "") + key.removeprefix(old)] = value
    for index, block in product(range(len(SCALES)), range(2)):
        last = f"pre_process.{index}.{block}.body.2"
        made[f"{last}.weight"] = torch.zeros(features, features, 5, 5)
        made[f"{last}.bias"] = torch.zeros(features)
    return made


LAYERS = (
    r"head\.0|pre_process\.[0-2]\.[01]\.body\.[02]|body\.\d+|body\.\d+\.body\.[02]"
    r"|upsample\.[0-2]\.[02]|tail\.0"
)


def read(path: Path) -> weights.Renamed:
    """The weights of a file under our keys, for values of 0..1."""
    state = weights.with_known(weights.read_checkpoint(path), ["sub_mean.weight"], path)
    if weights.is_safetensors(path) and "sub_mean.weight" not in state:
        return weights.read_own(path)
    return rename_official(state, LAYERS, path)


def _author(name: str) -> Published:
    return Published("MDSR-author-weights", name, trained_on="DIV2K", label="")


METHOD = Method(
    name="mdsr",
    title="MDSR",
    colour="#009E73",
    marker="s",
    load=load,
    reference="Lim et al. 2017, doi:10.1109/CVPRW.2017.151",
    variants=tuple(SIZES),
    scales=SCALES,
    published={
        **{("baseline", "author", s): _author("mdsr_baseline-a00cab12.pt") for s in SCALES},
        **{("full", "author", s): _author("mdsr-4a78bedf.pt") for s in SCALES},
    },
    training=Training(
        network=build,
        model=model,
        samples=lambda variant: Samples(colour="rgb", degradation="rgb-matlab"),
        recipes=RECIPES,
        adopt=adopt,
    ),
    key_map=key_map,
)
