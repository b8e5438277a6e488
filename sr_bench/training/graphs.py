"""Steps on a GPU: the whole step of each scale is recorded once as a CUDA graph and replayed.

A step of these networks is some hundred kernels of a few microseconds each: Python can't launch
them as fast as the GPU is done with them. The patches of many steps are drawn ahead on the CPU, by
the rule of each step, and shipped in one block.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn
from torch.func import functional_call
from torch.optim.swa_utils import AveragedModel

from sr_bench.support.notices import notice
from sr_bench.training.optimizers import Optimizer
from sr_bench.training.pairs import Pairs
from sr_bench.training.recipe import Recipe

AHEAD = 256  # steps drawn and shipped at once
WARM_UP = 3  # steps before a recording, in which cuDNN tries its algorithms

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Draw = Callable[[int], tuple[int, torch.Tensor]]  # step -> its scale, (4, B) as Pairs.draws


@dataclass(frozen=True)
class Parts:
    """What a step works on; it changes all of it in place."""

    recipe: Recipe
    network: nn.Module
    pairs: dict[int, Pairs]
    optimizers: list[Optimizer]
    ema: AveragedModel | None
    loss: Loss
    device: torch.device
    bf16: bool


class Kept(Protocol):
    """The trainer, which can tell its state and take it back."""

    def state(self) -> dict[str, torch.Tensor]: ...  # noqa: D102
    def put_back(self, state: dict[str, torch.Tensor]) -> None: ...  # noqa: D102


@dataclass(frozen=True)
class Block:
    """The steps from ``first`` on: scale, patches (n, 4, B), and (n, 2) rate and EMA weight."""

    first: int
    scales: list[int]
    drawn: torch.Tensor
    factors: torch.Tensor


class Recorded:
    """The steps of a training.

    Args:
        early_ema: (count of averages, decay) -> weight of the newest weights in the average.
        record: as CUDA graphs; otherwise the same operations are called one by one.
    """

    def __init__(
        self, parts: Parts, draw: Draw, early_ema: Callable[[int, float], float], *, record: bool
    ) -> None:
        self.parts, self.draw, self.early_ema, self.record = parts, draw, early_ema, record
        self.graphs: dict[int, tuple[torch.cuda.CUDAGraph, torch.Tensor]] = {}
        self.block: Block | None = None
        self.next = -1  # the step that `at` stands for
        self.pool = ThreadPoolExecutor(1)
        self.coming: tuple[int, Future[Block]] | None = None
        device = parts.device
        self.at = torch.zeros(1, dtype=torch.int64, device=device)  # row of the block
        self.drawn = torch.zeros((AHEAD, 4, len(draw(0)[1][0])), dtype=torch.int64, device=device)
        self.factors = torch.zeros((AHEAD, 2), device=device)
        named = dict(parts.network.named_parameters())
        self.full: Any = list(named.values())  # parameters, which stubs of foreach don't know
        self.seen: dict[str, torch.Tensor] = {
            name: p.detach().to(torch.bfloat16).requires_grad_() if parts.bf16 else p
            for name, p in named.items()
        }
        self.slopes = [torch.zeros_like(p) for p in self.full]

    def forget(self) -> None:
        """Record and draw anew: the state was replaced."""
        self.graphs, self.block, self.coming, self.next = {}, None, None, -1

    def advance(self, step: int, kept: Kept) -> torch.Tensor:
        """Do that step; returns its loss, a 0-d tensor that the next step may write over."""
        block = self.block
        if block is None or step != self.next or step >= block.first + AHEAD:
            block = self._load(step)
        scale = block.scales[step - block.first]
        if self.record and scale not in self.graphs:
            self._record(kept)
            self._load(step)
        if self.record:
            graph, loss = self.graphs[scale]
            graph.replay()
        else:
            loss = self._step(scale)
        if self.parts.ema is not None:
            self.parts.ema.n_averaged += 1
        self.next = step + 1
        return loss

    # Drawing ahead

    def _load(self, step: int) -> Block:
        """Ship the block that begins with a step, and have the one after it drawn meanwhile."""
        count = 0 if self.parts.ema is None else int(self.parts.ema.n_averaged)
        if self.coming is not None and self.coming[0] == step:
            block = self.coming[1].result()
        else:
            block = self._drawn(step, count)
        self.drawn.copy_(block.drawn, non_blocking=True)
        self.factors.copy_(block.factors, non_blocking=True)
        self.at.zero_()
        later = step + AHEAD
        self.coming = later, self.pool.submit(self._drawn, later, count + AHEAD)
        self.block, self.next = block, step
        return block

    def _drawn(self, first: int, count: int) -> Block:
        recipe = self.parts.recipe
        drawn = [self.draw(step) for step in range(first, first + AHEAD)]
        factors = torch.tensor(
            [
                (recipe.rate(first + i), self.early_ema(count + i, recipe.ema or 0.0))
                for i in range(AHEAD)
            ],
            dtype=torch.float32,
        )
        patches = torch.stack([where for _, where in drawn])
        if self.parts.device.type == "cuda":
            patches, factors = patches.pin_memory(), factors.pin_memory()
        return Block(first, [scale for scale, _ in drawn], patches, factors)

    # Recording

    def _record(self, kept: Kept) -> None:
        """One graph a scale. Warming up moves the weights: they are put back."""
        before = {k: v.clone() for k, v in kept.state().items()}
        cudnn: Any = torch.backends.cudnn
        # Patches that every image of every scale has: those drawn may be of another scale.
        self.drawn.zero_()
        tried, cudnn.benchmark = cudnn.benchmark, not cudnn.deterministic
        try:
            for scale in self.parts.pairs:
                self._warm_up(scale)
            for scale in self.parts.pairs:
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph):
                    loss = self._step(scale)
                self.graphs[scale] = graph, loss
        except RuntimeError as error:
            self.graphs, self.record = {}, False
            said = str(error).strip().partition("\n")[0]
            notice(Path("training"), f"no CUDA graph could be recorded ({said}): steps are slower")
        finally:
            cudnn.benchmark = tried
            torch.cuda.synchronize()
            kept.put_back(before)

    def _warm_up(self, scale: int) -> None:
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                self._step(scale)
        torch.cuda.current_stream().wait_stream(side)

    # One step: nothing in it waits for the GPU

    def _step(self, scale: int) -> torch.Tensor:
        parts = self.parts
        with torch.no_grad():
            drawn = self.drawn.index_select(0, self.at)[0]
            rate, fresh = self.factors.index_select(0, self.at)[0].unbind()
            inputs, targets = parts.pairs[scale].cut(drawn)
        loss = self._differentiate(inputs, targets, scale)
        with torch.no_grad():
            if parts.recipe.clip is not None:
                nn.utils.clip_grad_norm_(self.full, parts.recipe.clip, foreach=True)
            for optimizer in parts.optimizers:
                optimizer.step(rate)
            if parts.ema is not None:
                self._average(parts.ema, fresh)
            self.at.add_(1)
        return loss

    def _differentiate(
        self, inputs: torch.Tensor, targets: torch.Tensor, scale: int
    ) -> torch.Tensor:
        """The loss; each parameter's ``grad`` is set, or None where it has no part in it."""
        parts, seen = self.parts, list(self.seen.values())
        if parts.bf16:  # once a step: autocast would do it layer by layer
            with torch.no_grad():
                torch._foreach_copy_(seen, self.full)
        which = (inputs, scale) if len(parts.pairs) > 1 else (inputs,)
        kind = parts.device.type
        with torch.autocast(kind, torch.bfloat16, enabled=parts.bf16, cache_enabled=False):
            out = functional_call(parts.network, self.seen, which)
        loss = parts.loss(out.float(), targets)
        slopes = torch.autograd.grad(loss, seen, allow_unused=True)
        used = [i for i, slope in enumerate(slopes) if slope is not None]
        for i, parameter in enumerate(self.full):
            parameter.grad = None if slopes[i] is None else self.slopes[i]
        torch._foreach_copy_([self.slopes[i] for i in used], [slopes[i] for i in used])
        return loss.detach()

    def _average(self, ema: AveragedModel, fresh: torch.Tensor) -> None:
        """average += fresh * (weights - average)."""
        old: Any = list(ema.module.parameters())
        moves: Any = torch._foreach_sub(self.full, old)
        torch._foreach_mul_(moves, fresh)
        torch._foreach_add_(old, moves)
        for kept, given in zip(ema.module.buffers(), self.parts.network.buffers()):
            kept.copy_(given)
