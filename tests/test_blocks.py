"""Shared blocks, and how far the networks made of them see."""

from pathlib import Path

import pytest
import torch
from torch import nn

from sr_bench.networks.blocks import MeanShift, ResBlock, rename_official, upsampler
from sr_bench.networks.method_files import load_method
from sr_bench.support.errors import SrBenchError

ROOT = Path(__file__).resolve().parent.parent
NET = Path("net.pt")
MEAN = torch.tensor([0.4488, 0.4371, 0.4040])


def test_the_mean_is_a_constant_per_channel():
    x = torch.zeros(2, 3, 4, 5)
    assert torch.equal(MeanShift(+1)(x), MEAN.reshape(1, 3, 1, 1).expand(2, 3, 4, 5))
    assert torch.equal(MeanShift(-1)(x), -MeanShift(+1)(x))
    assert not MeanShift(-1).state_dict()
    assert not list(MeanShift(-1).parameters())


@pytest.mark.parametrize("kernel", [3, 5])
def test_a_block_adds_its_scaled_residual_and_keeps_its_input(kernel):
    block = ResBlock(4, kernel=kernel, res_scale=0.1)
    x = torch.randn(2, 4, 6, 5, generator=torch.Generator().manual_seed(0))
    kept = x.clone()
    first, _, second = block.body
    expected = x + 0.1 * second(torch.relu(first(x)))
    torch.testing.assert_close(block(x), expected)
    assert torch.equal(x, kept)
    assert sorted(block.state_dict()) == [
        f"body.{i}.{kind}" for i in (0, 2) for kind in ("bias", "weight")
    ]


@pytest.mark.parametrize(
    ("scale", "layers"), [(2, {"0": 256}), (3, {"0": 576}), (4, {"0": 256, "2": 256})]
)
def test_upsamplers_have_the_published_layers(scale, layers):
    network = upsampler(64, scale)
    assert network(torch.zeros(1, 64, 3, 2)).shape == (1, 64, 3 * scale, 2 * scale)
    shapes = {k.removesuffix(".bias"): len(v) for k, v in network.state_dict().items() if "b" in k}
    assert shapes == layers


def test_no_upsampler_for_another_scale():
    with pytest.raises(SrBenchError, match="scale is 5, the upsampler has 2, 3 and 4"):
        upsampler(64, 5)


# The official code's format


def official():
    state = {"head.0.weight": torch.ones(2), "head.0.bias": torch.full((2,), 255.0)}
    for layer, sign in (("sub_mean", -1), ("add_mean", 1)):
        state[f"{layer}.weight"] = torch.eye(3).reshape(3, 3, 1, 1)
        state[f"{layer}.bias"] = sign * 255 * MEAN
    return state


def test_the_official_format_becomes_ours():
    renamed = rename_official(official(), r"head\.0|tail\.0", NET)
    values = {k: v.tolist() for k, v in renamed.state.items()}
    assert values == {"head.0.weight": [1, 1], "head.0.bias": [1, 1]}
    assert [(r.theirs, r.ours, r.divisor) for r in renamed.rows] == [
        ("head.0.weight", "head.0.weight", 1),
        ("head.0.bias", "head.0.bias", 255),
        ("sub_mean.weight", None, 1),
        ("sub_mean.bias", None, 1),
        ("add_mean.weight", None, 1),
        ("add_mean.bias", None, 1),
    ]


@pytest.mark.parametrize(
    ("key", "value", "fact"),
    [
        ("sub_mean.bias", -MEAN, "sub_mean.bias is [-0.4488, -0.4371, -0.404], expected [-114."),
        ("add_mean.bias", torch.zeros(3), "add_mean.bias is [0.0, 0.0, 0.0]"),
        ("add_mean.bias", torch.full((3,), torch.nan), "add_mean.bias is [nan, nan, nan]"),
        ("sub_mean.weight", 2 * torch.eye(3).reshape(3, 3, 1, 1), "sub_mean.weight is [2.0, 0.0"),
        ("sub_mean.weight", torch.ones(9, 3, 1, 1), "sub_mean.weight is of shape (9, 3, 1, 1)"),
        ("add_mean.weight", None, "add_mean.weight is missing from its 5 keys"),
    ],
)
def test_another_mean_is_refused(key, value, fact):
    state = {k: v for k, v in (official() | {key: value}).items() if v is not None}
    with pytest.raises(SrBenchError) as caught:
        rename_official(state, r"head\.0", NET)
    assert str(caught.value).startswith("net.pt: ")
    assert fact in str(caught.value)


# Reach


def stronger(network):
    """Random weights that carry a change through forty layers, in double precision."""
    torch.manual_seed(3)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=(1.5 / layer.weight[0].numel()) ** 0.5)
    return network.double().eval()


@pytest.mark.parametrize("direction", ["across", "down"])
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(("name", "reach"), [("edsr", 36), ("mdsr", 44)])
def test_an_output_depends_on_lr_pixels_up_to_reach_and_no_further(name, reach, scale, direction):
    training = load_method(ROOT / f"methods/{name}.py").training
    network = stronger(training.network("baseline", (scale,)))
    assert network.reach == reach
    model = network if name == "edsr" else lambda x: network(x, scale)
    middle = reach + 2
    lr = torch.rand(1, 3, 1, 2 * middle + 1, dtype=torch.float64)
    changed = lr.clone()
    changed[..., middle] = 1 - changed[..., middle]
    if direction == "down":
        lr, changed = lr.mT, changed.mT
    with torch.inference_mode():
        differs = (model(lr) != model(changed)).any(dim=1)[0]
    seen = differs.any(dim=0 if direction == "across" else 1).nonzero().flatten() // scale
    assert (middle - seen.min(), seen.max() - middle) == (reach, reach)
