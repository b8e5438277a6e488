"""Recipes: the learning rate of every schedule, what is refused, and how methods write them."""

import math
from pathlib import Path

import pytest
from dvc.utils.serialize import parse_py

from sr_bench.networks.method import Method, Training
from sr_bench.networks.method_files import load_method
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.training.recipe import Recipe, check_recipe, find_recipe

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "methods").glob("*.py"))


def recipe(**fields):
    return check_recipe({"steps": 100, "patch": 8, "lr": 0.8} | fields, where="here")


# Schedules: rates by hand


@pytest.mark.parametrize(
    ("fields", "rates"),
    [
        ({}, {0: 0.8, 1: 0.8, 99: 0.8}),
        ({"warmup": 4}, {0: 0.2, 1: 0.4, 2: 0.6, 3: 0.8, 4: 0.8, 99: 0.8}),
        (
            {"schedule": "step", "milestones": [10, 30, 31], "gamma": 0.5},
            {0: 0.8, 9: 0.8, 10: 0.4, 29: 0.4, 30: 0.2, 31: 0.1, 99: 0.1},
        ),
        (
            {"schedule": "step", "milestones": [2, 50], "gamma": 0.1, "warmup": 4},
            {0: 0.2, 3: 0.8, 4: 0.08, 49: 0.08, 50: 0.008},
        ),
        (
            {"schedule": "cosine"},
            {0: 0.8, 25: 0.4 + 0.4 * math.sqrt(0.5), 50: 0.4, 75: 0.4 - 0.4 * math.sqrt(0.5)},
        ),
        (
            {"schedule": "cosine", "warmup": 40},
            {0: 0.02, 39: 0.8, 40: 0.8, 60: 0.6, 70: 0.4, 80: 0.2, 100: 0.0},
        ),
        (
            {"schedule": "trapezoid", "decay": 0.2},
            {0: 0.8, 79: 0.8, 80: 0.8, 81: 0.76, 90: 0.4, 99: 0.04, 100: 0.0},
        ),
        (
            {"schedule": "trapezoid", "decay": 1, "warmup": 2},
            {0: 0.4, 1: 0.8, 2: 0.784, 50: 0.4, 75: 0.2},
        ),
    ],
)
def test_rates(fields, rates):
    made = recipe(**fields)
    assert {step: made.rate(step) for step in rates} == pytest.approx(rates, abs=1e-12)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "trapezoid"])
@pytest.mark.parametrize("warmup", [0, 3, 100, 200])
def test_rates_are_never_negative_nor_above_the_peak(schedule, warmup):
    made = recipe(schedule=schedule, warmup=warmup)
    assert all(0 < made.rate(step) <= 0.8 + 1e-12 for step in range(100))


# What is refused


