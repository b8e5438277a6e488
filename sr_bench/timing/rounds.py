"""When a call is warm, and how often it is then timed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

_APART = 0.05  # medians of three calls that differ by less are the same
_MOST_CALLS, _MOST_SECONDS = 30, 15.0
LEAST, _LEAST_OF_SLOW, _MOST = 9, 5, 50
_SLOW = 5.0  # seconds a round
_TOTAL = 1.0


class WarmUp(NamedTuple):
    """Calls that were needed, whether they ended in a stable time, and that time."""

    calls: int
    stable: bool
    seconds: float


def warm_up(call: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> WarmUp:
    """Call until the median of the last 3 times is within 5 % of that of the 3 before.

    It ends without that after 30 calls, or with the call that passes 15 seconds.
    """
    times: list[float] = []
    while len(times) < _MOST_CALLS and sum(times) < _MOST_SECONDS:
        start = clock()
        call()
        times.append(clock() - start)
        if _stable(times):
            break
    return WarmUp(len(times), _stable(times), median(times[-3:]))


def rounds_for(seconds: float) -> int:
    """Timed rounds of a call that takes so long: a second of them, but 9 to 50; 5 above 5 s.

    Nine against nine are the fewest that a rank test of some hundred settings can do with.
    """
    if seconds > _SLOW:
        return _LEAST_OF_SLOW
    return max(LEAST, min(_MOST, math.ceil(_TOTAL / max(seconds, 1e-9))))


def _stable(times: list[float]) -> bool:
    if len(times) < 6:
        return False
    before, last = median(times[-6:-3]), median(times[-3:])
    return abs(last - before) < _APART * before
