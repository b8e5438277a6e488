"""SRCNN: three convolutions on a bicubically enlarged image.

Dong, Loy, He, Tang, "Image Super-Resolution Using Deep Convolutional Networks", 2016,
doi:10.1109/TPAMI.2015.2439281. A variant names the three kernel sizes.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from sr_bench.errors import SrBenchError
from sr_bench.method import Method, ModelColour, Published, Setup
from sr_bench.resize import Border, imresize
from sr_bench.weights import load_strictly, read_checkpoint, read_mat

KERNELS = {"9-1-5": (9, 1, 5), "9-3-5": (9, 3, 5), "9-5-5": (9, 5, 5)}
WIDTHS = (64, 32)
LAYERS = (1, 2, 3)


class SRCNN(nn.Module):
    """The network proper: an enlarged image in, a sharper one out.

    Args:
        kernels: the sizes f1, f2, f3; 9-1-5, 9-3-5 and 9-5-5 have 8,032, 24,416 and 57,184
            weights on one channel, biases not counted.
        channels: 1 (Y) or 3 (RGB).
        padding: ``replicate`` (the authors' MATLAB code) or ``zeros`` (mmediting).
    """

    def __init__(self, kernels: tuple[int, int, int], *, channels: int, padding: str) -> None:
        super().__init__()
        sizes = (channels, *WIDTHS, channels)
        for i, kernel in enumerate(kernels):
            layer = nn.Conv2d(
                sizes[i], sizes[i + 1], kernel, padding=kernel // 2, padding_mode=padding
            )
            self.add_module(f"conv{i + 1}", layer)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(1, C, H, W) enlarged, in [0, 1] -> the same, sharper."""
        x = functional.relu_(self.conv1(x))  # (1, 64, H, W)
        x = functional.relu_(self.conv2(x))  # (1, 32, H, W)
        return self.conv3(x)  # (1, C, H, W)


class OnY:
    """SRCNN on luminance, behind MATLAB's bicubic enlargement."""

    colour: ModelColour = "y"

    def __init__(self, network: SRCNN, *, scale: int, border: Border) -> None:
        self.network, self.scale, self.border = network, scale, border

    def __call__(self, lr: torch.Tensor) -> torch.Tensor:
        """(1, 1, h, w) -> (1, 1, scale * h, scale * w)."""
        enlarged = imresize(
            lr[0, 0].numpy().astype(np.float64),
            scale=self.scale,
            rounding="none",
            border=self.border,
        )
        return self.network(torch.from_numpy(enlarged.astype(np.float32))[None, None])


class OnRGB:
    """SRCNN on RGB, behind PyTorch's bicubic enlargement (a = -0.75), as in mmediting."""

    colour: ModelColour = "rgb"

    def __init__(self, network: SRCNN, *, scale: int) -> None:
        self.network, self.scale = network, scale

    def __call__(self, lr: torch.Tensor) -> torch.Tensor:
        """(1, 3, h, w) -> (1, 3, scale * h, scale * w)."""
        enlarged = functional.interpolate(
            lr, scale_factor=self.scale, mode="bicubic", align_corners=False
        )
        return self.network(enlarged)


def load(setup: Setup) -> OnY | OnRGB:
    """Build the variant and load its weights: .mat of the authors, or mmediting's checkpoint."""
    if setup.file is None:
        raise SrBenchError(
            f"srcnn {setup.variant}: weights are '{setup.weights}', but SRCNN can't run without; "
            "name published ones in params.yaml"
        )
    kernels = KERNELS[setup.variant]
    if setup.file.suffix == ".mat":
        network = SRCNN(kernels, channels=1, padding="replicate")
        load_strictly(network, matlab_state(setup.file), setup.file)
        return OnY(_ready(network), scale=setup.scale, border=setup.degradation.border)
    network = SRCNN(kernels, channels=3, padding="zeros")
    load_strictly(network, mmediting_state(setup.file), setup.file)
    return OnRGB(_ready(network), scale=setup.scale)


def _ready(network: SRCNN) -> SRCNN:
    """For inference; channels_last is the layout that oneDNN's wide convolutions want."""
    return network.eval().to(memory_format=torch.channels_last)


def matlab_state(path: Path) -> dict[str, torch.Tensor]:
    """The authors' arrays as PyTorch's (out, in, f, f); MATLAB stores each filter column-major.

    ``weights_conv1`` is (f1^2, n1), ``weights_conv2`` (n1, f2^2, n2), ``weights_conv3`` (n2, f3^2).
    """
    arrays = read_mat(path)
    expected = {f"{kind}_conv{i}" for i in LAYERS for kind in ("weights", "biases")}
    if set(arrays) != expected:
        raise SrBenchError(
            f"{path}: holds {sorted(arrays)}, the authors' files hold {sorted(expected)}; "
            "is it one of them?"
        )
    first, second, third = (arrays[f"weights_conv{i}"] for i in LAYERS)
    if (first.ndim, second.ndim, third.ndim) != (2, 3, 2):
        raise SrBenchError(
            f"{path}: weights_conv1..3 are {first.shape}, {second.shape}, {third.shape}; expected "
            "(f1^2, n1), (n1, f2^2, n2), (n2, f3^2): is it one of the authors' files?"
        )
    filters = (
        first.T[:, None],  # (n1, 1, f1^2)
        second.transpose(2, 0, 1),  # (n2, n1, f2^2)
        third[None],  # (1, n2, f3^2)
    )
    state = {}
    for i, flat in zip(LAYERS, filters):
        size = math.isqrt(flat.shape[-1])
        if size**2 != flat.shape[-1]:
            raise SrBenchError(
                f"{path}: filters of weights_conv{i} have {flat.shape[-1]} values, expected a "
                "square number; fetch the file again"
            )
        kernel = flat.reshape(*flat.shape[:2], size, size).swapaxes(2, 3)
        state[f"conv{i}.weight"] = torch.tensor(kernel, dtype=torch.float32)
        bias = arrays[f"biases_conv{i}"].ravel()
        state[f"conv{i}.bias"] = torch.tensor(bias, dtype=torch.float32)
    return state


def mmediting_state(path: Path) -> dict[str, torch.Tensor]:
    """mmediting's keys, as ``generator.conv1.weight``, in our names."""
    return {k.removeprefix("generator."): v for k, v in read_checkpoint(path).items()}


def _author(variant: str, training: str, scale: int) -> Published:
    return Published("SRCNN-author-weights", f"model/{variant}({training})/x{scale}.mat")


METHOD = Method(
    name="srcnn",
    load=load,
    reference="Dong et al. 2016, doi:10.1109/TPAMI.2015.2439281",
    variants=tuple(KERNELS),
    published={
        **{("9-1-5", "author-t91", s): _author("9-1-5", "91 images", s) for s in (2, 3, 4)},
        **{("9-5-5", "author-imagenet", s): _author("9-5-5", "ImageNet", s) for s in (2, 3, 4)},
        ("9-1-5", "author-imagenet", 3): _author("9-1-5", "ImageNet", 3),
        ("9-3-5", "author-imagenet", 3): _author("9-3-5", "ImageNet", 3),
        ("9-1-5", "mmediting", 4): Published(
            "SRCNN-mmediting-weights", "srcnn_x4k915_1x16_1000k_div2k_20200608-4186f232.pth"
        ),
    },
)
