"""What a run's network costs for a frame, counted from shapes: nothing is timed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch

from sr_bench.networks.modules import network_of, replaced
from sr_bench.project.project import Project
from sr_bench.support.errors import SrBenchError
from sr_bench.timing.computation import Computation
from sr_bench.timing.cost import counted
from sr_bench.timing.setting import FRAME, frame_of
from sr_bench.timing.timed import Timed
from sr_bench.timing.timed_run import TimedRun


class NetworkCost(NamedTuple):
    """The parameters and multiply-adds of a run's network; ``not_known`` says why it has none."""

    run: str
    params: int | None
    macs: int | None
    not_known: str = ""


def network_cost(project: Project, run: str) -> NetworkCost:
    """What a run's network costs for an image of 1280 x 720; a model without one costs 0."""
    try:
        return NetworkCost(run, *frame_costs(TimedRun.find(project, run)))
    except (SrBenchError, MemoryError) as error:
        return NetworkCost(run, None, None, " ".join(str(error).split()))


def frame_costs(timed: Timed) -> tuple[int, int]:
    """Parameters and multiply-adds of a frame, by one call of the model without its network.

    Raises:
        SrBenchError: if the model fails, or takes an operator that isn't PyTorch's own.
    """
    upscaler = timed.upscaler(timed.frame_rule)
    network = network_of(upscaler.model)
    counter = _Counter(upscaler.model if network is None else network)
    if not counter.networks:
        return 0, 0
    height, width = frame_of(timed.scale, FRAME)
    counting = replace(upscaler, model=replaced(upscaler.model, counter))
    counting(np.zeros((height, width, 3), np.uint8))
    return timed.parameters(counter), counter.macs


class _Counter(Computation):
    """Counts what its calls would compute, and returns zeros of the right size."""

    macs = 0

    def compute(self, *inputs: Any) -> torch.Tensor:
        """Zeros; the count goes to :attr:`macs`."""
        with torch.inference_mode(False):
            macs, made = counted(self.original, inputs)
            self.macs += macs
            return torch.zeros(made.shape)
