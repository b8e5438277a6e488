"""Products with banded matrices, the one kernel behind resizing and Gaussian windows.

A resize or a windowed mean is a matrix with a narrow band around its diagonal, applied along the
rows and then along the columns. Cut into blocks of a few dozen outputs, the band becomes small
dense matrices, and the product runs at the speed of the machine's BLAS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Array = NDArray[np.float64]
# Lines of one product: so few that BLAS starts no threads, which cost more than they save here,
# and many times more while other work holds a core.
_LINES = 512


@dataclass(frozen=True)
class Block:
    """Outputs ``start:stop`` are ``matrix @ inputs[low:high]``."""

    start: int
    stop: int
    low: int
    high: int
    matrix: Array  # (stop - start, high - low)


@dataclass(frozen=True)
class Banded:
    """A banded (outputs, inputs) matrix, held as dense blocks along its band."""

    outputs: int
    inputs: int
    blocks: tuple[Block, ...]

    @classmethod
    def from_sparse(cls, matrix: csr_array, *, block: int | None = None) -> Banded:
        """Cut a sparse (outputs, inputs) matrix into dense blocks of ``block`` outputs.

        By default as many as make a block about three times as wide as the band: fewer make
        too many products, more make products with too many zeros.
        """
        outputs, inputs = matrix.shape
        if block is None:
            taps = matrix.nnz / outputs
            block = max(4, round(2 * taps * outputs / inputs))
        blocks = []
        for start in range(0, outputs, block):
            stop = min(start + block, outputs)
            rows = matrix[start:stop]
            low, high = int(rows.indices.min()), int(rows.indices.max()) + 1
            dense = np.ascontiguousarray(rows[:, low:high].toarray())
            blocks.append(Block(start, stop, low, high, dense))
        return cls(outputs, inputs, tuple(blocks))

    def along_rows(self, planes: Array) -> Array:
        """Apply to the height: float64 (..., inputs, w) -> (..., outputs, w)."""
        out = np.empty((*planes.shape[:-2], self.outputs, planes.shape[-1]))
        for rows, strip in self.strips(planes):
            out[..., rows, :] = strip
        return out

    def strips(self, planes: NDArray[np.generic]) -> Iterator[tuple[slice, Array]]:
        """The same a few rows at a time: (which rows, float64 (..., those rows, w))."""
        width = planes.shape[-1]
        for b in self.blocks:
            band = planes[..., b.low : b.high, :].astype(np.float64, copy=False)
            strip = np.empty((*planes.shape[:-2], b.stop - b.start, width))
            for left in range(0, width, _LINES):
                part = np.s_[..., left : left + _LINES]
                np.matmul(b.matrix, band[part], out=strip[part])
            yield slice(b.start, b.stop), strip

    def along_columns(self, planes: Array) -> Array:
        """Apply to the width: float64 (..., h, inputs) -> (..., h, outputs)."""
        flat = planes.reshape(-1, self.inputs)
        out = np.empty((len(flat), self.outputs))
        for top in range(0, len(flat), _LINES):
            part, into = flat[top : top + _LINES], out[top : top + _LINES]
            for b in self.blocks:
                np.matmul(part[:, b.low : b.high], b.matrix.T, out=into[:, b.start : b.stop])
        return out.reshape(*planes.shape[:-1], self.outputs)