@pytest.mark.parametrize(
    ("fields", "facts"),
    [
        ({"step": 5}, ["step is 5", "Extra inputs"]),
        ({"steps": 0}, ["steps is 0", "greater than 0"]),
        ({"steps": 2.5}, ["steps is 2.5"]),
        ({"batch": -1}, ["batch is -1"]),
        ({"patch": 0}, ["patch is 0"]),
        ({"lr": 0}, ["lr is 0"]),
        ({"lr": float("nan")}, ["lr is nan"]),
        ({"lr_factors": {"bias": -0.1}}, ["lr_factors.bias is -0.1"]),
        ({"betas": [0.9, 1.0]}, ["betas.1 is 1.0"]),
        ({"betas": [0.9]}, ["betas"]),
        ({"momentum": 1}, ["momentum is 1"]),
        ({"ema": 1.0}, ["ema is 1.0"]),
        ({"decay": 0}, ["decay is 0"]),
        ({"decay": 1.1}, ["decay is 1.1"]),
        ({"warmup": -1}, ["warmup is -1"]),
        ({"clip": 0}, ["clip is 0"]),
        ({"seed": -1}, ["seed is -1"]),
        ({"checkpoint_every": 0}, ["checkpoint_every is 0"]),
        ({"validate_every": 0}, ["validate_every is 0"]),
        ({"loss": "l2"}, ["loss is 'l2'", "'l1', 'mse', 'sse', 'charbonnier' or 'psnr'"]),
        ({"optimizer": "adamw"}, ["optimizer is 'adamw'", "'adam', 'sgd' or 'muon'"]),
        ({"schedule": "cosin"}, ["schedule is 'cosin'"]),
        ({"small_images": "pad"}, ["small_images is 'pad'"]),
        ({"precision": "bf16"}, ["precision is 'bf16'"]),
        ({"schedule": "step"}, ["schedule is 'step' and milestones are []", "needs some"]),
        ({"milestones": [5]}, ["schedule is 'constant' and milestones are [5]"]),
        ({"schedule": "step", "milestones": [0]}, ["milestones.0 is 0"]),
        ({"lr": -1, "batch": 0, "x": 1}, ["lr is -1", "batch is 0", "x is 1"]),
    ],
)
def test_what_cannot_be_is_one_error_that_names_the_recipe(fields, facts):
    mine = {"small": {"quick": {"steps": 100, "patch": 8, "lr": 0.8} | fields}}
    with pytest.raises(SrBenchError) as caught:
        find_recipe(method_with(mine), "small", "quick")
    message = str(caught.value)
    for fact in ("method mine: RECIPES['small']['quick']: ", *facts, "correct the method file"):
        assert fact in message
    assert "pydantic" not in message and "\n" not in message


def test_missing_fields_are_named():
    with pytest.raises(SrBenchError, match=r"here: steps is .*; patch is .*; lr is .*required"):
        check_recipe({}, where="here")
    with pytest.raises(SrBenchError, match=r"here: the recipe is 'fast'"):
        check_recipe("fast", where="here")


def method_with(recipes):
    training = Training(network=print, model=print, samples=print, recipes=recipes)
    return Method(name="mine", load=print, reference="nobody", training=training)


def test_unknown_names_suggest_near_ones():
    mine = method_with({"small": {"quick": {"steps": 1, "patch": 8, "lr": 1}}})
    assert find_recipe(mine, "small", "quick") == Recipe(steps=1, patch=8, lr=1)
    with pytest.raises(WrongUse, match=r"unknown variant with recipes 'smal' .*mean small"):
        find_recipe(mine, "smal", "quick")
    with pytest.raises(WrongUse, match=r"unknown recipe 'quik' in .* variant small; .*quick"):
        find_recipe(mine, "small", "quik")


def test_a_method_without_training():
    with pytest.raises(SrBenchError, match="method mine has nothing to train"):
        find_recipe(Method(name="mine", load=print, reference="nobody"), "small", "quick")


# Methods' own


def recipes_of(path):
    training = load_method(path).training
    return {} if training is None else training.recipes


def named():
    return [
        pytest.param(path, variant, name, id=f"{path.stem}-{variant}-{name}")
        for path in FILES
        for variant, recipes in recipes_of(path).items()
        for name in recipes
    ]


@pytest.mark.parametrize(("path", "variant", "name"), named())
def test_every_recipe_of_a_method_is_valid(path, variant, name):
    method = load_method(path)
    assert variant in method.variants
    made = find_recipe(method, variant, name)
    assert made.rate(0) > 0 and made.rate(made.steps - 1) > 0
    for end in made.lr_factors:
        network = method.training.network(variant, (2,))
        assert any(n.endswith(end) for n, _ in network.named_parameters()), end
    assert not made.reparametrised or method.training.reparametrised is not None


@pytest.mark.parametrize("path", [p for p in FILES if recipes_of(p)], ids=lambda p: p.stem)
def test_dvc_reads_the_same_recipes_that_training_does(path):
    """Stages depend on ``methods/<method>.py:RECIPES.<variant>.<name>``, read without importing."""
    read = parse_py(path.read_text(), str(path))["RECIPES"]
    recipes = recipes_of(path)
    assert read == recipes
    for variant, each in recipes.items():
        for name, fields in each.items():
            assert check_recipe(read[variant][name], where="") == check_recipe(fields, where="")
