"""Several processes on one batch, started by torchrun; or just one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist

from sr_bench.support.errors import WrongUse


@dataclass(frozen=True)
class Processes:
    """How many processes share each batch, and which of them this is."""

    rank: int = 0
    count: int = 1

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
def processes() -> Iterator[Processes]:
    """The processes that torchrun started (gloo on CPU, nccl on GPU), or this one alone."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes()
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield Processes(dist.get_rank(), count)
    finally:
        dist.destroy_process_group()
