"""Networks on a device, in a precision; what they cost."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.method_files import load_method
from sr_bench.networks.modules import network_of
from sr_bench.networks.strips import InferenceNetwork
from sr_bench.support.errors import SrBenchError
from sr_bench.timing import cost
from sr_bench.timing.computation import put_on_device
from sr_bench.timing.cost import fact, macs, matrix_rate, parameters

METHODS = Path(__file__).parents[1] / "methods"
RULE = load_protocols().degradations["rgb-matlab"]


class Tiny(nn.Module):
    colour, reach = "rgb", 1

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 12, 3, padding=1)

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        return nn.functional.pixel_shuffle(self.conv(lr), 2).clamp(0, 1)


class Around:
    """A model that is no module, with a network inside that also takes a scale."""

    colour = "rgb"

    def __init__(self) -> None:
        self.network = Scaled()

    def __call__(self, lr: torch.Tensor) -> torch.Tensor:
        return self.network(lr, 2)


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tiny = Tiny()

    def forward(self, lr: torch.Tensor, scale: int) -> torch.Tensor:
        assert type(scale) is int
        return self.tiny(lr)


class Plain:
    colour = "any"

    def __call__(self, lr: torch.Tensor) -> torch.Tensor:
        return lr.repeat_interleave(2, 2).repeat_interleave(2, 3)


def no_export(inputs: object) -> Path:
    raise AssertionError("nothing is exported")


@pytest.fixture
def lr() -> torch.Tensor:
    return torch.rand(1, 3, 9, 7, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("make", [Tiny, Around])
@pytest.mark.parametrize("precision", ["float32", "float32-nchw", "bf16"])
def test_placed(make: type, precision: str, lr: torch.Tensor) -> None:
    model = make()
    with torch.no_grad():
        expected = model(lr)
    placed, _ = put_on_device(model, "cpu", precision, no_export)
    sr = placed(lr)
    assert sr.dtype == torch.float32 and sr.shape == (1, 3, 18, 14)
    torch.testing.assert_close(sr, expected, rtol=0, atol=1e-2 if precision == "bf16" else 1e-6)


class Watched(InferenceNetwork):
    """It notes whether strips were to be used."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 3, 1))
        self.colour, self.reach, self.seen = "rgb", 0, list[bool]()

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        self.seen.append(self.uses_strips(lr))
        return super().forward(lr)


def test_strips_are_ours_alone(lr: torch.Tensor) -> None:
    network = Watched()
    for precision in ("float32", "float32-nchw", "bf16"):
        put_on_device(network, "cpu", precision, no_export)[0](lr)
    macs(network, [(lr,)])
    assert network.seen == [True, False, False, False]
    assert network.in_strips


def test_the_model_around_is_not_changed() -> None:
    model = Around()
    placed, computation = put_on_device(model, "cpu", "bf16", no_export)
    assert isinstance(model.network, Scaled)
    assert placed.network is computation
    assert network_of(model) is model.network and network_of(Plain()) is None


@pytest.mark.parametrize("make", [Tiny, Around, Plain])
def test_inputs_are_recorded_and_repeatable(make: type) -> None:
    model, computation = put_on_device(make(), "cpu", "float32", no_export)
    upscaler = Upscaler("a", model, RULE, 2, ensemble=True)
    lr = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    with computation.recorded() as passes:
        upscaler(lr)
    upscaler(lr)
    assert len(passes) == 8  # self-ensemble's; not those after the block
    first = torch.from_numpy(lr.transpose(2, 0, 1)[None] / np.float32(255))
    assert torch.equal(passes[0][0], first)
    assert torch.equal(computation.compute(*passes[0]).float(), model(first))


@pytest.mark.parametrize(("device", "precision"), [("cuda", "float32"), ("cpu", "bf16")])
def test_without_a_network(device: str, precision: str) -> None:
    with pytest.raises(SrBenchError, match=f"can't run on {device} in {precision}"):
        put_on_device(Plain(), device, precision, no_export)


def hand_counted(layers: list[tuple[int, int, int, int]]) -> int:
    """Inputs, outputs, kernel, pixels of each convolution."""
    return sum(i * o * k * k * pixels for i, o, k, pixels in layers)


