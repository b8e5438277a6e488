"""SRCNN: three convolutions on a bicubically enlarged image.

Dong, Loy, He, Tang, "Image Super-Resolution Using Deep Convolutional Networks", 2016,
doi:10.1109/TPAMI.2015.2439281. A variant names the three kernel sizes, then, where they aren't
64-32 and Y, the widths of the hidden layers or the planes. "9-5-5-limited" is SRCNN's row in VDSR's
tables (Kim et al. 2016, doi:10.1109/CVPR.2016.182): enlarged Y is clipped to 16..235.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from sr_bench.imaging.resize import Border, imresize
from sr_bench.networks.method import Method, ModelColour, Published, Samples, Setup, Training
from sr_bench.networks.strips import InferenceNetwork
from sr_bench.networks.taps import tap_convolution
from sr_bench.networks.weights import is_safetensors, load_strictly, read_checkpoint, read_mat
from sr_bench.support.errors import SrBenchError

LAYERS = (1, 2, 3)
Padding = Literal["replicate", "zeros", "valid"]


class Shape(NamedTuple):
    """A variant: kernel sizes, widths of the two hidden layers, and what it works on."""

    kernels: tuple[int, int, int]
    widths: tuple[int, int] = (64, 32)
    colour: Literal["y", "rgb", "ycbcr"] = "y"
    limits: tuple[float, float] = (-math.inf, math.inf)  # enlarged values are clipped to them

    @property
    def channels(self) -> int:
        """Planes in and out."""
        return 1 if self.colour == "y" else 3

    @property
    def margin(self) -> int:
        """Pixels that the three layers without padding take from each side."""
        return sum(kernel // 2 for kernel in self.kernels)


SHAPES = {
    "9-1-5": Shape((9, 1, 5)),
    "9-3-5": Shape((9, 3, 5)),
    "9-5-5": Shape((9, 5, 5)),
    "9-5-5-limited": Shape((9, 5, 5), limits=(16 / 255, 235 / 255)),
    "9-1-5-32-16": Shape((9, 1, 5), (32, 16)),
    "9-1-5-128-64": Shape((9, 1, 5), (128, 64)),
    "9-1-5-rgb": Shape((9, 1, 5), colour="rgb"),
    "9-1-5-ycbcr": Shape((9, 1, 5), colour="ycbcr"),
}


# "fast": 9-1-5 passes the paper's 32.39 dB (Set5, x3) within a minute on one core.
# "published": section 4.1 of the paper, and 8e8 backpropagations of one sub-image.
# fmt: off
RECIPES = {
    "9-1-5": {
        "published": {
            "steps": 6250000, "batch": 128, "patch": 33, "augment": False, "loss": "sse",
            "optimizer": "sgd", "lr": 1e-4, "momentum": 0.9, "init_std": 0.001,
            "lr_factors": {"bias": 0.1, "conv3.weight": 0.1}, "precision": "float32",
            "validate_every": 10000, "checkpoint_every": 10000,
        },
        "fast": {
            "steps": 20000, "batch": 4, "patch": 72, "loss": "mse", "reparametrised": True,
            "lr": 3e-3, "eps": 1e-12, "schedule": "cosine", "warmup": 600, "clip": 0.01,
            "ema": 0.999, "validate_every": 1000, "checkpoint_every": 1000,
        },
    },
    "9-3-5": {
        "fast": {
            "steps": 12000, "batch": 4, "patch": 72, "loss": "mse", "reparametrised": True,
            "lr": 3e-3, "eps": 1e-12, "schedule": "cosine", "warmup": 400, "clip": 0.01,
            "ema": 0.999, "validate_every": 1000, "checkpoint_every": 1000,
        },
    },
    "9-5-5": {
        "fast": {
            "steps": 12000, "batch": 4, "patch": 72, "loss": "mse", "reparametrised": True,
            "lr": 3e-3, "eps": 1e-12, "schedule": "cosine", "warmup": 400, "clip": 0.01,
            "ema": 0.999, "validate_every": 1000, "checkpoint_every": 1000,
        },
        # 9-5-5 learns T91's 83 images by heart at x4: it needs them at several sizes.
        "rescaled": {
            "steps": 12000, "batch": 4, "patch": 72, "loss": "mse", "reparametrised": True,
            "lr": 3e-3, "eps": 1e-12, "schedule": "cosine", "warmup": 400, "clip": 0.01,
            "ema": 0.999, "validate_every": 1000, "checkpoint_every": 1000,
            "rescale": [1, 0.9, 0.8, 0.7, 0.6], "small_images": "skip",
        },
        # For more images than T91's: each image counts the same, however large and hard it is.
        "even": {
            "steps": 80000, "batch": 4, "patch": 72, "loss": "psnr", "reparametrised": True,
            "optimizer": "muon", "lr": 3e-3, "momentum": 0.95, "eps": 1e-12, "schedule": "cosine",
            "warmup": 400, "clip": 10.0, "ema": 0.999, "validate_every": 1000,
            "checkpoint_every": 1000, "draw": "images",
            "rescale": [1, 0.9, 0.8, 0.7, 0.6], "small_images": "skip",
        },
    },
    "9-1-5-32-16": {
        "fast": {
            "steps": 20000, "batch": 4, "patch": 72, "loss": "mse", "reparametrised": True,
            "lr": 3e-3, "eps": 1e-12, "schedule": "cosine", "warmup": 600, "clip": 0.01,
            "ema": 0.999, "validate_every": 1000, "checkpoint_every": 1000,
        },
    },
    "9-1-5-128-64": {
        "fast": {
            "steps": 20000, "batch": 4, "patch": 72, "loss": "mse", "reparametrised": True,
            "lr": 3e-3, "eps": 1e-12, "schedule": "cosine", "warmup": 600, "clip": 0.01,
            "ema": 0.999, "validate_every": 1000, "checkpoint_every": 1000,
        },
    },
    "9-1-5-rgb": {
        "fast": {
            "steps": 20000, "batch": 4, "patch": 72, "loss": "mse", "reparametrised": True,
            "lr": 3e-3, "eps": 1e-12, "schedule": "cosine", "warmup": 600, "clip": 0.01,
            "ema": 0.999, "validate_every": 1000, "checkpoint_every": 1000,
        },
    },
    "9-1-5-ycbcr": {
        "fast": {
            "steps": 20000, "batch": 4, "patch": 72, "loss": "mse", "reparametrised": True,
            "lr": 3e-3, "eps": 1e-12, "schedule": "cosine", "warmup": 600, "clip": 0.01,
            "ema": 0.999, "validate_every": 1000, "checkpoint_every": 1000,
        },
    },
}
# fmt: on


class SRCNN(nn.Module):
    """The network proper: an enlarged image in, a sharper one out.

    Args:
        shape: the sizes; 9-1-5, 9-3-5 and 9-5-5 have 8,032, 24,416 and 57,184 weights on one
            channel, biases not counted.
        padding: ``replicate`` (the authors' MATLAB code), ``zeros`` (mmediting), or ``valid``:
            none, as in training, where the output is smaller by the shape's margin.
    """

    def __init__(self, shape: Shape, *, padding: Padding) -> None:
        super().__init__()
        (f1, f2, f3), (n1, n2), planes = shape.kernels, shape.widths, shape.channels
        self.conv1 = _conv(planes, n1, f1, padding)
        self.conv2 = _conv(n1, n2, f2, padding)
        self.conv3 = _conv(n2, planes, f3, padding)

    def forward(self, enlarged: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) in [0, 1] -> the same, sharper."""
        x: torch.Tensor = functional.relu(self.conv1(enlarged), inplace=True)
        x = functional.relu(self.conv2(x), inplace=True)
        x = self.conv3(x)
        return x


def _conv(inputs: int, outputs: int, kernel: int, padding: Padding) -> nn.Conv2d:
    if padding == "valid":
        return nn.Conv2d(inputs, outputs, kernel)
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, padding_mode=padding)


