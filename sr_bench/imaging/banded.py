"""Products with banded matrices, the one kernel behind resizing and Gaussian windows.

A resize or a windowed mean is a matrix with a narrow band around its diagonal, applied along the
rows and then along the columns. Cut into blocks of a few dozen outputs, the band becomes small
dense matrices, and the product runs at the speed of the machine's BLAS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Array = NDArray[np.float64] | NDArray[np.float32]
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
    matrix: Array  # (stop - start, high - low); its dtype is that of the product

    def along_rows(self, planes: NDArray[np.generic]) -> Array:
        """These outputs alone: (..., inputs, w) of any real dtype -> (..., outputs, w)."""
        dtype = self.matrix.dtype
        band = planes[..., self.low : self.high, :].astype(dtype, copy=False)
        strip = np.empty((*planes.shape[:-2], self.stop - self.start, planes.shape[-1]), dtype)
        for left in range(0, planes.shape[-1], _LINES):
            part = np.s_[..., left : left + _LINES]
            np.matmul(self.matrix, band[part], out=strip[part])
        return strip


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

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the products: float64, or float32 where that was asked for."""
        return self.blocks[0].matrix.dtype

    def in_float32(self) -> Banded:
        """The same matrix for products in float32."""
        blocks = (replace(b, matrix=b.matrix.astype(np.float32)) for b in self.blocks)
        return replace(self, blocks=tuple(blocks))

    def along_rows(self, planes: Array) -> Array:
        """Apply to the height: (..., inputs, w) -> (..., outputs, w)."""
        out = np.empty((*planes.shape[:-2], self.outputs, planes.shape[-1]), self.dtype)
        for b in self.blocks:
            out[..., b.start : b.stop, :] = b.along_rows(planes)
        return out

    def strips(
        self, planes: NDArray[np.generic], *, rows: int
    ) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Apply to the height about ``rows`` outputs at a time: (which, (..., those, w))."""
        each = max(1, rows // (self.blocks[0].stop - self.blocks[0].start))
        for first in range(0, len(self.blocks), each):
            group = self.blocks[first : first + each]
            parts = [b.along_rows(planes) for b in group]
            yield slice(group[0].start, group[-1].stop), np.concatenate(parts, axis=-2)

    def along_columns(self, planes: Array) -> Array:
        """Apply to the width: (..., h, inputs) -> (..., h, outputs)."""
        flat = planes.reshape(-1, self.inputs)
        out = np.empty((len(flat), self.outputs), self.dtype)
        for top in range(0, len(flat), _LINES):
            part, into = flat[top : top + _LINES], out[top : top + _LINES]
            for b in self.blocks:
                np.matmul(part[:, b.low : b.high], b.matrix.T, out=into[:, b.start : b.stop])
        return out.reshape(*planes.shape[:-1], self.outputs)
