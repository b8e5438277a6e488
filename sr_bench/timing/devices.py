"""The devices of this machine; processes pinned to some of its cores, and their memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sr_bench.support import memory
from sr_bench.support.errors import WrongUse
from sr_bench.support.parallel import cores
from sr_bench.timing.setting import ALL, DEVICES, GPU, ONE

_GROUPS = {"cpu": (ONE, ALL), "all": DEVICES}


def present() -> list[str]:
    """The devices that can be timed here; one core is not timed twice."""
    from sr_bench.networks.device import devices  # torch: heavy

    found = [ONE] if cores() == 1 else [ONE, ALL]
    return [*found, GPU] if GPU in devices() else found


def choose(names: list[str]) -> list[str]:
    """Devices by name; ``cpu`` and ``all`` stand for those of them that are here.

    Raises:
        WrongUse: for a device that isn't here.
    """
    here = present()
    wanted: list[str] = []
    for name in names:
        if name not in _GROUPS and name not in here:
            known = ", ".join([*here, *_GROUPS])
            raise WrongUse(f"there is no device '{name}' on this machine; choose one of: {known}")
        wanted += [d for d in _GROUPS.get(name, (name,)) if d in here]
    return list(dict.fromkeys(wanted))


def threads_of(device: str) -> int:
    """The cores that a process on the device gets, and its threads."""
    return 1 if device == ONE else cores()


@contextmanager
def pinned(device: str) -> Iterator[dict[str, str]]:
    """Processes started in the block run on the device's cores alone.

    Yields:
        Environment variables for them, which hold the libraries to as many threads.
    """
    count = str(threads_of(device))
    variables = {"OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count}
    if not hasattr(os, "sched_setaffinity"):  # macOS, Windows: the threads alone are bound
        yield variables
        return
    before = os.sched_getaffinity(0)
    # The last core: the first serves most interrupts.
    os.sched_setaffinity(0, {max(before)} if device == ONE else before)
    try:
        yield variables
    finally:
        os.sched_setaffinity(0, before)


def resident_mb() -> float:
    """Memory that this process holds now, in MB (10^6 bytes)."""
    return _mb(memory.held())


def peak_mb() -> float:
    """The most memory that this process has held, in MB."""
    return _mb(memory.most_held())


def _mb(known: int | None) -> float:
    """In MB; where there is no ``/proc``, ``ru_maxrss``."""
    if known is not None:
        return known / 1e6
    import resource  # not on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