class ResidualSRCNN(nn.Module):
    """A form of SRCNN that trains a hundred times as fast, and folds into SRCNN exactly.

    One channel per plane in each hidden layer is an identity path; the others learn the residual.
    The first layer sees centred, whitened patches; the output is scaled to the size of a typical
    residual.
    """

    CENTRE, RESIDUAL = 0.5, 0.1  # of the input's range; typical size
    SHIFT = 1.0  # keeps the identity path positive, so that ReLU doesn't change it

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        (f1, f2, f3), planes = shape.kernels, shape.channels
        n1, n2 = (width - planes for width in shape.widths)
        self.first = nn.Linear(planes * f1 * f1, n1)
        self.second, self.third = nn.Conv2d(n1, n2, f2), nn.Conv2d(n2, planes, f3)
        self.register_buffer("whitener", torch.eye(planes * f1 * f1))
        for layer in (self.first, self.second, self.third):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(_bias(layer))
        with torch.no_grad():
            self.third.weight *= 0.3

    def prepare(self, inputs: torch.Tensor) -> None:
        """Learn to whiten patches of (B, C, p, p) inputs."""
        patches = self._patches(inputs, every=8).flatten(0, 2)  # (N, C f1 f1)
        self.whitener = whitener(patches, floor=1e-4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) enlarged, in [0, 1] -> (B, C, H - 2 m, W - 2 m), m the shape's margin."""
        m = self.shape.margin
        fast = torch.is_autocast_enabled(x.device.type)
        kind = torch.get_autocast_dtype(x.device.type) if fast else x.dtype
        y = self._patches(x.to(kind), every=1)  # (B, h, w, C f1 f1)
        y = functional.linear(y, self.first.weight @ self.whitener, self.first.bias).relu_()
        if self.shape.kernels[1] == 1:
            y = functional.linear(y, self.second.weight[..., 0, 0], self.second.bias).relu_()
        else:
            y = self.second(y.permute(0, 3, 1, 2)).relu_().permute(0, 2, 3, 1)
        y = tap_convolution(y, self.third.weight) + _bias(self.third)[:, None, None]
        return x[..., m:-m, m:-m] + self.RESIDUAL * y

    def folded(self) -> dict[str, torch.Tensor]:
        """The ``state_dict`` of SRCNN; the identity path is in the last channels."""
        shape = self.shape
        kind = self.first.weight.dtype
        network = SRCNN(shape, padding="valid").to(kind)
        state = {k: torch.zeros_like(v) for k, v in network.state_dict().items()}
        first = (self.first.weight.double() @ self.whitener.double()).to(kind)
        layers = {
            "conv1": (first, self.first.bias - self.CENTRE * first.sum(1)),
            "conv2": (self.second.weight, _bias(self.second)),
            "conv3": (self.RESIDUAL * self.third.weight, self.RESIDUAL * _bias(self.third)),
        }
        for name, (weight, bias) in layers.items():
            whole = state[f"{name}.weight"]
            out, into = len(bias), len(weight.reshape(len(bias), -1)[0]) // whole[0, 0].numel()
            whole[:out, :into] = weight.detach().reshape(out, into, *whole.shape[2:])
            state[f"{name}.bias"][:out] = bias.detach()
        for plane in range(shape.channels):
            self._add_identity(state, plane)
        return state

    def _add_identity(self, state: dict[str, torch.Tensor], plane: int) -> None:
        sizes = (self.shape.channels, *self.shape.widths, self.shape.channels)
        for i, kernel in enumerate(self.shape.kernels):
            into = plane if i == 0 else sizes[i] - 1 - plane
            out = plane if i == 2 else sizes[i + 1] - 1 - plane
            state[f"conv{i + 1}.weight"][out, into, kernel // 2, kernel // 2] = 1
        state["conv1.bias"][sizes[1] - 1 - plane] = self.SHIFT
        state["conv3.bias"][plane] -= self.SHIFT

    def _patches(self, x: torch.Tensor, *, every: int) -> torch.Tensor:
        """(B, C, H, W) -> (B, h, w, C f1 f1), centred."""
        f1 = self.shape.kernels[0]
        windows = (x - self.CENTRE).unfold(2, f1, every).unfold(3, f1, every)
        return windows.permute(0, 2, 3, 1, 4, 5).flatten(3)


def whitener(vectors: torch.Tensor, *, floor: float) -> torch.Tensor:
    """(C + floor I)^(-1/2), C the mean of v v^T over the rows v of (N, d): (d, d), float32.

    A layer that sees ``whitener @ v`` instead of v has inputs of about equal variance in all
    directions, which gradient descent needs; natural image patches are far from that.
    """
    moment = (vectors.T @ vectors / len(vectors)).double()
    values, directions = torch.linalg.eigh(moment)
    root = directions @ torch.diag((values + floor).rsqrt()) @ directions.T
    whitened: torch.Tensor = root.float()
    return whitened


def _bias(layer: nn.Conv2d | nn.Linear) -> torch.Tensor:
    assert layer.bias is not None
    return layer.bias


class MatlabSRCNN:
    """SRCNN after MATLAB's bicubic enlargement, as in the paper: on Y, RGB or YCbCr."""

    def __init__(
        self, network: InferenceNetwork, shape: Shape, *, scale: int, border: Border
    ) -> None:
        self.network, self.scale, self.border = network, scale, border
        self.limits = shape.limits
        self.colour: ModelColour = shape.colour
        self.reach = reach(shape, scale)

    def __call__(self, lr: torch.Tensor) -> torch.Tensor:
        """(1, C, h, w) -> (1, C, scale * h, scale * w)."""
        planes = lr[0].permute(1, 2, 0).double().numpy()  # (h, w, C)
        enlarged = imresize(planes, scale=self.scale, rounding="none", border=self.border)
        batch = torch.from_numpy(enlarged.astype(np.float32)).permute(2, 0, 1)[None]
        sr: torch.Tensor = self.network(batch.clamp_(*self.limits))
        return sr


class MmeditingSRCNN:
    """SRCNN on RGB after PyTorch's bicubic enlargement (a = -0.75), as in mmediting."""

    colour: ModelColour = "rgb"

    def __init__(self, network: nn.Module, shape: Shape, *, scale: int) -> None:
        self.network, self.scale = network, scale
        self.reach = reach(shape, scale)

    def __call__(self, lr: torch.Tensor) -> torch.Tensor:
        """(1, 3, h, w) -> (1, 3, scale * h, scale * w)."""
        enlarged = functional.interpolate(
            lr, scale_factor=self.scale, mode="bicubic", align_corners=False
        )
        sr: torch.Tensor = self.network(enlarged)
        return sr


def reach(shape: Shape, scale: int) -> int:
    """Lr pixels that an output pixel depends on, at each side: the layers', and bicubic's 2."""
    return math.ceil(shape.margin / scale) + 2


def load(setup: Setup) -> MatlabSRCNN | MmeditingSRCNN:
    """Build the variant and load its weights: the authors' .mat, mmediting's .pth, or our own."""
    file = setup.require_file("srcnn")
    if is_safetensors(file):
        return trained(read_checkpoint(file), setup)
    if file.suffix == ".mat":
        return trained(matlab_state(file), setup)
    shape = SHAPES[setup.variant]._replace(colour="rgb")
    network = SRCNN(shape, padding="zeros")
    load_strictly(network, mmediting_state(file), file)
    return MmeditingSRCNN(InferenceNetwork(network), shape, scale=setup.scale)


def trained(state: Mapping[str, torch.Tensor], setup: Setup) -> MatlabSRCNN:
    """The variant with these weights, as it is scored."""
    shape = SHAPES[setup.variant]
    network = SRCNN(shape, padding="replicate")
    load_strictly(network, state, setup.file or Path(f"srcnn {setup.variant}"))
    border = setup.degradation.border
    return MatlabSRCNN(InferenceNetwork(network), shape, scale=setup.scale, border=border)


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
    file = f"model/{variant}({training})/x{scale}.mat"
    trained_on = "T91" if training == "91 images" else training
    return Published("SRCNN-author-weights", file, trained_on=trained_on)


def _samples(variant: str) -> Samples:
    shape = SHAPES[variant]
    return Samples(shape.colour, "ycbcr-float-replicate", enlarged=True, margin=shape.margin)


METHOD = Method(
    name="srcnn",
    title="SRCNN",
    colour="#0072B2",
    marker="o",
    speed_reference=True,
    filters=True,
    load=load,
    reference="Dong et al. 2016, doi:10.1109/TPAMI.2015.2439281",
    variants=tuple(SHAPES),
    training=Training(
        network=lambda variant, scales: SRCNN(SHAPES[variant], padding="valid"),
        model=trained,
        samples=_samples,
        reparametrised=lambda variant: ResidualSRCNN(SHAPES[variant]),
        recipes=RECIPES,
    ),
    published={
        **{("9-1-5", "author-t91", s): _author("9-1-5", "91 images", s) for s in (2, 3, 4)},
        **{
            (variant, "author-imagenet", s): _author("9-5-5", "ImageNet", s)
            for variant in ("9-5-5", "9-5-5-limited")
            for s in (2, 3, 4)
        },
        ("9-1-5", "author-imagenet", 3): _author("9-1-5", "ImageNet", 3),
        ("9-3-5", "author-imagenet", 3): _author("9-3-5", "ImageNet", 3),
        ("9-1-5", "mmediting", 4): Published(
            "SRCNN-mmediting-weights",
            "srcnn_x4k915_1x16_1000k_div2k_20200608-4186f232.pth",
            trained_on="DIV2K",
            label="MMEditing",
        ),
    },
)
