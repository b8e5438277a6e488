"""Memory of this process, in MB (10^6 bytes)."""

from __future__ import annotations

import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")


def resident_mb() -> float:
    """What it holds now."""
    return _line("VmRSS") if _STATUS.is_file() else _maxrss()


def peak_mb() -> float:
    """The most that it has held.

    Linux: VmHWM, which starts anew with a program. ``ru_maxrss`` doesn't: a program inherits that
    of the process that started it.
    """
    return _line("VmHWM") if _STATUS.is_file() else _maxrss()


def _line(name: str) -> float:
    for line in _STATUS.read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0]) * 1024 / 1e6
    return _maxrss()


def _maxrss() -> float:
    import resource  # not on Windows, and needed only where there is no /proc

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
