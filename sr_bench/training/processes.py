"""Several processes on one batch, started by torchrun; or just one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist

from sr_bench.networks.device import CPU
from sr_bench.support.errors import WrongUse


@dataclass(frozen=True)
class Processes:
    """How many processes share each batch, and which of them this is."""

    rank: int = 0
    count: int = 1
    device: torch.device = CPU  # this process's

    @property
    def first(self) -> bool:
        """Whether this process validates, logs and saves."""
        return self.rank == 0

    def part(self, batch: int) -> slice:
        """This process's part of a batch.

        Raises:
            WrongUse: if the parts can't be equal.
        """
        if batch % self.count:
            raise WrongUse(
                f"a batch of {batch} can't be shared equally by {self.count} processes; start a "
                "number of processes that divides it"
            )
        size = batch // self.count
        return slice(self.rank * size, (self.rank + 1) * size)

    def average(self, tensors: list[torch.Tensor]) -> torch.Tensor:
        """Replace each tensor by its mean over the processes; returns the first."""
        if self.count > 1:
            flat = torch.cat([t.reshape(-1) for t in tensors])
            dist.all_reduce(flat)
            flat /= self.count
            means = torch.split_with_sizes(flat, [t.numel() for t in tensors])
            for tensor, mean in zip(tensors, means):
                tensor.copy_(mean.view_as(tensor))
        return tensors[0]


@contextmanager
def processes(device: torch.device) -> Iterator[Processes]:
    """The processes that torchrun started (gloo on CPU, nccl on GPU), or this one alone.

    Args:
        device: the one chosen; several processes take a GPU each.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes(device=device)
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(dist.get_rank(), count, device)
    finally:
        dist.destroy_process_group()
