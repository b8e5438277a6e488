"""How much of an image fits into memory at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

import torch

from sr_bench.networks.device import CPU, free_bytes, taken_on

PROBE = 256  # lr pixels of the side of what is measured
_SURELY = 2**22  # lr pixels that are tried without a question


class Probe(NamedTuple):
    """A call on a part of an image, and how many lr pixels that has."""

    call: Callable[[], object]
    pixels: int


class Fitting:
    """What fits into memory; ``None`` as long as nothing was too large, or measured."""

    def __init__(self) -> None:
        self.pixels: int | None = None  # lr pixels of images that are computed together
        self.tile: int | None = None
        self.bytes_a_pixel: float | None = None  # of lr, that a call takes
        self.lock = threading.Lock()

    def has_room(self, device: torch.device, pixels: int, probe: Probe) -> bool:
        """Whether memory holds a call on so many lr pixels, where nothing else says so in time.

        A GPU refuses what it hasn't. Linux promises memory that it hasn't, and ends the process
        that uses it; so what a large image takes is measured on a part of it.
        """
        if device != CPU or pixels <= _SURELY:
            return True
        free = free_bytes(device)
        return free is None or pixels * self._measured(device, probe) <= free

    def _measured(self, device: torch.device, probe: Probe) -> float:
        with self.lock:
            if self.bytes_a_pixel is None:
                self.bytes_a_pixel = (taken_on(device, probe.call) or 0) / probe.pixels
            return self.bytes_a_pixel
