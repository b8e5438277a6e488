"""The contract of a method file, checked on every configuration that it names.

``sr-bench check-method``, the pytest plug-in and ``tests/test_method_contract.py`` run the same
checks. Real weights are used where they are given or fetched already; else a file is made up by the
method's ``example``, or from the untrained network of its ``training``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch

from sr_bench.conformance.configurations import (
    Choice,
    Configuration,
    NoFile,
    Weights,
    configurations,
    weights_file,
)
from sr_bench.conformance.pictures import Picture
from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.data.catalogue.sources import Sources, installed_sources
from sr_bench.imaging.degrade import Degradation
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.method import Method, Model, Setup
from sr_bench.networks.model_checks import require_layout, require_model
from sr_bench.networks.modules import networks_of
from sr_bench.networks.tiles import takes_batches
from sr_bench.support.errors import SrBenchError, unknown

PLANES = {"any": (1, 3), "y": (1,), "rgb": (3,), "ycbcr": (3,)}  # channels that a colour has
LARGE = 10_000_000  # parameters: such networks see smaller images
_TILE = 16  # any will do: what is cut depends on the reach alone
_BATCH, _ROUNDING = 3, 1e-4  # float32 sums of another order, in 0..1
_OnModel = Callable[[Configuration, Weights, Degradation], None]
_SIZES, _SMALL = ((17, 23), (8, 31), (1, 1)), ((3, 5), (1, 1))


def lr_of(channels: int, size: tuple[int, int], seed: int = 0) -> torch.Tensor:
    """(1, C, h, w) float32 multiples of 1 / 255, as lr has; part of a scene.

    Noise is no lr: trained networks leave [0, 1] on it by any factor (PAN by 1e21).
    """
    height, width = (side + 7 * seed for side in size)
    scene = Picture(kind="scene", height=height, width=width, gray=channels == 1).array()
    planes = np.atleast_3d(scene[7 * seed :, 7 * seed :]).transpose(2, 0, 1)
    return torch.from_numpy((planes / 255).astype(np.float32))[None]


def check_model(of: Configuration, weights: Weights, degradation: Degradation) -> None:
    """Load the model for lr of a degradation and check its calls.

    Raises:
        SrBenchError: for what breaks the contract, with what was found and what is expected.
    """
    Loaded.of(of, weights, degradation).check_calls()


def check_repeated(of: Configuration, weights: Weights, degradation: Degradation) -> None:
    """Check that a call depends on its input alone: not on other calls, nor on the object.

    Raises:
        SrBenchError: as :func:`check_model`.
    """
    loaded, fresh = (Loaded.of(of, weights, degradation) for _ in range(2))
    channels, size = PLANES[loaded.model.colour][-1], loaded.sizes[0]
    lr, other = lr_of(channels, size), lr_of(channels, size[::-1], seed=1)
    first = loaded.call(lr).clone()
    loaded.call(other)
    loaded.require(torch.equal(loaded.call(lr), first), "a call depends on earlier calls")
    loaded.require(torch.equal(fresh.call(lr), first), "loading it twice gives other results")
    loaded.require(not torch.equal(loaded.call(lr.flip(-1)), first), "the output ignores the input")


@dataclass(frozen=True)
class Loaded:
    """A model under test."""

    name: str
    model: Model
    scale: int
    degradation: Degradation
    untrained: bool

    @classmethod
    def of(cls, of: Configuration, weights: Weights, degradation: Degradation) -> Loaded:
        """Load it as a run would be."""
        setup = Setup(of.variant, of.weights, weights.file, of.scale, degradation)
        model = of.method.built(setup, str(of))
        require_model(str(of), model)
        return cls(str(of), model, of.scale, degradation, weights.made_up)

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Of the images that it sees."""
        held = (p for network in networks_of(self.model).values() for p in network.parameters())
        return _SMALL if sum(p.numel() for p in held) > LARGE else _SIZES

    def require(self, good: object, wrong: str) -> None:
        """Refuse what breaks the contract."""
        if not good:
            raise SrBenchError(f"{self.name}: {wrong}; see the contract in methods/README.md")

    def call(self, lr: torch.Tensor) -> torch.Tensor:
        """The model's output, its layout, type and values checked."""
        return torch.from_numpy(self.upscaler().enlarger.called(lr.numpy()[0]))[None]

    def upscaler(self, tile: int | None = None) -> Upscaler:
        """What runs the model for a run."""
        facts = (self.name, self.model, self.degradation, self.scale)
        return Upscaler(*facts, tile=tile, untrained=self.untrained)

    def check_calls(self) -> None:
        """Every size and number of planes."""
        for channels in PLANES[self.model.colour]:
            for size in self.sizes:
                lr = lr_of(channels, size)
                kept = lr.clone()
                with torch.inference_mode():
                    self.upscaler().enlarger.own_call(kept)
                self.require(torch.equal(lr, kept), "the input was changed in place")
                sr = self.call(lr)
                if self.model.colour == "any":
                    each = [self.call(plane[:, None]) for plane in lr.unbind(1)]
                    alike = torch.equal(torch.cat(each, dim=1), sr)
                    self.require(alike, "colour is 'any', but planes are not treated alike")


