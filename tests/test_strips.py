"""Strips change nothing but the time.

Compared in float64: float32 sums of another order lie apart by what the processor makes of them.
"""

from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional

from sr_bench.networks import strips
from sr_bench.networks.steps import Pixelwise, steps_of
from sr_bench.networks.strips import InferenceNetwork, through_strips, whole_images

SIZES = [(1, 8, 4, 1), (3, 8, 4, 3)]
KERNELS = [(9, 1, 5), (9, 5, 5), (3, 9, 1), (1, 1, 1)]


def layers(sizes, kernels, mode, bias=True):
    torch.manual_seed(5)
    made = [
        nn.Conv2d(*pair, k, padding=k // 2, padding_mode=mode, bias=bias)
        for pair, k in zip(pairwise(sizes), kernels)
    ]
    return [layer.double().to(memory_format=torch.channels_last) for layer in made]


def whole(chain, x):
    for layer in chain[:-1]:
        x = functional.relu(layer(x))
    return chain[-1](x)


def rectified(chain):
    return nn.Sequential(*[step for layer in chain for step in (layer, nn.ReLU())][:-1])


def in_strips(network, x):
    steps = steps_of(network, x.shape[1])
    assert steps
    return through_strips(steps, x)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("kernels", KERNELS, ids=str)
@pytest.mark.parametrize("mode", ["replicate", "zeros"])
@pytest.mark.parametrize("pixels", [(90, 17), (1, 40), (9, 3), (10, 10), (37, 1)], ids=str)
@pytest.mark.parametrize("strip", [1, 300, 40_000])
def test_strips_equal_whole_layers(monkeypatch, sizes, kernels, mode, pixels, strip):
    monkeypatch.setattr(strips, "_STRIP", strip)
    chain = layers(sizes, kernels, mode)
    x = torch.rand(2, sizes[0], *pixels, dtype=torch.float64)
    before = x.clone()
    with torch.inference_mode():
        made = in_strips(rectified(chain), x)
        torch.testing.assert_close(made, whole(chain, x), atol=1e-12, rtol=0)
    assert torch.equal(x, before)


def test_layers_without_a_bias():
    chain = layers((1, 8, 4, 1), (9, 1, 5), "replicate", bias=False)
    x = torch.rand(1, 1, 20, 20, dtype=torch.float64)
    with torch.inference_mode():
        made = in_strips(rectified(chain), x)
        torch.testing.assert_close(made, whole(chain, x), atol=1e-12, rtol=0)


class Residual(nn.Sequential):
    def __init__(self, *layers, scale=1.0):
        super().__init__(*layers)
        self.scale = scale

    def forward(self, x):
        return torch.add(x, super().forward(x), alpha=self.scale)


def residual_network():
    """Every kind of step, nested, ReLU in every place that it can have."""

    def conv(inputs, outputs, kernel=3):
        return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)

    torch.manual_seed(6)
    relu = nn.ReLU(inplace=True)
    block = Residual(conv(8, 8), relu, conv(8, 8, 5), scale=0.1)
    before = Residual(nn.ReLU(), conv(8, 8, 1), relu, conv(8, 8), relu)
    changing = Residual(relu, conv(8, 8))  # adds to what ReLU has changed in place
    body = Residual(block, nn.Sequential(conv(8, 8), relu), before, changing, conv(8, 8))
    steps = [conv(3, 8), body, conv(8, 32), nn.PixelShuffle(2), relu, conv(8, 3)]
    return nn.Sequential(*steps).double()


@pytest.mark.parametrize("pixels", [(90, 17), (1, 40), (9, 3), (37, 1)], ids=str)
@pytest.mark.parametrize("strip", [1, 50, 300, 40_000])
def test_residuals_and_shuffles_equal_whole_layers(monkeypatch, pixels, strip):
    monkeypatch.setattr(strips, "_STRIP", strip)
    network, x = residual_network(), torch.rand(2, 3, *pixels, dtype=torch.float64)
    before = x.clone()
    with torch.inference_mode():
        made = in_strips(network, x)
        torch.testing.assert_close(made, network(x), atol=1e-12, rtol=0)
    assert torch.equal(x, before)


class Watch(nn.Module):
    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x):
        self.seen.append(tuple(x.shape[2:]))
        return x


def test_strips_that_a_shuffle_enlarges_are_cut_again(monkeypatch):
    monkeypatch.setattr(strips, "_STRIP", 200)
    before, after = Watch(), Watch()
    with torch.inference_mode():
        steps = [Pixelwise(step) for step in (before, nn.PixelShuffle(2), after)]
        made = through_strips(steps, torch.rand(1, 8, 25, 40))
    assert before.seen == [(5, 40)] * 5 and made.shape == (1, 2, 50, 80)
    assert after.seen == [(2, 80)] * 25


@pytest.mark.parametrize(("strip", "calls"), [(40_000, 1), (100, 4)])
def test_a_layer_is_called_once_a_strip(monkeypatch, strip, calls):
    seen = []

    def counted(*args, **kwargs):
        seen.append(args)
        return convolve(*args, **kwargs)

    steps = steps_of(nn.Sequential(*(nn.Conv2d(4, 4, 3, padding=1) for _ in range(20))), 4)
    convolve = functional.conv2d
    monkeypatch.setattr(strips, "_STRIP", strip)
    monkeypatch.setattr(functional, "conv2d", counted)
    with torch.inference_mode():
        through_strips(steps, torch.rand(1, 4, 40, 10))
    assert len(steps) <= len(seen) <= calls * len(steps)


def test_only_inference_on_the_cpu_uses_strips():
    net, x = InferenceNetwork(nn.Conv2d(1, 1, 3, padding=1)), torch.rand(1, 1, 8, 8)
    with torch.inference_mode():
        assert net.uses_strips(x)
        assert not net.uses_strips(x.to("meta"))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert not net.uses_strips(x)
    assert not net.uses_strips(x)  # gradients would be lost


def test_whole_images_switches_strips_off_for_a_while():
    on, off = (InferenceNetwork(nn.Conv2d(1, 1, 3, padding=1)) for _ in range(2))
    off.in_strips = False
    network = nn.Sequential(on, off)
    with whole_images(network):
        assert not on.in_strips
    assert (on.in_strips, off.in_strips) == (True, False)


def test_a_network_for_inference_shows_the_colour_and_reach_of_its_own():
    inner = nn.Conv2d(4, 4, 3, padding=1)
    inner.colour, inner.reach = "rgb", 1
    network = InferenceNetwork(inner)
    assert (network.colour, network.reach, network.training) == ("rgb", 1, False)
    assert inner.weight.is_contiguous(memory_format=torch.channels_last)
    assert not hasattr(InferenceNetwork(nn.Conv2d(1, 1, 1)), "colour")
