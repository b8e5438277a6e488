"""A model that takes one size of image only: larger ones in tiles, where that is exact."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from sr_bench.networks.foreign.conventions import Call
from sr_bench.support.errors import SrBenchError

_CHANGE = 1e-6  # of white: less is rounding
_TRIALS = 3


class FixedSize:
    """Call a model of one size on images that are larger.

    Tiles have the model's size. The parts that lie ``reach`` away from where the image is cut are
    kept; at the edges of the image the tile ends too, so that the model's own padding acts there.

    Args:
        name: of the model, for errors.
        call: takes (1, C, h, w) of that size alone.
        size: h and w.
        white: the largest value of its input.
    """

    def __init__(self, name: str, call: Call, size: tuple[int, int], *, white: float) -> None:
        self.name, self.call, self.size, self.white = name, call, size, white
        self._reach: int | None = None

    def __call__(self, lr: torch.Tensor) -> torch.Tensor:
        """(1, C, h, w) -> (1, C, scale * h, scale * w)."""
        size = (lr.shape[2], lr.shape[3])
        if size == self.size:
            return self.call(lr)
        if size[0] < self.size[0] or size[1] < self.size[1]:
            raise SrBenchError(
                f"{self.name}: takes images of {_text(self.size)} only, this one is {_text(size)}; "
                "tell a way to pad and a multiple, or export it with free sides (dynamic axes)"
            )
        reach = self.reach(lr.shape[1])
        if 2 * reach >= min(self.size):
            raise SrBenchError(
                f"{self.name}: takes images of {_text(self.size)} only, this one is {_text(size)}, "
                "and tiles would give another result, since a pixel depends on others "
                f"{reach} away and more; export it with free sides (dynamic axes)"
            )
        return self._tiled(lr, reach)

    def reach(self, channels: int) -> int:
        """How many lr pixels away an output pixel depends on, measured by changing a pixel."""
        if self._reach is None:
            found = (self._changed(channels, seed) for seed in range(_TRIALS))
            self._reach = max(found)
        return self._reach

    def _changed(self, channels: int, seed: int) -> int:
        """How far the change of a pixel in the middle is seen."""
        height, width = self.size
        noise = torch.Generator().manual_seed(seed)
        lr = torch.rand(1, channels, height, width, generator=noise)
        changed = lr.clone()
        row, column = height // 2, width // 2
        changed[:, :, row, column] = 1 - changed[:, :, row, column].round()
        before, after = (self.call(x * self.white) / self.white for x in (lr, changed))
        scale = before.shape[2] // height
        rows, columns = torch.nonzero((after - before).abs().amax((0, 1)) > _CHANGE).T // scale
        if not len(rows):
            return 0
        return int(max((rows - row).abs().max(), (columns - column).abs().max()))

    def _tiled(self, lr: torch.Tensor, reach: int) -> torch.Tensor:
        sr: torch.Tensor | None = None
        for top, low, high in _windows(lr.shape[2], self.size[0], reach):
            for left, first, last in _windows(lr.shape[3], self.size[1], reach):
                seen = lr[:, :, top : top + self.size[0], left : left + self.size[1]]
                made = self.call(seen.contiguous())
                scale = made.shape[2] // self.size[0]
                if sr is None:
                    sr = made.new_empty((*made.shape[:2], *(scale * s for s in lr.shape[2:])))
                rows = slice(scale * (low - top), scale * (high - top))
                columns = slice(scale * (first - left), scale * (last - left))
                place = sr[:, :, scale * low : scale * high, scale * first : scale * last]
                place.copy_(made[:, :, rows, columns])
        assert sr is not None
        return sr


def _windows(size: int, window: int, reach: int) -> Iterator[tuple[int, int, int]]:
    """Where each window begins, and the rows or columns that are kept of it."""
    done = 0
    while done < size:
        start = min(max(done - reach, 0), size - window)
        end = size if start + window == size else start + window - reach
        yield start, done, end
        done = end


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
