"""VDSR: twenty 3x3 convolutions that learn what MATLAB's bicubic enlargement lacks, on Y.

Kim, Lee, Lee, "Accurate Image Super-Resolution Using Very Deep Convolutional Networks", 2016,
doi:10.1109/CVPR.2016.182. One set of weights for all scales. The variant "limited" is what its
authors evaluate: enlarged Y is clipped to 16..235, which matters most for a gray image.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from scipy.io import savemat
from torch import nn

from sr_bench.networks.enlarged import AfterEnlarging, plain_layers
from sr_bench.networks.matconvnet import filters, matlab_filters
from sr_bench.networks.method import Method, Published, Setup
from sr_bench.networks.weights import load_strictly, read_mat

LAYERS, FEATURES = 20, 64
LIMITS = {"": (-math.inf, math.inf), "limited": (16 / 255, 235 / 255)}


class VDSR(nn.Module):
    """(B, 1, H, W) enlarged Y in [0, 1] -> the same, sharper: 665,921 parameters, with biases."""

    def __init__(self) -> None:
        super().__init__()
        self.body = plain_layers(LAYERS, FEATURES)

    def forward(self, enlarged: torch.Tensor) -> torch.Tensor:
        """(B, 1, H, W) -> the same."""
        detail: torch.Tensor = self.body(enlarged)
        return enlarged + detail


def load(setup: Setup) -> AfterEnlarging:
    """The model with the authors' weights."""
    file = setup.require_file("vdsr")
    network = VDSR()
    load_strictly(network, read(file), file)
    return AfterEnlarging(
        network,
        layers=LAYERS,
        scale=setup.scale,
        degradation=setup.degradation,
        limits=LIMITS[setup.variant],
    )


def read(path: Path) -> dict[str, torch.Tensor]:
    """``model.weight`` (h x w x in x out) and ``model.bias``, cells of a layer each."""
    state = {}
    for name, array in read_mat(path).items():
        kind, _, number = name.removeprefix("model.").partition(".")
        value = filters(array) if kind == "weight" else torch.from_numpy(array.ravel()).float()
        state[f"body.{2 * int(number) - 2}.{kind}" if number.isdigit() else name] = value
    return state


def example(path: Path, variant: str, scale: int) -> None:
    """Write untrained weights as the authors do."""
    cells = {kind: np.empty((1, LAYERS), object) for kind in ("weight", "bias")}
    for i, layer in enumerate(m for m in VDSR().body if isinstance(m, nn.Conv2d)):
        cells["weight"][0, i] = matlab_filters(layer.weight)
        cells["bias"][0, i] = layer.bias.detach().numpy()[:, None]  # type: ignore[union-attr]
    savemat(path, {"model": cells})


METHOD = Method(
    name="vdsr",
    title="VDSR",
    colour="#56B4E9",
    marker="v",
    load=load,
    reference="Kim et al. 2016, doi:10.1109/CVPR.2016.182",
    variants=tuple(LIMITS),
    published={
        (variant, "author", s): Published("VDSR-author-weights", "Test/VDSR_Official.mat")
        for variant in LIMITS
        for s in (2, 3, 4)
    },
    example=example,
)
