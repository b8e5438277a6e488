"""An lr image in tiles: where each is cut, and whether a model's ``reach`` allows it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sr_bench.networks.method import Model, ModelColour
from sr_bench.support.errors import SrBenchError

Unit = NDArray[np.float32]  # (C, h, w) in about [0, 1], as a model sees and returns it
_CHANNELS: dict[ModelColour, int] = {"any": 1, "y": 1, "rgb": 3, "ycbcr": 3}
_THIN, _MORE = 5, 9  # lr pixels across a strip that tests `reach`; along it, twice the reach more
_CUTS = (1, 3)  # odd, so that strides and windows show
_NOISE = 5e-5  # in 0..1: more than float32 rounds by from size to size, 0.013 grey levels


class Cut(NamedTuple):
    """Rows or columns ``start:stop`` of lr, made by a model that sees ``low:high``."""

    start: int
    stop: int
    low: int
    high: int

    @property
    def seen(self) -> slice:
        """What the model sees."""
        return slice(self.low, self.high)

    def made(self, scale: int) -> slice:
        """Where they lie in the whole sr."""
        return slice(scale * self.start, scale * self.stop)

    def kept(self, scale: int) -> slice:
        """Where they lie in the sr of what the model saw."""
        return slice(scale * (self.start - self.low), scale * (self.stop - self.low))


def pieces(size: tuple[int, ...], tile: int, reach: int) -> Iterator[tuple[Cut, Cut]]:
    """Rows and columns of each tile of an lr image of (h, w)."""
    height, width = size
    return product(cuts(height, tile, reach), cuts(width, tile, reach))


def cuts(size: int, tile: int, reach: int) -> list[Cut]:
    """``size`` pixels in pieces of at most ``tile``, as equal as can be: no thin rest at the end.

    A piece stops at the image's edge, so that the model's own padding acts there as it does on the
    whole image.
    """
    count = math.ceil(size / tile)
    edges = (size * i // count for i in range(count + 1))
    return [Cut(a, b, max(0, a - reach), min(size, b + reach)) for a, b in pairwise(edges)]


def reach_of(model: Model) -> int | None:
    """How many lr pixels away an output pixel depends on, where the model says so."""
    reach = getattr(model, "reach", None)
    return reach if type(reach) is int and reach >= 0 else None


def takes_batches(model: Model) -> bool:
    """Whether a model takes several images at once, as it says."""
    return getattr(model, "batches", False) is True


def require_reach(name: str, model: Model, call: Callable[[Unit], Unit], scale: int) -> None:
    """Compare a strip of noise with the same strip cut off, along both sides.

    What lies further from the cut than ``reach`` has to be the same.

    Args:
        name: the run, which errors name.
        model: which has a reach.
        call: its call, (C, h, w) to (C, H, W).
        scale: of the call.

    Raises:
        SrBenchError: if it isn't: tiles would give another image than the whole one.
    """
    reach = reach_of(model) or 0
    channels = _CHANNELS[model.colour]
    whole = np.random.default_rng(0).random((channels, _THIN, 2 * reach + _MORE), np.float32)
    for strip in (whole, whole.transpose(0, 2, 1)):
        off = max(_cut_off(call, strip, (reach, cut, scale)) for cut in _CUTS)
        if off > _NOISE * max(1.0, float(np.abs(call(strip)).max())):
            raise SrBenchError(
                f"{name}: reach is {reach} lr pixels, but cutting the image changes "
                f"pixels further away by {off * 255:.3g} grey levels (rounding alone: "
                f"{_NOISE * 255:.2g}); correct `reach` in the method's file, or take it out "
                "if pixels depend on the whole image or on where they lie"
            )


def _cut_off(call: Callable[[Unit], Unit], strip: Unit, by: tuple[int, int, int]) -> float:
    """The largest difference beyond ``reach`` without the first, and the last, ``cut``."""
    reach, cut, scale = by
    axis = 2 if strip.shape[2] > strip.shape[1] else 1
    beyond = scale * (cut + reach)
    whole = np.moveaxis(call(strip), axis, 0)
    size = strip.shape[axis]
    later = call(np.take(strip, range(cut, size), axis))
    earlier = call(np.take(strip, range(size - cut), axis))
    later, earlier = (np.moveaxis(part, axis, 0) for part in (later, earlier))
    kept = scale * size - beyond
    after = later[scale * reach :] - whole[beyond:]
    before = earlier[:kept] - whole[:kept]
    return float(max(np.abs(after).max(), np.abs(before).max()))
