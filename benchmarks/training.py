"""What test_training.py times: a round of training steps, ours and a plain PyTorch loop's."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.imaging.images import Image
from sr_bench.networks.method import Training
from sr_bench.networks.method_files import find_method
from sr_bench.timing.photo import photo
from sr_bench.training.pairs import Cut, Pairs, make_pairs
from sr_bench.training.processes import Processes
from sr_bench.training.recipe import Recipe
from sr_bench.training.trainer import LOSSES, Trainer, initialise

METHODS = Path(__file__).parents[1] / "methods"
STEPS = 3  # a round's: MDSR's are one at each of its scales
IMAGES, HEIGHT, WIDTH = 100, 320, 480  # BSD's size; more pixels than a cache holds


class Batch(NamedTuple):
    """Patches as a network gets them, and those that it should return."""

    inputs: torch.Tensor
    targets: torch.Tensor
    scale: int


@dataclass(frozen=True)
class Workload:
    """A network and its recipe; ``plain`` is the recipe as the original code follows it."""

    name: str
    method: str
    variant: str
    scales: tuple[int, ...]
    recipe: Recipe
    plain: Recipe


def workload(
    name: str,
    entry: tuple[str, str, str],
    *,
    scales: tuple[int, ...],
    ours: Mapping[str, Any] = MappingProxyType({}),
    plain: Mapping[str, Any] = MappingProxyType({}),
) -> Workload:
    """``entry``: method, variant, recipe; which ours and the plain loop follow with changes."""
    method, variant, recipe = entry
    fields = _training(method).recipes[variant][recipe]
    recipes = [Recipe.model_validate({**fields, **changes}) for changes in (ours, plain)]
    return Workload(name, method, variant, scales, *recipes)


class Setting:
    """A workload on a device, with its pairs, and the same weights for whoever starts.

    The first steps are done here in float32, by our trainer with the plain recipe. What they saw
    is what the plain loop gets for nothing; their losses are what all others are compared with.
    """

    def __init__(self, work: Workload, device: torch.device) -> None:
        self.work, self.device = work, device
        self.training = _training(work.method)
        self.pairs = {scale: self._pairs(scale).to(device) for scale in work.scales}
        self.batches: list[Batch] = []
        watched = {s: Watched(p, s, self.batches) for s, p in self.pairs.items()}
        trainer = self.trainer(work.plain, watched)
        self.losses = [float(trainer.advance()) for _ in range(STEPS)]

    def trainer(self, recipe: Recipe, pairs: Mapping[int, Any] | None = None) -> Trainer:
        """Ours, before its first step."""
        network = self.network(recipe)
        return Trainer(
            recipe, network, pairs or self.pairs, processes=Processes(), device=self.device
        )

    def network(self, recipe: Recipe) -> nn.Module:
        """The workload's, with the weights that everybody starts from."""
        work, training = self.work, self.training
        if not work.recipe.reparametrised or training.reparametrised is None:
            return initialise(lambda: training.network(work.variant, work.scales), recipe)
        make = training.reparametrised
        easier: Any = initialise(lambda: make(work.variant), recipe)
        (pairs,) = self.pairs.values()
        seen, _ = pairs.batch(100, torch.Generator().manual_seed(0), augment=True)
        easier.prepare(seen.cpu())
        if recipe.reparametrised:
            return cast(nn.Module, easier)
        network = training.network(work.variant, work.scales)
        network.load_state_dict(easier.folded())
        return network

    def _pairs(self, scale: int) -> Pairs:
        samples = self.training.samples(self.work.variant)
        rule = load_protocols().degradations[samples.degradation]
        recipe = self.work.recipe
        cut = Cut(recipe.patch, samples, rule, scale, skip_small=False, draw=recipe.draw)
        return make_pairs(_photos(), [str(i) for i in range(IMAGES)], cut)


@dataclass(frozen=True)
class Watched:
    """Pairs that note each batch which they give."""

    pairs: Pairs
    scale: int
    given: list[Batch]

    def to(self, device: torch.device) -> Watched:
        return Watched(self.pairs.to(device), self.scale, self.given)

    def batch(self, *args: Any, **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
        made = self.pairs.batch(*args, **options)
        self.given.append(Batch(*made, self.scale))
        return made


@dataclass(frozen=True)
class Round:
    """STEPS training steps, which end when the device has done them; returns their losses."""

    network: nn.Module
    precision: str
    steps: Callable[[], list[torch.Tensor]]
    device: torch.device

    def __call__(self) -> list[torch.Tensor]:
        losses = self.steps()
        finish(self.device)
        return losses


def trainers_round(setting: Setting, recipe: Recipe) -> Round:
    """Ours: it draws and gathers the patches of steps 0, 1, 2, whenever it is called."""
    trainer = setting.trainer(recipe)

    def steps() -> list[torch.Tensor]:
        trainer.step = 0
        return [trainer.advance() for _ in range(STEPS)]

    precision = "bf16" if trainer.bf16 else "float32"
    return Round(trainer.network, precision, steps, setting.device)


def plain_round(setting: Setting) -> Round:
    """As the original code trains: float32, NCHW, eager, PyTorch's optimiser with its defaults.

    Its patches lie ready in memory, which no real loop has.
    """
    recipe = setting.work.plain
    network = setting.network(recipe).to(setting.device)
    optimizer = _plain_optimizer(recipe, network)
    loss_of = LOSSES[recipe.loss]
    batches = [
        Batch(b.inputs.contiguous(), b.targets.contiguous(), b.scale) for b in setting.batches
    ]

    def step(batch: Batch) -> torch.Tensor:
        optimizer.zero_grad()
        loss = loss_of(_forward(network, batch, setting.work), batch.targets)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return loss.detach()

    return Round(network, "float32", lambda: [step(b) for b in batches], setting.device)


def flop(network: nn.Module, setting: Setting) -> int:
    """Floating-point operations of a round's forward and backward passes; nothing is computed."""
    network = copy.deepcopy(network).cpu()
    with FakeTensorMode(allow_non_fake_inputs=True), FlopCounterMode(display=False) as counter:
        for inputs, targets, scale in setting.batches:
            batch = Batch(torch.empty(inputs.shape), torch.empty(targets.shape), scale)
            torch.autograd.backward(_forward(network, batch, setting.work).sum())
    return int(counter.get_total_flops())


def finish(device: torch.device) -> None:
    """Wait for what the device was told to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _plain_optimizer(recipe: Recipe, network: nn.Module) -> torch.optim.Optimizer:
    parameters = network.parameters()
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr=recipe.lr, momentum=recipe.momentum)
    return torch.optim.Adam(parameters, lr=recipe.lr, betas=recipe.betas, eps=recipe.eps)


def _forward(network: nn.Module, batch: Batch, work: Workload) -> torch.Tensor:
    out: torch.Tensor = (
        network(batch.inputs, batch.scale) if len(work.scales) > 1 else network(batch.inputs)
    )
    return out


def _training(method: str) -> Training:
    found = find_method(method, [METHODS]).training
    if found is None:
        raise ValueError(f"method {method} has nothing to train; benchmark another")
    return found


@cache
def _photos() -> list[Image]:
    return [photo(HEIGHT, WIDTH, seed=seed) for seed in range(IMAGES)]
