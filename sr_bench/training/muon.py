"""Muon that moves all matrices of one shape at once, in a type that the processor multiplies.

One by one is mostly waiting on a GPU. PyTorch's own multiplies in bf16 everywhere: on a CPU without
such instructions that took longer than the rest of a step.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch

# As torch.optim.Muon: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_SMALLEST = 1e-7


class BatchedMuon(torch.optim.Optimizer):
    """``torch.optim.Muon(..., weight_decay=0, adjust_lr_fn="match_rms_adamw")``, state and moves.

    Without a wait for the GPU: a step can be recorded as a CUDA graph, with a rate that is a
    0-d tensor.

    Args:
        params: matrices.
        lr: what a step moves them by.
        momentum: how much of the average of earlier slopes stays.
        products: the type that matrices are multiplied in; PyTorch's is bf16.
    """

    def __init__(
        self,
        params: Iterable[torch.nn.Parameter],
        *,
        lr: float,
        momentum: float,
        products: torch.dtype = torch.bfloat16,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})
        self.products = products

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move the parameters that have gradients."""
        for group in self.param_groups:
            moved = [p for p in group["params"] if p.grad is not None]
            if not moved:
                continue
            slopes: Any = [p.grad for p in moved]
            averages = [self._average(p) for p in moved]
            torch._foreach_lerp_(averages, slopes, 1 - group["momentum"])
            updates = torch._foreach_lerp(slopes, averages, group["momentum"])
            by_shape: dict[torch.Size, list[int]] = {}
            for i, parameter in enumerate(moved):
                by_shape.setdefault(parameter.shape, []).append(i)
            for shape, places in by_shape.items():
                stacked = torch.stack([updates[i] for i in places]).to(self.products)
                made = orthogonal(stacked).float()
                made = made * (group["lr"] * (-0.2 * math.sqrt(max(shape))))
                torch._foreach_add_([moved[i] for i in places], list(made.unbind()))

    def _average(self, parameter: torch.Tensor) -> torch.Tensor:
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        average: torch.Tensor = state["momentum_buffer"]
        return average


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """Each of (n, r, c) with its singular values made about 1, by Newton-Schulz iteration."""
    a, b, c = _COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True).clamp(min=_SMALLEST)
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        update = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        x = torch.baddbmm(x, update, x, beta=a)
    return x.mT if tall else x
