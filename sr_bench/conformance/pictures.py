"""Inputs of the golden cases: made by small integer arithmetic, the same in any language."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from sr_bench.imaging.images import Image

Kind = Literal["chirp", "scene", "scene+noise", "flat"]
_Indices = NDArray[np.int64]


class Picture(BaseModel):
    """A recipe for one uint8 image.

    With row i, column j and channel k from 0, and tri(n, p) = 255 |n mod 2p - p| // p:

    - ``chirp``: (5 i i + 7 i j + 3 j j + 29 i + 17 j + 41 k) mod 256: every frequency and jumps
      over the whole range, so that bicubic overshoots and borders count;
    - ``scene``: (2 tri(3 i + 2 j + 11 k, 40) + tri(i i // 9 + 5 j + 7 k, 57)) // 4
      + 60 ((i // 7 + j // 9 + k) mod 2): ramps, edges and some texture, as in a photograph;
    - ``scene+noise``: the scene and ((7 i + 13 j + 3 k) mod 11) - 5;
    - ``flat``: ``colour`` everywhere.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    height: int
    width: int
    colour: tuple[int, int, int] | None = None  # of a flat picture
    gray: bool = False

    def array(self) -> Image:
        """uint8, (height, width), or (height, width, 3) RGB."""
        if self.colour is not None:
            return np.tile(np.array(self.colour, np.uint8), (self.height, self.width, 1))
        i, j, k = np.indices((self.height, self.width, 1 if self.gray else 3))
        values = np.clip(_values(self.kind, i, j, k), 0, 255).astype(np.uint8)
        return values[..., 0] if self.gray else values


def _values(kind: Kind, i: _Indices, j: _Indices, k: _Indices) -> _Indices:
    if kind == "chirp":
        return np.asarray((5 * i * i + 7 * i * j + 3 * j * j + 29 * i + 17 * j + 41 * k) % 256)
    ramps = 2 * _triangle(3 * i + 2 * j + 11 * k, 40) + _triangle(i * i // 9 + 5 * j + 7 * k, 57)
    scene = ramps // 4 + 60 * ((i // 7 + j // 9 + k) % 2)
    noise = (7 * i + 13 * j + 3 * k) % 11 - 5
    return np.asarray(scene if kind == "scene" else scene + noise)


def _triangle(n: _Indices, period: int) -> _Indices:
    return np.asarray(255 * abs(n % (2 * period) - period) // period)
