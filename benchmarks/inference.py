"""What test_inference.py times: the calls of one setting, and what else its row says."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

from sr_bench.imaging import images
from sr_bench.timing.clock import EventClock
from sr_bench.timing.cost import fact, macs, matrix_rate, parameters
from sr_bench.timing.devices import threads_of
from sr_bench.timing.memory import peak_mb, resident_mb
from sr_bench.timing.placed import Inner, Inputs, Placed
from sr_bench.timing.rounds import LEAST, WarmUp, rounds_for, warm_up
from sr_bench.timing.setting import FILES, FRAMES, GPU, SIZES, Setting, frame_of
from sr_bench.timing.subject import Ready, Subject
from sr_bench.timing.task import WHY, Task

from .pictures import photo

Call = Callable[[], object]


@dataclass(frozen=True)
class Work:
    """A setting's calls.

    Args:
        calls: one for each image; a single one is called again in every round.
        pixels: of the sr of each.
        first: positions whose calls come first, untimed: one of each size.
        passes: inputs of the network during one such call, where that is the frame's.
    """

    calls: list[Call]
    pixels: list[int]
    first: list[int] = field(default_factory=lambda: [0])
    passes: list[Inputs] = field(default_factory=list)


class Job:
    """One setting in this process: loaded, warmed up, and described when it has been timed."""

    def __init__(self, task: Task, subject: Subject, folder: Path) -> None:
        self.task, self.subject, self.folder = task, subject, folder
        torch.set_num_threads(threads_of(task.setting.device))
        self.ready = subject.ready(task.setting)
        self.rss_before = resident_mb()
        self.load = os.getloadavg()[0]

    @property
    def setting(self) -> Setting:
        return self.task.setting

    def work(self) -> Work:
        """The calls of the setting's input."""
        scale, upscaler = self.subject.run.scale, self.ready.upscaler
        if self.setting.input not in FRAMES:
            return _dataset_work(self.ready, self.subject.inputs(self.setting.input), scale)
        height, width = frame_of(scale, self.setting.input)
        lr = photo(height, width, seed=0)
        with self.ready.inner.noting() as passes:
            upscaler(lr)
        pixels = [height * width * scale**2]
        if self.setting.input == FILES:
            return Work([_through_files(self.ready, lr, self.folder)], pixels, passes=passes)
        return Work([partial(_passes, self.ready, passes)], pixels, passes=passes)

    def warm(self, work: Work, clock: Callable[[], float]) -> WarmUp:
        """Every size once, then one image until its time is stable."""
        if self.setting.device == GPU:
            torch.cuda.reset_peak_memory_stats()
        for position in work.first[1:]:
            work.calls[position]()
        return warm_up(work.calls[0], clock)

    def facts(self, work: Work, warmth: WarmUp, clock: Callable[[], float]) -> dict[str, Any]:
        """What the row says besides times. The peaks are read first, before more is computed."""
        peak = peak_mb()
        if self.setting.device == GPU:
            peak = torch.cuda.max_memory_allocated() / 1e6
        inner = self.ready.inner
        protocol, dataset = self.subject.quality
        not_known: dict[str, str] = {}
        return {
            "peak_memory_mb": peak,
            "rss_before_mb": self.rss_before,
            "params": parameters(inner.network if isinstance(inner, Placed) else None),
            "macs": fact("macs", partial(_macs, inner, work), not_known),
            "psnr": fact("psnr", self._psnr, not_known),
            "psnr_of": f"{dataset}, {protocol.name}",
            "matrix_gflops": fact("matrix_gflops", partial(self._rate, clock), not_known),
            "threads": torch.get_num_threads(),
            "timer": _name(clock),
            "warmup": warmth.calls + len(work.first) - 1,
            "stable": warmth.stable,
            "load": self.load,
            "not_known": not_known,
        }

    def _psnr(self) -> float | None:
        return self.subject.psnr(self.setting) if self.task.psnr else None

    def _rate(self, clock: Callable[[], float]) -> float | None:
        inner = self.ready.inner
        if not isinstance(inner, Placed) or self.setting.input not in SIZES:
            return None
        return matrix_rate(inner.device, inner.dtype, clock) / 1e9


def clock_of(setting: Setting) -> Callable[[], float]:
    """CUDA events for a network alone; else wall time, since the sr is on the CPU in the end."""
    alone = setting.device == GPU and setting.input in SIZES
    return EventClock() if alone else time.perf_counter


def rounds_of(work: Work, warmth: WarmUp) -> int:
    """Each image of a dataset once, of a small one as often; else as its time asks for."""
    images = len(work.calls)
    return images * math.ceil(LEAST / images) if images > 1 else rounds_for(warmth.seconds)


@contextmanager
def noting_failure(folder: Path) -> Iterator[None]:
    """Tell the process that waits why this one fails."""
    try:
        yield
    except Exception as error:
        why = " ".join(str(error).split()) or type(error).__name__
        (folder / WHY).write_text(why[:500], encoding="utf-8")
        raise


def _macs(inner: Inner, work: Work) -> int | None:
    return macs(inner.network, work.passes) if isinstance(inner, Placed) and work.passes else None


def _passes(ready: Ready, passes: list[Inputs]) -> None:
    for inputs in passes:
        ready.inner.resident(*inputs)


def _dataset_work(ready: Ready, inputs: list[Any], scale: int) -> Work:
    sizes: dict[tuple[int, ...], int] = {}
    for position, lr in enumerate(inputs):
        sizes.setdefault(lr.shape, position)
    pixels = [lr.shape[0] * lr.shape[1] * scale**2 for lr in inputs]
    return Work([partial(ready.upscaler, lr) for lr in inputs], pixels, list(sizes.values()))


def _through_files(ready: Ready, lr: images.Image, folder: Path) -> Call:
    source, target = folder / "lr.png", folder / "sr.png"
    images.write(source, lr)

    def call() -> None:
        images.write(target, ready.upscaler(images.read(source)))

    return call


def _name(clock: Callable[[], float]) -> str:
    return str(getattr(clock, "__name__", type(clock).__name__))