def check_reach(of: Configuration, weights: Weights, degradation: Degradation) -> None:
    """Check that tiles give what the whole image gives, where the model says its ``reach``."""
    loaded = replace(Loaded.of(of, weights, degradation), untrained=True)  # it sees noise
    if getattr(loaded.model, "reach", None) is not None:
        loaded.upscaler(tile=_TILE).enlarger.require_reach()


def check_batches(of: Configuration, weights: Weights, degradation: Degradation) -> None:
    """Check that images in a batch don't see each other, where the model says ``batches``."""
    loaded = Loaded.of(of, weights, degradation)
    if not takes_batches(loaded.model):
        return
    channels, size = PLANES[loaded.model.colour][0], loaded.sizes[0]
    lrs = [lr_of(channels, size, seed) for seed in range(_BATCH)]
    alone = torch.cat([loaded.call(lr) for lr in lrs])
    with torch.inference_mode():
        together = loaded.upscaler().enlarger.own_call(torch.cat(lrs))
    require_layout(loaded.name, together, tuple(alone.shape))
    off = float((together - alone).abs().max())
    loaded.require(
        off <= _ROUNDING * max(1.0, float(alone.abs().max())),
        f"batches is True, but in a batch values differ by {off * 255:.3g} grey levels",
    )


def check_published(of: Configuration, sources: Sources | None = None) -> None:
    """Check that the weights' file is one that can be fetched."""
    published = of.method.published.get((of.variant, of.weights, of.scale))
    if published is None:
        return
    group = (sources or installed_sources()).find(published.group)
    if group.kind != "weights":
        raise SrBenchError(f"{of}: {published.group} holds {group.kind}; name a group of weights")
    group.file(published.name)


def check_recipes(path: Path, method: Method) -> None:
    """Check that RECIPES hold literals, which DVC reads, and that each is a recipe."""
    from sr_bench.training.recipe import find_recipe

    training = method.training
    if training is None:
        return
    assigned = {
        target.id: node.value
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    try:
        read = ast.literal_eval(assigned["RECIPES"])
    except (KeyError, ValueError) as error:
        raise SrBenchError(
            f"{path}: RECIPES = {{...}} with literals alone is what DVC reads; write it so"
        ) from error
    if read != training.recipes or not set(training.recipes) <= set(method.variants):
        raise SrBenchError(
            f"{path}: training.recipes has {sorted(training.recipes)}, RECIPES {sorted(read)}, and "
            f"the variants are {', '.join(method.variants)}; correct them"
        )
    for variant, recipes in training.recipes.items():
        wanted = training.samples(variant).degradation
        if wanted not in load_protocols().degradations:
            known = load_protocols().degradations
            raise unknown("degradation", wanted, known, where=f"{path}: samples of {variant}")
        for name in recipes:
            find_recipe(method, variant, name)


@dataclass(frozen=True)
class Outcome:
    """One check of one configuration: ``passed``, ``failed`` or ``skipped``, and why."""

    what: str
    check: str
    status: str
    why: str = ""


@dataclass(frozen=True)
class Check:
    """One check of the contract, to be run.

    Args:
        what: the configuration, or the method's name.
        name: of the check.
        run: raises what is wrong; :class:`~sr_bench.conformance.configurations.NoFile` where there
            are no weights to check with.
    """

    what: str
    name: str
    run: Callable[[], object]


def checks(path: Path, method: Method, folder: Path, choice: Choice) -> list[Check]:
    """Every check of a method's file. Files are looked for, or made up, when the first one runs.

    Args:
        folder: where made-up weights go.
        choice: which configurations, and where real weights are.

    Raises:
        WrongUse: if nothing is chosen.
    """
    every = [Check(method.name, "recipes", partial(check_recipes, path, method))]
    for of in configurations(method, choice):
        if choice.weights is None:
            published = partial(check_published, of, choice.catalogue.sources)
            every.append(Check(str(of), "published", published))
        file = cache(partial(weights_file, of, folder / str(of), choice))
        every += _checks_of(of, file, choice.catalogue.protocols.bicubic)
    return every


def _checks_of(
    of: Configuration, weights: Callable[[], Weights], degradations: Mapping[str, Degradation]
) -> Iterator[Check]:
    first = next(iter(degradations.values()))

    def named(name: str, check: _OnModel, rule: Degradation) -> Check:
        return Check(str(of), name, lambda: check(of, weights(), rule))

    yield Check(str(of), "weights", weights)
    yield from (named(f"calls, {n}", check_model, rule) for n, rule in degradations.items())
    yield named("repeated", check_repeated, first)
    yield named("reach", check_reach, first)
    yield named("batches", check_batches, first)


def outcomes(every: list[Check]) -> Iterator[Outcome]:
    """Run the checks; without weights a configuration has one outcome that says why."""
    stopped: set[str] = set()
    for check in every:
        if check.what in stopped:
            continue
        outcome = run_check(check)
        if outcome.check == "weights" and outcome.status != "passed":
            stopped.add(check.what)
        yield outcome


def run_check(check: Check) -> Outcome:
    """What comes of a check; an error of the method's own code is a failure too."""
    try:
        check.run()
    except NoFile as error:
        return Outcome(check.what, check.name, "skipped", str(error))
    except Exception as error:
        told = isinstance(error, SrBenchError) or not str(error)
        why = str(error) or repr(error) if told else f"{type(error).__name__}: {error}"
        return Outcome(check.what, check.name, "failed", why)
    return Outcome(check.what, check.name, "passed")
