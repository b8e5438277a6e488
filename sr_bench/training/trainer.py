"""The loop's inside: one optimiser step, and the state that makes the next one what it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sr_bench.networks.device import set_up
from sr_bench.networks.machine import fast_bf16
from sr_bench.support.errors import SrBenchError
from sr_bench.training.graphs import Parts, Recorded
from sr_bench.training.optimizers import Optimizer, in_channels_last, make_optimizers
from sr_bench.training.pairs import Pairs
from sr_bench.training.processes import Processes
from sr_bench.training.recipe import Recipe

Tensors = dict[str, torch.Tensor]

LOSSES: Mapping[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "l1": functional.l1_loss,
    "mse": functional.mse_loss,
    "sse": lambda out, hr: (out - hr).square().sum() / (2 * len(hr)),
    "charbonnier": lambda out, hr: ((out - hr).square() + 1e-6).sqrt().mean(),
    "psnr": lambda out, hr: (out - hr).square().mean((1, 2, 3)).add(1e-5).log().mean(),
}


class Trainer:
    """A network in training.

    What a step does follows from its number, the recipe and the state: patches are drawn by a
    generator seeded with the recipe's seed and the step. So a run that is stopped and resumed goes
    on as if nothing had happened, and each of several processes knows its part of the batch.
    """

    def __init__(
        self,
        recipe: Recipe,
        network: nn.Module,
        pairs: Mapping[int, Pairs],
        *,
        processes: Processes,
        device: torch.device,
    ) -> None:
        self.recipe, self.processes, self.device = recipe, processes, device
        set_up(device)
        self.network = in_channels_last(network.to(device))
        self.pairs = {scale: each.to(device) for scale, each in pairs.items()}
        self.part = processes.part(recipe.batch)
        self.bf16 = recipe.precision == "auto" and fast_bf16(device)
        self.optimizers = make_optimizers(recipe, self.network)
        self.ema = _averaged(self.network, recipe.ema) if recipe.ema else None
        self.step = 0
        alone = processes.count == 1 and recipe.optimizer != "sgd"
        self.recorded = self.in_one(record=True) if device.type == "cuda" and alone else None

    def in_one(self, *, record: bool) -> Recorded:
        """All steps as a GPU does them; see :class:`Recorded`."""
        parts = Parts(
            self.recipe,
            self.network,
            self.pairs,
            self.optimizers,
            self.ema,
            LOSSES[self.recipe.loss],
            self.device,
            self.bf16,
        )
        return Recorded(parts, self._draws, _newest, record=record)

    def advance(self) -> torch.Tensor:
        """Do one step; returns its loss over the whole batch, a 0-d tensor, not yet waited for."""
        if self.recorded is not None:
            loss = self.recorded.advance(self.step, self)
            self.step += 1
            return loss
        inputs, targets, scale = self._batch()
        for parameter in self.network.parameters():
            parameter.grad = None
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16):
            out = self.network(inputs, scale) if len(self.pairs) > 1 else self.network(inputs)
        loss = LOSSES[self.recipe.loss](out.float(), targets)
        torch.autograd.backward(loss)
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        total = self.processes.average([loss.detach(), *gradients])
        if self.recipe.clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip)
        for optimizer in self.optimizers:
            optimizer.step(self.recipe.rate(self.step))
        if self.ema is not None:
            self.ema.update_parameters(self.network)
        self.step += 1
        return total

    def weights(self) -> Tensors:
        """The weights to use: the moving average where the recipe keeps one. Copies, on the CPU."""
        source: Any = self.network if self.ema is None else self.ema.module
        state = source.folded() if self.recipe.reparametrised else source.state_dict()
        return {k: v.detach().cpu().contiguous().clone() for k, v in state.items()}

    def state(self) -> Tensors:
        """Everything that later steps depend on, beside the step's number."""
        state = {f"network/{k}": v for k, v in self.network.state_dict().items()}
        if self.ema is not None:
            state |= {f"ema/{k}": v for k, v in self.ema.state_dict().items()}
        for i, optimizer in enumerate(self.optimizers):
            state |= {f"optimizer/{i}/{k}": v for k, v in optimizer.state().items()}
        return {k: v.detach().cpu().contiguous() for k, v in state.items()}

    def restore(self, state: Tensors, step: int) -> None:
        """Take over what :meth:`state` returned after ``step`` steps."""
        self._take_over(state, Optimizer.restore)
        self.step = step
        if self.recorded is not None:
            self.recorded.forget()

    def put_back(self, state: Tensors) -> None:
        """As :meth:`restore`, of the same step, in the tensors that are there."""
        self._take_over(state, Optimizer.put_back)

    def _take_over(self, state: Tensors, give: Callable[[Optimizer, Tensors], None]) -> None:
        self.network.load_state_dict(_below("network/", state))
        if self.ema is not None:
            self.ema.load_state_dict(_below("ema/", state))
        for i, optimizer in enumerate(self.optimizers):
            give(optimizer, _below(f"optimizer/{i}/", state))

    def _batch(self) -> tuple[torch.Tensor, torch.Tensor, int]:
        scale, drawn = self._draws(self.step)
        inputs, targets = self.pairs[scale].cut(drawn.to(self.device))
        return inputs, targets, scale

    def _draws(self, step: int) -> tuple[int, torch.Tensor]:
        """A step's scale and its patches, (4, B)."""
        recipe = self.recipe
        generator = torch.Generator().manual_seed(recipe.seed * 1_000_000_007 + step)
        scales = list(self.pairs)
        scale = scales[int(torch.randint(len(scales), (), generator=generator))]
        drawn = self.pairs[scale].draws(
            recipe.batch, generator, augment=recipe.augment, part=self.part
        )
        return scale, drawn


def initialise(network: Callable[[], nn.Module], recipe: Recipe) -> nn.Module:
    """Build a network from the recipe's seed, leaving PyTorch's global generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        made = network()
        if recipe.init_std is not None:
            for name, parameter in made.named_parameters():
                std = 0.0 if name.endswith("bias") else recipe.init_std
                nn.init.normal_(parameter, std=std)
    return made


def require_finite(value: float, step: int, recipe: Recipe, *, what: str = "loss") -> None:
    """Stop at a value that is NaN or infinite: nothing after it can be right.

    Raises:
        SrBenchError: with the step, the learning rate and what to change.
    """
    if not math.isfinite(value):
        raise SrBenchError(
            f"the {what} is {value} at step {step} of {recipe.steps}, learning rate "
            f"{recipe.rate(step):.3g}: the training diverged; lower the recipe's lr or its clip "
            "and start again"
        )


def _averaged(network: nn.Module, decay: float) -> AveragedModel:
    """The moving average of a network; its first steps count less, so that it forgets the start."""

    def update(averaged: Any, current: Any, count: torch.Tensor | int) -> None:
        average: Any = get_ema_multi_avg_fn
        average(_decay(int(count), decay))(averaged, current, count)

    return AveragedModel(network, multi_avg_fn=update)


def _decay(count: int, decay: float) -> float:
    return min(decay, (1 + count) / (10 + count))


def _newest(count: int, decay: float) -> float:
    """The weight of the newest weights in an average of ``count`` before them."""
    return 1 - _decay(count, decay) if count else 1.0


def _below(prefix: str, state: Tensors) -> Tensors:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
