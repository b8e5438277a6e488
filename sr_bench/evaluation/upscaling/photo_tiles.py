"""How large the tiles of a photo are: as memory allows, where the model's ``reach`` is right."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from sr_bench.imaging.crops import middle
from sr_bench.networks.device import free_bytes, taken_on
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.tiles import reach_of
from sr_bench.support.errors import SrBenchError

BICUBIC_REACH = 2  # of bicubic interpolation, which makes Cb and Cr, and alpha
Pixels = NDArray[np.uint8] | NDArray[np.uint16]  # (h, w) or (h, w, 3)
_MOST = 10**9  # bytes that a tile may take: larger ones are hardly faster
_BANDS = 4 * 10**8  # bytes of rows that are made or being written
_SHARE = 0.5  # of what is free
_PROBE = 256  # lr pixels of the probe's side: what doesn't grow with the image counts little
_BY_GUESS = 20_000  # bytes an lr pixel, where the system doesn't say what a call takes
_SMALLEST = 32


@dataclass(frozen=True)
class Tiling:
    """Tiles of a photo.

    Args:
        side: lr pixels of a tile, without its margins.
        margin: lr pixels around it that it needs.
    """

    side: int
    margin: int

    def __str__(self) -> str:
        return f"tiles of {self.side} pixels"


@dataclass
class Tiler:
    """Chooses the tiles of one model's photos.

    Args:
        upscaler: the model.
    """

    upscaler: Upscaler
    _each: dict[int, float] = field(default_factory=dict, repr=False)  # bytes, by dimensions

    def tiling(self, pixels: Pixels, tile: int | None) -> Tiling:
        """The tiles of a photo: of the size that is asked for, else of one that memory holds.

        Args:
            pixels: the photo.
            tile: lr pixels a side; ``None``: the whole photo where memory holds it.

        Raises:
            SrBenchError: for a model that can't be tiled, or whose reach is wrong.
        """
        longest: int = max(pixels.shape[:2])
        reach = reach_of(self.upscaler.model)
        side = tile or self._fitting(pixels, reach)
        if side >= longest:
            return Tiling(longest, 0)
        if reach is None:
            raise SrBenchError(
                f"{self.upscaler.name}: tiles of {side} pixels are asked for, but the model has no "
                "`reach`; leave out --tile"
            )
        self.upscaler.enlarger.require_tiles()
        return Tiling(side, max(reach, BICUBIC_REACH))

    def _fitting(self, pixels: Pixels, reach: int | None) -> int:
        """The side of the largest tile that memory holds; the photo's own where it is that."""
        height, width = pixels.shape[:2]
        longest: int = max(height, width)
        if height * width <= _PROBE**2:
            return longest
        free, each = free_bytes(self.upscaler.device), self.bytes_a_pixel(pixels)
        most = _MOST if free is None else min(_MOST, int(_SHARE * free))
        rows = self._rows(pixels)
        if height * width * each <= most and height <= rows:
            return longest
        if reach is None:
            self._require_room(height * width * each, free)
            return longest
        side = isqrt(int(most / each)) - 2 * max(reach, BICUBIC_REACH)
        return max(_SMALLEST, min(side, rows))

    def _rows(self, pixels: Pixels) -> int:
        """Rows of lr whose sr, with alpha, may wait to be written: twice, in :data:`_BANDS`."""
        samples = (1 if pixels.ndim == 2 else 3) + 1
        row: int = pixels.shape[1] * samples * pixels.dtype.itemsize * self.upscaler.scale**2
        return max(1, _BANDS // (2 * row))

    def bytes_a_pixel(self, pixels: Pixels) -> float:
        """What the model takes for each lr pixel, by a call on a part of the photo."""
        if pixels.ndim not in self._each:
            self._each[pixels.ndim] = self._measured(pixels)
        return self._each[pixels.ndim]

    def _measured(self, pixels: Pixels) -> float:
        part = middle(pixels, _PROBE)
        levels = part / (np.iinfo(part.dtype).max / 255)
        self.upscaler.unrounded(levels[:8, :8])  # what only the first call takes
        taken = taken_on(self.upscaler.device, partial(self.upscaler.unrounded, levels))
        return _BY_GUESS if taken is None else max(1.0, taken / (part.shape[0] * part.shape[1]))

    def _require_room(self, needed: float, free: int | None) -> None:
        if free is not None and needed > free:
            raise SrBenchError(
                f"{self.upscaler.name}: the photo needs about {needed / 1e9:.1f} GB at once, "
                f"{free / 1e9:.1f} GB are free on {self.upscaler.device}, and the model has no "
                "`reach`, so it can't be run in tiles; take a smaller photo, or a machine with "
                "more memory"
            )
