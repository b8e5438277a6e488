"""Which frames would take too long, going by smaller ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from sr_bench.timing.results import Row
from sr_bench.timing.setting import FRAME, SIZES, Setting

LONGEST = 30.0  # seconds a call


def too_long(setting: Setting, rows: Mapping[Setting, Row]) -> str:
    """Why a frame is left out; empty if it isn't.

    One above 720p is, if a call would take over 30 s: by the time of the largest smaller frame of
    the same run, device and precision, growing as the number of pixels. Where none was timed,
    nothing is known, and it is tried.
    """
    if setting.input not in SIZES or _pixels(setting.input) <= _pixels(FRAME):
        return ""
    smaller = [name for name in SIZES if _pixels(name) < _pixels(setting.input)]
    timed = [s for name in smaller if (s := replace(setting, input=name)) in rows]
    if not timed:
        return ""
    nearest = max(timed, key=lambda s: _pixels(s.input))
    growth = _pixels(setting.input) / _pixels(nearest.input)
    seconds = rows[nearest].median_s * growth
    if seconds <= LONGEST:
        return ""
    return f"left out: about {seconds:.0f} s a call, going by {nearest.input}"


def _pixels(frame: str) -> int:
    return math.prod(SIZES[frame])
