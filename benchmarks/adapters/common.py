"""What several adapters need: sizes, crops, rounding, tensors."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import torch

from sr_bench.conformance.adapter import Array
from sr_bench.imaging.color import to_uint8
from sr_bench.imaging.resize import Rounding


def output_size(image: Array, scale: Fraction) -> tuple[int, int]:
    """MATLAB's: ceil(height * scale), ceil(width * scale)."""
    return math.ceil(image.shape[0] * scale), math.ceil(image.shape[1] * scale)


def cropped(image: Array, crop: int) -> Array:
    """``crop`` pixels cut from each side."""
    return image[crop : image.shape[0] - crop, crop : image.shape[1] - crop]


def finished(values: Array, rounding: Rounding) -> Array:
    """uint8 unless nothing is to be rounded; once, since these libraries know no other way."""
    return values if rounding == "none" else to_uint8(values)


def by_plane(image: Array, resize_plane: Callable[[Array], Array]) -> Array:
    """Resize each plane of (h, w) or (h, w, 3) with a function of a float64 (h, w)."""
    values = image.astype(np.float64)
    if image.ndim == 2:
        return np.asarray(resize_plane(values))
    return np.stack([resize_plane(values[..., c]) for c in range(image.shape[2])], axis=-1)


def to_tensor(image: Array) -> torch.Tensor:
    """(h, w) or (h, w, c) of any real dtype -> (1, c, h, w) float64 of the same values."""
    planes = image[..., None] if image.ndim == 2 else image
    return torch.from_numpy(planes.astype(np.float64)).permute(2, 0, 1)[None]


def to_array(tensor: torch.Tensor, like: Array) -> Array:
    """(1, c, h, w) -> (h, w) or (h, w, c), whichever ``like`` is."""
    planes = tensor[0].permute(1, 2, 0).numpy()
    return np.asarray(planes[..., 0] if like.ndim == 2 else planes)
