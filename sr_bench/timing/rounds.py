"""Timed calls: the clock, the warm-up, the number of rounds, and what their times say."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from sr_bench.timing.setting import GPU, Setting, is_alone

Call = Callable[[], object]
Clock = Callable[[], float]
_STABLE = 0.05  # medians of three calls that differ by less are the same
_MOST_CALLS, _MOST_SECONDS, _MOST_SECONDS_AGAIN = 30, 15.0, 5.0
_LEAST, _LEAST_OF_SLOW, _LEAST_AGAIN, _MOST = 9, 5, 3, 50
_SLOW = 5.0  # seconds a round
_TOTAL = 1.0


class EventClock:
    """Seconds by CUDA events, each waited for: the time of work on the GPU between two calls.

    It is added up in double precision from one event to the next, because an event gives the time
    since another in float32.
    """

    __name__ = "cuda_events"

    def __init__(self) -> None:
        self.seconds = 0.0
        self.last = self._event()

    def __call__(self) -> float:
        """Now."""
        event = self._event()
        self.seconds += self.last.elapsed_time(event) / 1e3
        self.last = event
        return self.seconds

    @staticmethod
    def _event() -> Any:
        import torch

        event: Any = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        event.synchronize()
        return event


def clock_of(setting: Setting) -> Clock:
    """CUDA events for a network alone; else wall time, since the sr is on the CPU in the end."""
    alone = setting.device == GPU and is_alone(setting.input)
    return EventClock() if alone else time.perf_counter


def duration(call: Call, clock: Clock = time.perf_counter) -> float:
    """Seconds of one call. Freeing what it returns isn't part of it."""
    start = clock()
    _ = call()
    return clock() - start


class WarmUp(NamedTuple):
    """Calls that were needed, whether they ended in a stable time, and that time."""

    calls: int
    stable: bool
    seconds: float


def warm_up(call: Call, clock: Clock = time.perf_counter, *, again: bool = False) -> WarmUp:
    """Call until the median of the last 3 times is within 5 % of that of the 3 before.

    It ends without that after 30 calls, or with the call that passes 15 seconds; 5 seconds where an
    earlier process has timed the same (``again``).
    """
    times: list[float] = []
    longest = _MOST_SECONDS_AGAIN if again else _MOST_SECONDS
    while len(times) < _MOST_CALLS and sum(times) < longest and not _stable(times):
        times.append(duration(call, clock))
    return WarmUp(len(times), _stable(times), median(times[-3:]))


def _stable(times: list[float]) -> bool:
    if len(times) < 6:
        return False
    before, last = median(times[-6:-3]), median(times[-3:])
    return abs(last - before) < _STABLE * before


def rounds_for(seconds: float, images: int = 1, *, again: bool = False) -> int:
    """Timed rounds of a call that takes so long: a second of them, but 9 to 50; 5 above 5 s.

    Nine against nine are the fewest that a rank test of some hundred settings can do with. Each of
    several images is timed once, or as often as nine rounds need. Where an earlier process has
    timed the same (``again``), its median is wanted alone: 3 to 9 rounds, and each image once.
    """
    least, most = (_LEAST_AGAIN, _LEAST) if again else (_LEAST, _MOST)
    if images > 1:
        return images * (1 if again else math.ceil(least / images))
    if seconds > _SLOW and not again:
        return _LEAST_OF_SLOW
    return max(least, min(most, math.ceil(_TOTAL / max(seconds, 1e-9))))


def median_and_iqr(times: Sequence[float]) -> tuple[float, float]:
    """Median, and 75th less 25th percentile (linear between neighbours), in seconds."""
    low, middle, high = np.percentile(times, [25, 50, 75])
    return float(middle), float(high - low)


def medians(times: Sequence[float], of_processes: Sequence[int]) -> tuple[float, ...]:
    """The median of each process; ``of_processes`` are the numbers of their rounds, in order."""
    ends = np.cumsum(of_processes)
    return tuple(median(times[end - count : end]) for end, count in zip(ends, of_processes))


def rates(times: Sequence[float], pixels: Sequence[int], middle: float) -> tuple[float, float]:
    """Images and megapixels of sr per second.

    Of one image made again and again, those at the median time ``middle``. Of a dataset, whose
    images differ in size, its images and pixels by the time that all of it took.
    """
    if len(set(pixels)) == 1:
        return 1 / middle, pixels[0] / 1e6 / middle
    total = sum(times)
    return len(times) / total, sum(pixels) / 1e6 / total
