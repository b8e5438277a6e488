"""PyTorch's optimisers and Muon, driven by a recipe's rate, their state as plain tensors."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from sr_bench.networks.machine import fast_bf16
from sr_bench.training.muon import BatchedMuon
from sr_bench.training.recipe import Recipe


class Optimizer:
    """One of PyTorch's optimisers and the parameters that it moves.

    Args:
        inner: its groups' ``lr`` is a factor of the recipe's rate.
        matrices: parameters that ``inner`` sees as matrices sharing their memory, in its order;
            empty where it sees them as they are.
    """

    def __init__(self, inner: torch.optim.Optimizer, matrices: list[nn.Parameter]) -> None:
        self.inner, self.matrices = inner, matrices
        self.factors = [group["lr"] for group in inner.param_groups]

    def step(self, rate: float | torch.Tensor) -> None:
        """Move the parameters by their gradients; on a GPU the rate may be a 0-d tensor there."""
        for group, factor in zip(self.inner.param_groups, self.factors):
            group["lr"] = rate * factor
        if self.matrices:
            for seen, parameter in zip(self.inner.param_groups[0]["params"], self.matrices):
                seen.grad = None if parameter.grad is None else as_matrix(parameter.grad)
        self.inner.step()

    def state(self) -> dict[str, torch.Tensor]:
        """``<index of the parameter>/<name>`` to each tensor that later steps depend on."""
        return {
            f"{index}/{name}": value
            for index, slots in self.inner.state_dict()["state"].items()
            for name, value in slots.items()
            if value is not None
        }

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Take over what :meth:`state` returned."""
        slots: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in state.items():
            index, name = key.split("/")
            slots.setdefault(int(index), {})[name] = _laid_out(value)
        groups = self.inner.state_dict()["param_groups"]
        self.inner.load_state_dict({"state": slots, "param_groups": groups})

    def put_back(self, state: dict[str, torch.Tensor]) -> None:
        """As :meth:`restore`, in the tensors that are there; those not in ``state`` become 0."""
        for key, value in self.state().items():
            before = state.get(key)
            if before is None:
                value.zero_()
            else:
                value.copy_(before)


def make_optimizers(recipe: Recipe, network: nn.Module) -> list[Optimizer]:
    """What moves the network's parameters; two for Muon, which is for matrices alone."""
    named = list(network.named_parameters())
    if recipe.optimizer != "muon":
        return [_plain(recipe, named)]
    kernels = [p for _, p in named if p.ndim > 1]
    others = [(n, p) for n, p in named if p.ndim <= 1]
    return [_muon(recipe, kernels), *([_plain(recipe, others)] if others else [])]


def as_matrix(kernel: torch.Tensor) -> torch.Tensor:
    """(out, in, k, k) in channels_last as (out, k k in), without copying."""
    return kernel.permute(0, 2, 3, 1).flatten(1) if kernel.ndim == 4 else kernel


def in_channels_last(network: nn.Module) -> nn.Module:
    """Lay out all kernels as oneDNN's and cuDNN's wide convolutions want them."""
    for parameter in network.parameters():
        parameter.data = _laid_out(parameter.data)
    return network


def _plain(recipe: Recipe, named: list[tuple[str, nn.Parameter]]) -> Optimizer:
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in named:
        factor = next((f for end, f in recipe.lr_factors.items() if name.endswith(end)), 1.0)
        groups.setdefault(factor, []).append(parameter)
    listed: Any = [{"params": params, "lr": factor} for factor, params in groups.items()]
    if recipe.optimizer == "sgd":
        return Optimizer(torch.optim.SGD(listed, momentum=recipe.momentum, fused=True), [])
    on_gpu = named[0][1].is_cuda  # there a step may be recorded as a graph
    adam = torch.optim.Adam(
        listed, betas=recipe.betas, eps=recipe.eps, fused=True, capturable=on_gpu
    )
    return Optimizer(adam, [])


def _muon(recipe: Recipe, kernels: list[nn.Parameter]) -> Optimizer:
    seen = [nn.Parameter(as_matrix(kernel.data)) for kernel in kernels]
    products = torch.bfloat16 if fast_bf16(kernels[0].device) else torch.float32
    muon = BatchedMuon(seen, lr=1.0, momentum=recipe.momentum, products=products)
    return Optimizer(muon, kernels)


def _laid_out(value: torch.Tensor) -> torch.Tensor:
    """A fused optimiser takes its tensors value by value, as they lie in memory."""
    return value.to(memory_format=torch.channels_last) if value.ndim == 4 else value
