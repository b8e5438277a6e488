"""The process that holds one team's network: ``python -m sr_bench.timing.challenge.child``.

It answers lines of JSON with lines of JSON. The challenge's code runs here and nowhere else; HR
images and scores stay with who asks.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import IO, Any

import numpy as np
import torch
from torch import nn

from sr_bench.networks.device import set_up
from sr_bench.timing.challenge.loading import Adapted, limit_memory, select
from sr_bench.timing.cost import fact, macs, parameters
from sr_bench.timing.rounds import Clock, EventClock, duration, median_and_iqr, rounds_for, warm_up

Answer = dict[str, Any]


class Team:
    """A team's network, and what can be asked of it."""

    def __init__(self) -> None:
        self.network: nn.Module
        self.device = torch.device("cpu")

    def load(self, team: int, device: str, memory_mb: int, threads: int) -> Answer:
        """Build the network by the challenge's own ``select_model``, in the current folder."""
        self.device = torch.device(device)
        torch.set_num_threads(threads)
        set_up(self.device, deterministic=True)
        if self.device.type == "cpu":
            limit_memory(memory_mb)
        adapted = Adapted(self.device)
        network, name, data_range, tile = select(team, self.device, adapted)
        if not isinstance(network, nn.Module):
            raise TypeError(f"select_model returns {type(network).__name__}, expected a network")
        self.network = network.eval().to(self.device)
        return {
            "name": str(name).strip(),
            "range": float(data_range),
            "tile": tile,
            "files": adapted.files,
            "notes": adapted.notes,
        }

    def call(self, lr: str, sr: str) -> Answer:
        """The network on an array of float32 (1, 3, h, w) in its own range, from file to file."""
        with torch.inference_mode():
            made = self.network(torch.from_numpy(np.load(lr)).to(self.device))
        if not isinstance(made, torch.Tensor):
            raise TypeError(f"it returns {type(made).__name__} for a tensor, expected one")
        np.save(sr, made.float().cpu().numpy(), allow_pickle=False)
        return {}

    def measure(self, size: int, white: float, timed: bool) -> Answer:
        """Parameters, multiply-adds, activations and time of one image, each where it is known."""
        torch.manual_seed(0)
        lr = torch.rand(1, 3, size, size, device=self.device) * white
        not_known: dict[str, str] = {}
        found: Answer = {
            "params": fact("params", lambda: parameters([self.network]), not_known),
            "macs": fact("macs", lambda: macs(self.network, [(lr,)]), not_known),
        }
        activations = fact("activations", lambda: _activations(self.network, lr), not_known)
        found["activations"], found["convolutions"] = activations or (None, None)
        times = (fact("time", lambda: self._times(lr), not_known) or {}) if timed else {}
        return found | times | {"not_known": not_known, "threads": torch.get_num_threads()}

    def _times(self, lr: torch.Tensor) -> Answer:
        clock: Clock = EventClock() if self.device.type == "cuda" else _wall()

        def call() -> None:
            with torch.inference_mode():
                self.network(lr)

        warm = warm_up(call, clock)
        times = [duration(call, clock) for _ in range(rounds_for(warm.seconds))]
        middle, spread = median_and_iqr(times)
        return {
            "median_s": middle,
            "iqr_s": spread,
            "rounds": len(times),
            "warmup": warm.calls,
            "stable": warm.stable,
        }


def _wall() -> Clock:
    import time

    return time.perf_counter


def _activations(network: nn.Module, lr: torch.Tensor) -> tuple[int, int]:
    """Elements of the outputs of all 2-D convolutions, and how many convolutions were called."""
    counted = [0, 0]

    def count(module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        counted[0] += output.numel()
        counted[1] += 1

    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, kinds)]
    try:
        with torch.inference_mode():
            network(lr)
    finally:
        for hook in hooks:
            hook.remove()
    return counted[0], counted[1]


def _own_output() -> IO[str]:
    """Standard output for answers alone: what the challenge's code prints goes to the log."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _answered(do: Callable[..., Answer], told: Answer) -> Answer:
    try:
        return {"done": do(**told)}
    except MemoryError:
        return {"failed": "out of memory"}
    except (Exception, SystemExit) as error:  # whatever the challenge's code raises
        text = " ".join(str(error).split())
        return {"failed": f"{type(error).__name__}: {text}"[:500]}


def main() -> None:
    """Answer until there is nothing more to read."""
    answers, team = _own_output(), Team()
    asked: dict[str, Callable[..., Answer]] = {
        "load": team.load,
        "call": team.call,
        "measure": team.measure,
    }
    print(json.dumps({"done": {}}), file=answers, flush=True)  # PyTorch is loaded
    for line in sys.stdin:
        told = json.loads(line)
        print(json.dumps(_answered(asked[told.pop("do")], told)), file=answers, flush=True)


if __name__ == "__main__":
    main()
