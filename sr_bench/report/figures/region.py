"""Which part of an image to show: the window in which the runs differ most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sr_bench.imaging.images import Image
from sr_bench.project.entries import SMALLEST, Box
from sr_bench.support.errors import SrBenchError

_PART, _SMALL, _LARGE = 5, 24, 72  # a fifth of the shorter side, within these pixels

Counts = NDArray[np.int64]


def choose_box(hr: Image, srs: Sequence[Image], *, border: int) -> Box:
    """The square window with the largest variance, between the runs, of their mean squared error.

    Args:
        hr: uint8 (h, w), luminance.
        srs: the same of each run; with one alone its error counts instead of a variance.
        border: pixels at each side that are not scored, and not shown.

    Returns:
        The window; of equal ones the first, row by row. The sums are whole numbers, so that it is
        the same on every machine.

    Raises:
        SrBenchError: if no window fits.
    """
    height, width = (n - 2 * border for n in hr.shape)
    side = min(max(min(height, width) // _PART, _SMALL), _LARGE, height, width)
    if side < SMALLEST:
        raise SrBenchError(
            f"hr is {hr.shape}, of which {border} pixels at each side aren't scored; "
            f"no window of {SMALLEST} fits: choose a larger image"
        )
    inside = np.s_[border : border + height, border : border + width]
    sums = np.stack([_sums(_squared(sr[inside], hr[inside]), side) for sr in srs])
    worth = sums.astype(np.float64).var(axis=0) if len(srs) > 1 else sums[0]
    row, column = np.unravel_index(int(np.argmax(worth)), worth.shape)
    return Box(int(column) + border, int(row) + border, side, side)


def require_inside(box: Box, hr: Image, what: str) -> None:
    """Refuse a box that reaches over the image.

    Raises:
        SrBenchError: with both sizes.
    """
    height, width = hr.shape[:2]
    if box.x + box.width > width or box.y + box.height > height:
        raise SrBenchError(
            f"{what}: box {box} reaches to ({box.x + box.width}, {box.y + box.height}), the image "
            f"is {width} x {height} after the protocol's cut; move the box, or leave it out to "
            "have one chosen"
        )


def cut(image: Image, box: Box) -> Image:
    """The box of an image, (h, w) or (h, w, 3)."""
    return image[box.y : box.y + box.height, box.x : box.x + box.width]


def _squared(sr: Image, hr: Image) -> Counts:
    return (sr.astype(np.int64) - hr) ** 2


def _sums(values: Counts, side: int) -> Counts:
    """Sums over all square windows, from an integral image."""
    whole = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    return np.asarray(
        whole[side:, side:] - whole[:-side, side:] - whole[side:, :-side] + whole[:-side, :-side]
    )
