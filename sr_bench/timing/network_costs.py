"""What a run's network costs for a frame, counted from shapes: nothing is timed."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterable
from contextlib import redirect_stdout
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch

from sr_bench.networks.inference import Upscaler
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


Counts = dict[object, tuple[int, int]]  # parameters and multiply-adds of networks that were counted


def network_costs(project: Project, runs: Iterable[str]) -> list[NetworkCost]:
    """What the runs' networks cost for an image of 1280 x 720; a model without one costs 0.

    Runs of one method, variant, scale and tile whose layers have the same sizes are counted once.
    """
    known: Counts = {}
    return [_cost(project, run, known) for run in runs]


def _cost(project: Project, run: str, known: Counts) -> NetworkCost:
    try:
        with redirect_stdout(sys.stderr):  # what a method's own code prints is no result
            timed = TimedRun.find(project, run)
            entry = timed.run
            kind = (entry.method, entry.variant, entry.scale, entry.tile)
            return NetworkCost(run, *frame_costs(timed, known, kind))
    except (SrBenchError, MemoryError) as error:
        return NetworkCost(run, None, None, " ".join(str(error).split()))


def frame_costs(
    timed: Timed, known: Counts | None = None, kind: Hashable = None
) -> tuple[int, int]:
    """Parameters and multiply-adds of a frame, by one call of the model without its network.

    Args:
        timed: what to count.
        known: what was counted before; the count is added to it.
        kind: what a network of the same layers must share with this one to cost the same.

    Raises:
        SrBenchError: if the model fails, or takes an operator that isn't PyTorch's own.
    """
    upscaler = timed.upscaler(timed.frame_rule)
    network = network_of(upscaler.model)
    counter = _Counter(upscaler.model if network is None else network)
    if not counter.networks:
        return 0, 0
    known = {} if known is None else known
    states = [network.state_dict() for network in counter.networks]
    layers = tuple((name, tuple(t.shape)) for state in states for name, t in state.items())
    if (kind, layers) not in known:
        known[kind, layers] = _counted(timed, upscaler, counter)
    return known[kind, layers]


def _counted(timed: Timed, upscaler: Upscaler, counter: _Counter) -> tuple[int, int]:
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
