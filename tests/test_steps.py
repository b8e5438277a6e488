"""Which forward passes are lists of steps, and which have to be computed whole."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional

from sr_bench.networks.steps import Convolution, Pixelwise, Relu, Residual, steps_of
from sr_bench.networks.strips import InferenceNetwork

CONV = nn.Conv2d(4, 4, 3, padding=1)
MEAN = torch.rand(1, 4, 1, 1)


def padded(x, **options):
    return CONV(functional.pad(x, (1, 1, 1, 1), **options))


def kinds(steps):
    return [type(step) for step in steps]


def test_steps_are_in_the_order_of_the_pass():
    def forward(x):
        x = functional.relu(CONV(x - MEAN))
        x = x + 0.1 * CONV(x)
        return functional.pixel_shuffle(x, 2) + 1

    steps = steps_of(forward, 4)
    assert kinds(steps) == [Pixelwise, Convolution, Relu, Residual, Pixelwise, Pixelwise]
    assert kinds(steps[3].steps) == [Convolution, Pixelwise] and steps[3].scale == 1


def test_residuals_lie_in_each_other_in_either_order_of_the_sum():
    def block(x):
        return torch.add(x, CONV(x), alpha=0.5)

    steps = steps_of(lambda x: block(block(x)) + CONV(x + MEAN), 4)
    assert steps is None  # two branches: neither was made from the other
    (outer,) = steps_of(lambda x: block(block(x)) + x, 4)
    assert kinds(outer.steps) == [Residual, Residual] and outer.steps[0].scale == 0.5


def test_what_works_in_place_changes_the_tensor_for_all():
    relu = nn.ReLU(inplace=True)
    assert kinds(steps_of(lambda x: x + CONV(relu(x)), 4)) == [Relu, Residual]
    (only,) = steps_of(lambda x: x + CONV(functional.relu(x)), 4)
    assert kinds(only.steps) == [Relu, Convolution]


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("mode", ["zeros", "replicate"])
def test_a_layer_and_its_step_are_the_same(kernel, mode):
    layer = nn.Conv2d(4, 8, kernel, padding=kernel // 2, padding_mode=mode).double()
    (step,) = steps_of(layer, 4)
    x = torch.rand(1, 4, 9, 7, dtype=torch.float64)
    assert torch.equal(step(x), layer(x))
    assert (step.pad, step.width) == (kernel // 2, 8)
    assert step.replicate == (mode == "replicate" and kernel > 1)


WHOLE = {
    "valid": nn.Conv2d(4, 4, 3),
    "wider": nn.Conv2d(4, 4, 3, padding=2),
    "even": nn.Conv2d(4, 4, 2, padding=1),
    "oblong": nn.Conv2d(4, 4, (1, 3), padding=(0, 1)),
    "stride": nn.Conv2d(4, 4, 3, padding=1, stride=2),
    "dilation": nn.Conv2d(4, 4, 3, padding=1, dilation=2),
    "groups": nn.Conv2d(4, 4, 3, padding=1, groups=4),
    "reflect": nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
    "other channels": nn.Conv2d(3, 4, 3, padding=1),
    "transposed": nn.ConvTranspose2d(4, 4, 3, padding=1),
    "padded twice": partial(padded, mode="replicate"),
    "padded with ones": partial(padded, value=1.0),
    "padding kept": lambda x: functional.pad(x, (1, 1, 1, 1), mode="replicate"),
    "padding read": lambda x: functional.relu(functional.pad(x, (1,) * 4, mode="replicate")),
    "two branches": lambda x: CONV(x) + functional.relu(CONV(x)),
    "wider sum": lambda x: x + nn.Conv2d(4, 1, 1)(x),
    "shuffled sum": lambda x: x + torch.pixel_shuffle(CONV(torch.cat([x] * 4, 1)), 2),
    "itself": lambda x: x + x,
    "scaled skip": lambda x: torch.add(CONV(x), x, alpha=2),
    "difference": lambda x: x - CONV(x),
    "product": lambda x: x * CONV(x),
    "map": lambda x: x + torch.rand(1, 1, 8, 8),
    "row": lambda x: x + torch.rand(8),
    "mean": lambda x: x - x.mean(),
    "shape": lambda x: x if x.shape[2] > 9 else CONV(x),
    "value": lambda x: x if x[0, 0, 0, 0] > 0 else CONV(x),
    "concatenated": lambda x: torch.cat([x, x], 1),
    "a tuple": lambda x: (x, x),
    "a constant": lambda x: MEAN,
    "fails": lambda x: {}["key"],
}


@pytest.mark.parametrize("name", WHOLE)
def test_anything_else_is_no_list_of_steps(name):
    assert steps_of(WHOLE[name], 4) is None


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        return x * torch.sigmoid(self.conv(x).mean((2, 3), keepdim=True))


def test_a_network_without_steps_is_computed_whole():
    network, x = Attention(), torch.rand(1, 4, 9, 7)
    with torch.inference_mode():
        assert torch.equal(InferenceNetwork(network)(x), network(x))


def test_an_image_without_a_batch_is_computed_whole():
    network, x = InferenceNetwork(nn.Conv2d(4, 4, 3, padding=1)), torch.rand(4, 9, 7)
    with torch.inference_mode():
        assert torch.equal(network(x), network.network(x))
