"""SRCNN as it is trained: another form that folds into the network, and the tools it is made of."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.networks.method import Setup
from sr_bench.networks.method_files import load_method
from sr_bench.training.recipe import Recipe
from sr_bench.training.trainer import initialise

METHOD = load_method(Path(__file__).resolve().parent.parent / "methods" / "srcnn.py")
TRAINING, VARIANTS = METHOD.training, METHOD.variants
whitener = METHOD.load.__globals__["whitener"]
RULE = load_protocols().degradations["ycbcr-float-replicate"]
RECIPE = Recipe(steps=1, patch=33, lr=1)


def planes(variant):
    return {"y": 1, "rgb": 3, "ycbcr": 3}[TRAINING.samples(variant).colour]


def inputs(variant, low=-0.2, high=1.2, side=24, count=3):
    """Enlarged lr leaves [0, 1] where bicubic overshoots."""
    rng = np.random.default_rng(4)
    values = rng.uniform(low, high, (count, planes(variant), side, side))
    return torch.from_numpy(values)


def residual_form(variant, perturb=0.1):
    """The form in training, prepared, all of its parameters moved.

    In float64: how far float32 sums of another order lie apart depends on the processor.
    """
    made = initialise(lambda: TRAINING.reparametrised(variant), RECIPE)
    made.prepare(inputs(variant, count=40).float())
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter += perturb * torch.randn(parameter.shape, generator=generator)
    return made.double()


def plain(variant, state):
    network = TRAINING.network(variant, (3,)).double()
    network.load_state_dict(state)  # strictly
    return network


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_folded_is_the_network(variant):
    made, x = residual_form(variant), inputs(variant)
    with torch.no_grad():
        expected, folded = made(x), plain(variant, made.folded())(x)
    margin = TRAINING.samples(variant).margin
    assert folded.shape == expected.shape == (3, planes(variant), 24 - 2 * margin, 24 - 2 * margin)
    moved = (expected - x[..., margin:-margin, margin:-margin]).abs()
    assert moved.max() > 0.05  # something was added to the identity path
    torch.testing.assert_close(folded, expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_folded_is_the_model_that_is_scored(variant):
    made = residual_form(variant)
    model = TRAINING.model(made.folded(), Setup(variant, "sr-bench-t91", None, 3, RULE))
    model.network.network.double().load_state_dict(made.folded())
    x, margin = inputs(variant, count=1), TRAINING.samples(variant).margin
    with torch.no_grad():
        expected, scored = made(x), model.network(x)[..., margin:-margin, margin:-margin]
    torch.testing.assert_close(scored, expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_identity_path_keeps_values_below_0_and_above_1(variant):
    """With nothing to add, what comes out is what went in, ReLU or not."""
    made = residual_form(variant)
    with torch.no_grad():
        made.third.weight.zero_()
        made.third.bias.zero_()
    margin = TRAINING.samples(variant).margin
    for x in (inputs(variant, -0.2, -0.2), inputs(variant, 1.2, 1.2), inputs(variant)):
        with torch.no_grad():
            own, folded = made(x), plain(variant, made.folded())(x)
        inside = x[..., margin:-margin, margin:-margin]
        assert torch.equal(own, inside)
        torch.testing.assert_close(folded, inside, atol=1e-14, rtol=0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_parameter_and_plane_has_a_gradient(variant):
    made, x = residual_form(variant), inputs(variant)
    for plane in range(planes(variant)):
        made.zero_grad()
        made(x)[:, plane].square().mean().backward()
        for name, parameter in made.named_parameters():
            assert parameter.grad is not None and parameter.grad.abs().max() > 0, (name, plane)
    assert not made.whitener.requires_grad


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_margin_is_what_valid_convolutions_take(variant):
    x, margin = inputs(variant), TRAINING.samples(variant).margin
    with torch.no_grad():
        out = TRAINING.network(variant, (3,)).double()(x)
    assert out.shape == (3, planes(variant), 24 - 2 * margin, 24 - 2 * margin)


def test_reach_covers_what_an_output_pixel_depends_on():
    state = residual_form("9-1-5").folded()
    for scale in (2, 3, 4):
        model = TRAINING.model(state, Setup("9-1-5", "", None, scale, RULE))
        lr = torch.rand(1, 1, 24, 24, generator=torch.Generator().manual_seed(1))
        other = lr.clone()
        other[..., 12, 12] += 0.5
        with torch.no_grad():
            moved = (model(lr) - model(other)).abs()[0, 0] > 1e-6
        rows = torch.nonzero(moved.any(dim=1)).flatten() // scale
        assert rows.min() >= 12 - model.reach and rows.max() <= 12 + model.reach
        assert rows.max() - rows.min() >= 2 * (model.reach - 2)  # and no far more


# The tools


def test_a_whitener_whitens():
    rng = np.random.default_rng(2)
    mix = rng.normal(size=(12, 12)) * np.geomspace(1, 0.05, 12)
    vectors = torch.from_numpy((rng.normal(size=(20000, 12)) @ mix.T).astype(np.float32))
    root = whitener(vectors, floor=1e-9)
    seen = vectors @ root.T
    moment = seen.T @ seen / len(seen)
    torch.testing.assert_close(moment, torch.eye(12), atol=2e-3, rtol=0)
    assert root.dtype == torch.float32 and torch.allclose(root, root.T, atol=1e-4)
    before = vectors.T @ vectors / len(vectors)
    assert torch.linalg.cond(before) > 100  # it had something to do


def test_a_floor_keeps_what_hardly_varies_small():
    vectors = torch.zeros(100, 3)
    vectors[:, 0] = torch.linspace(-1, 1, 100)
    root = whitener(vectors, floor=0.01)
    expected = torch.tensor([((vectors[:, 0] ** 2).mean() + 0.01) ** -0.5, 10, 10])
    torch.testing.assert_close(root, torch.diag(expected), atol=1e-4, rtol=1e-4)


def test_prepare_whitens_the_patches_of_its_inputs():
    made = initialise(lambda: TRAINING.reparametrised("9-1-5"), RECIPE)
    ramp = torch.linspace(0, 1, 40)
    x = 0.5 * (ramp[:, None] + ramp)[None, None] + 0.05 * inputs("9-1-5", -1, 1, 40, 30).float()
    made.prepare(x)
    patches = functional.unfold(x - 0.5, 9, stride=8).transpose(1, 2).reshape(-1, 81)
    seen = patches @ made.whitener.T
    values = torch.linalg.eigvalsh(seen.T @ seen / len(seen))
    # each eigenvalue v of the patches has become v / (v + floor)
    own = torch.linalg.eigvalsh((patches.T @ patches / len(patches)).double())
    torch.testing.assert_close(values.double(), own / (own + 1e-4), atol=5e-3, rtol=0)