def test_macs_of_srcnn() -> None:
    srcnn = load_method(METHODS / "srcnn.py").training
    assert srcnn is not None
    network, pixels = srcnn.network("9-5-5", (2,)), 1280 * 720
    # Trained without padding; as scored, it pads, and every layer makes every pixel.
    for layer in (network.conv1, network.conv2, network.conv3):
        layer.padding = tuple(k // 2 for k in layer.kernel_size)
        layer._reversed_padding_repeated_twice = [p for p in layer.padding for _ in range(2)]
        layer.padding_mode = "replicate"
    expected = hand_counted([(1, 64, 9, pixels), (64, 32, 5, pixels), (32, 1, 5, pixels)])
    assert expected == 57184 * pixels
    assert macs(network, [(torch.empty(1, 1, 720, 1280),)]) == expected
    assert parameters([network]) == 57184 + 64 + 32 + 1


def test_macs_of_edsr() -> None:
    edsr = load_method(METHODS / "edsr.py").training
    assert edsr is not None
    network, small, large = edsr.network("baseline", (2,)), 640 * 360, 1280 * 720
    layers = [(3, 64, 3, small), *[(64, 64, 3, small)] * 33, (64, 256, 3, small), (64, 3, 3, large)]
    _, placed = put_on_device(network, "cpu", "float32", no_export)
    assert macs(placed.network, [(torch.empty(1, 3, 360, 640),)]) == hand_counted(layers)
    assert hand_counted(layers) == 316_248_883_200  # the 316 G of everybody's tables
    assert parameters([network]) == 1_369_859
    assert parameters([]) == 0


def test_macs_of_several_passes() -> None:
    one = (torch.empty(1, 3, 8, 8),)
    assert macs(Tiny(), [one, one]) == 2 * macs(Tiny(), [one]) == 2 * 3 * 12 * 9 * 64


class Looks(nn.Module):
    """A convolution of 12 x 3 x 9 weights that first looks at the values in one of some ways."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.conv, self.way = nn.Conv2d(3, 12, 3, padding=1), way
        self.table = np.ones(3)

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        if self.way == "item" and lr.mean().item() > 2:
            return lr
        if self.way == "numpy":
            lr = torch.from_numpy(lr.numpy() * np.float32(1))
        if self.way == "where":
            lr[torch.where(lr > 0.5)] += 0
        if self.way == "fails":
            raise RuntimeError("no counting\nhere")
        return self.conv(lr)


@pytest.mark.parametrize("way", ["item", "numpy", "where", "plain"])
def test_macs_of_a_network_that_looks_at_values(way: str) -> None:
    assert macs(Looks(way), [(torch.rand(1, 3, 8, 8),)]) == 3 * 12 * 9 * 64


def test_macs_of_a_network_without_parameters() -> None:
    assert macs(nn.PixelShuffle(2), [(torch.rand(1, 4, 8, 8),)]) == 0


def test_a_fact_that_cannot_be_had_is_told() -> None:
    why: dict[str, str] = {}
    inputs = [(torch.rand(1, 3, 8, 8),)]
    assert fact("macs", lambda: macs(Looks("fails"), inputs), why) is None
    assert fact("psnr", lambda: 30.0, why) == 30.0
    assert why == {"macs": "no counting here"}


@pytest.mark.parametrize(
    ("seconds", "dtype", "expected"),
    [
        ({"mm": 4.0, "linear": 2.0}, torch.float32, 2.0),  # MKL on a processor not of its maker
        ({"mm": 1.0, "linear": 2.0}, torch.float32, 1.0),
        ({"mm": 3.0, "linear": 2.0}, torch.bfloat16, 3.0),  # oneDNN's by itself
    ],
)
def test_matrix_rate_is_that_of_the_fastest_product(
    monkeypatch: pytest.MonkeyPatch, seconds: dict[str, float], dtype: torch.dtype, expected: float
) -> None:
    now = [0.0]

    def takes(name: str) -> Callable[..., torch.Tensor]:
        def call(*_: torch.Tensor) -> torch.Tensor:
            now[0] += seconds[name]
            return torch.empty(0)

        return call

    monkeypatch.setattr(cost, "SIDE", 100)
    monkeypatch.setattr(torch, "mm", takes("mm"))
    monkeypatch.setattr(functional, "linear", takes("linear"))
    assert matrix_rate(torch.device("cpu"), dtype, lambda: now[0]) == 2 * 100**3 / expected
