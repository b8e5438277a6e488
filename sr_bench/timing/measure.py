"""The process that times one setting: ``python -m sr_bench.timing.measure FOLDER``.

``sr-bench time`` starts it (:mod:`sr_bench.timing.launch`), with the task in the folder; what was
measured, or why it failed, is written there. docs/timing.md says what is measured, and how.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

from sr_bench.imaging.images import Image, read, write
from sr_bench.timing.computation import Inputs
from sr_bench.timing.cost import fact, matrix_rate
from sr_bench.timing.devices import peak_mb, resident_mb, threads_of
from sr_bench.timing.exported import Exporter
from sr_bench.timing.launch import FAILURE, Measured
from sr_bench.timing.photo import photo
from sr_bench.timing.rounds import Call, WarmUp, clock_of, duration, rounds_for, warm_up
from sr_bench.timing.setting import FILES, GPU, frame_of, is_alone, is_frame
from sr_bench.timing.tasks import Task, timed_of
from sr_bench.timing.timed import OnDevice


@dataclass(frozen=True)
class Calls:
    """What a setting times.

    Args:
        calls: one for each image; a single one is called again in every round.
        pixels: of the sr of each.
        sizes: positions of the first call of each size; those come first, untimed.
        passes: inputs of the network during one such call, where that is the frame's.
    """

    calls: list[Call]
    pixels: list[int]
    sizes: list[int] = field(default_factory=lambda: [0])
    passes: list[Inputs] = field(default_factory=list)


class Measurement:
    """One setting in this process: loaded, warmed up, timed and described.

    Args:
        task: what to time.
        folder: where image files go.
    """

    def __init__(self, task: Task, folder: Path) -> None:
        self.task, self.setting, self.folder = task, task.setting, folder
        self.timed, self.exporter = timed_of(task), Exporter(task, folder)
        torch.set_num_threads(threads_of(task.setting.device))
        self.on_device = self.timed.on_device(task.setting, self.exporter)
        self.clock = clock_of(task.setting)
        self.not_known: dict[str, str] = {}
        self.rss_before = fact("rss_before_mb", resident_mb, self.not_known)
        self.load = fact("load", lambda: os.getloadavg()[0], self.not_known)  # not on Windows
        self.calls = self._calls()

    def _calls(self) -> Calls:
        """The calls of the setting's input."""
        scale = self.timed.scale
        if not is_frame(self.setting.input):
            return _calls_of_dataset(self.on_device, self.timed.inputs(self.setting.input), scale)
        height, width = frame_of(scale, self.setting.input)
        lr, pixels = photo(height, width, seed=0), [height * width * scale**2]
        with self.on_device.computation.recorded() as passes:
            self.on_device.upscaler(lr)
        if self.setting.input == FILES:
            return Calls([_through_files(self.on_device, lr, self.folder)], pixels, passes=passes)
        return Calls([partial(_network_alone, self.on_device, passes)], pixels, passes=passes)

    def warm_up(self) -> WarmUp:
        """Call every size once, then one image until its time is stable."""
        if self.setting.device == GPU:
            torch.cuda.reset_peak_memory_stats()
        for position in self.calls.sizes[1:]:
            self.calls.calls[position]()
        return warm_up(self.calls.calls[0], self.clock, again=self.task.again)

    def measured(self) -> Measured:
        """Warm up, time all rounds, and find the other fields of the row.

        The rounds are written as soon as they are there, and again with each fact: whatever
        happens while one is found costs that fact alone.
        """
        warm = self.warm_up()
        images = len(self.calls.calls)
        rounds = rounds_for(warm.seconds, images, again=self.task.again)
        order = [i % images for i in range(rounds)]
        times = [duration(self.calls.calls[i], self.clock) for i in order]
        pixels = {"pixels": [self.calls.pixels[i] for i in order]}

        def keep(facts: dict[str, Any]) -> None:
            Measured(facts | pixels, times).write(self.folder)

        return Measured(self.facts(warm, keep) | pixels, times)

    def facts(
        self, warm: WarmUp, keep: Callable[[dict[str, Any]], None] = lambda facts: None
    ) -> dict[str, Any]:
        """The row's fields besides times; ``keep`` gets what is there before each is looked for."""
        facts = self._known(warm)
        for name, find in self._to_find().items():
            self.not_known[name] = "the timing process ended while it was looked for"
            keep(facts)
            facts[name] = fact(name, find, self.not_known)
        return facts

    def _known(self, warm: WarmUp) -> dict[str, Any]:
        """The row's fields that are there, and ``None`` for those that aren't yet."""
        return {
            **dict.fromkeys(self._to_find()),
            "rss_before_mb": self.rss_before,
            "psnr_of": self.timed.psnr_of,
            "threads": torch.get_num_threads(),
            "timer": str(getattr(self.clock, "__name__", type(self.clock).__name__)),
            "warmup": warm.calls + len(self.calls.sizes) - 1,
            "stable": warm.stable,
            "load": self.load,
            "not_known": self.not_known,
        }

    def _to_find(self) -> dict[str, Callable[[], Any]]:
        """The other fields. The peak is read first, before more is computed."""
        if self.task.again:
            return {"peak_memory_mb": self._peak_mb}
        return {
            "peak_memory_mb": self._peak_mb,
            "params": lambda: self.timed.parameters(self.on_device.computation),
            "macs": self._macs,
            "matrix_gflops": self._matrix_gflops,
            "psnr": self._psnr,
        }

    def _peak_mb(self) -> float:
        on_gpu = self.setting.device == GPU
        return torch.cuda.max_memory_allocated() / 1e6 if on_gpu else peak_mb()

    def _psnr(self) -> float | None:
        return self.timed.psnr(self.setting, self.exporter) if self.task.psnr else None

    def _macs(self) -> int | None:
        if not self.calls.passes:
            return None
        return self.timed.macs(self.on_device.computation, self.calls.passes)

    def _matrix_gflops(self) -> float | None:
        computation = self.on_device.computation
        if not computation.networks or not is_alone(self.setting.input):
            return None
        return matrix_rate(computation.device, computation.dtype, self.clock) / 1e9


def _calls_of_dataset(on_device: OnDevice, inputs: list[Any], scale: int) -> Calls:
    first: dict[tuple[int, ...], int] = {}
    for position, lr in enumerate(inputs):
        first.setdefault(lr.shape, position)
    pixels = [lr.shape[0] * lr.shape[1] * scale**2 for lr in inputs]
    return Calls([partial(on_device.upscaler, lr) for lr in inputs], pixels, list(first.values()))


def _network_alone(on_device: OnDevice, passes: list[Inputs]) -> None:
    for inputs in passes:
        on_device.computation.compute(*inputs)


def _through_files(on_device: OnDevice, lr: Image, folder: Path) -> Call:
    source, target = folder / "lr.png", folder / "sr.png"
    write(source, lr)

    def call() -> None:
        write(target, on_device.upscaler(read(source)))

    return call


def main() -> None:
    """Time the task in the folder that the command line names."""
    folder = Path(sys.argv[1])
    try:
        Measurement(Task.read(folder), folder).measured().write(folder)
    except Exception as error:
        why = " ".join(str(error).split()) or type(error).__name__
        (folder / FAILURE).write_text(why[:500], encoding="utf-8")
        raise


if __name__ == "__main__":
    main()
