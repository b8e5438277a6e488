"""DnCNN-3: twenty 3x3 convolutions that find what bicubic enlargement has too much of, on Y.

Zhang, Zuo, Chen, Meng, Zhang, "Beyond a Gaussian Denoiser: Residual Learning of Deep CNN for Image
Denoising", 2017, doi:10.1109/TIP.2017.2662206. One set of weights for x2, x3, x4, for noise and for
JPEG; its batch normalisation is part of the convolutions.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from scipy.io import savemat
from torch import nn

from sr_bench.networks.enlarged import AfterEnlarging, plain_layers
from sr_bench.networks.matconvnet import filters, matlab_filters
from sr_bench.networks.method import Method, Published, Setup
from sr_bench.networks.weights import Rule, load_strictly, read_mat, rename

LAYERS, FEATURES = 20, 64


class DnCNN3(nn.Module):
    """(B, 1, H, W) enlarged Y in [0, 1] -> the same, sharper: 665,921 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.body = plain_layers(LAYERS, FEATURES)

    def forward(self, enlarged: torch.Tensor) -> torch.Tensor:
        """(B, 1, H, W) -> the same."""
        excess: torch.Tensor = self.body(enlarged)
        return enlarged - excess


def load(setup: Setup) -> AfterEnlarging:
    """The model with the authors' weights."""
    file = setup.require_file("dncnn")
    network = DnCNN3()
    load_strictly(network, read(file), file)
    return AfterEnlarging(network, layers=LAYERS, scale=setup.scale, degradation=setup.degradation)


def read(path: Path) -> dict[str, torch.Tensor]:
    """``net.layers``, every second a ReLU; ``weights`` are a cell of filters and biases."""
    state = {}
    for name, array in read_mat(path).items():
        if ".weights.1" in name:
            state[name] = filters(array)
        elif ".weights.2" in name:
            state[name] = torch.from_numpy(array.ravel()).float()
    ours = [
        Rule(rf"net\.layers\.{2 * i + 1}\.weights\.{kind}", f"body.{2 * i}.{part}")
        for i in range(LAYERS)
        for kind, part in ((1, "weight"), (2, "bias"))
    ]
    return rename(state, ours, path).state


def example(path: Path, variant: str, scale: int) -> None:
    """Write untrained weights as the authors do, but as a file of version 5."""
    layers = np.empty((1, 2 * LAYERS - 1), object)
    for i, layer in enumerate(DnCNN3().body):
        layers[0, i] = {"type": "relu"}
        if isinstance(layer, nn.Conv2d):
            weights = np.empty((1, 2), object)
            weights[0, 0] = matlab_filters(layer.weight)
            weights[0, 1] = layer.bias.detach().numpy()[:, None]  # type: ignore[union-attr]
            layers[0, i] = {"type": "conv", "weights": weights}
    savemat(path, {"net": {"layers": layers}})


METHOD = Method(
    name="dncnn",
    title="DnCNN",
    titles={"3": "DnCNN-3"},
    colour="#661100",
    marker="d",
    load=load,
    reference="Zhang et al. 2017, doi:10.1109/TIP.2017.2662206",
    published={
        ("3", "author", s): Published("DnCNN-author-weights", "model/DnCNN3.mat") for s in (2, 3, 4)
    },
    variants=("3",),
    example=example,
)
