"""Memory of the machine, and of this process: how much is free, how much a call takes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_LIMITS = ("memory.max", "memory.current")  # of this process's group, in a container
_GROUP = Path("/sys/fs/cgroup")
_START_ANEW = "5"  # what /proc/self/clear_refs takes to forget the peak


def available() -> int | None:
    """Bytes that can be had without swapping; ``None`` where the system doesn't say."""
    free = _field(_PROC / "meminfo", "MemAvailable")
    with suppress(OSError, ValueError):  # "max": no limit
        limit, used = (int((_GROUP / name).read_text(encoding="ascii")) for name in _LIMITS)
        return max(0, limit - used) if free is None else min(free, max(0, limit - used))
    return free


def taken_by(call: Callable[[], object]) -> int | None:
    """The most bytes that this process held during a call beyond those before it.

    ``None`` where the system doesn't say. Other threads count too.
    """
    before = held()
    try:
        (_PROC / "self" / "clear_refs").write_text(_START_ANEW, encoding="ascii")
    except OSError:
        before = None
    call()
    peak = most_held()
    return None if before is None or peak is None else max(0, peak - before)


def held() -> int | None:
    """Bytes that this process holds now; ``None`` where the system doesn't say."""
    return _field(_PROC / "self" / "status", "VmRSS")


def most_held() -> int | None:
    """The most bytes that this process has held; ``None`` where the system doesn't say.

    Linux: VmHWM, which starts anew with a program. ``ru_maxrss`` doesn't: a program inherits that
    of the process that started it.
    """
    return _field(_PROC / "self" / "status", "VmHWM")


def _field(path: Path, name: str) -> int | None:
    """A line ``name:  123 kB``, in bytes."""
    with suppress(OSError):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return None
