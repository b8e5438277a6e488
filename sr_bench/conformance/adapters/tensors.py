"""Images to float64 tensors and back."""

from __future__ import annotations

import numpy as np
import torch

from sr_bench.conformance.adapter import Array


def to_tensor(image: Array) -> torch.Tensor:
    """(h, w) or (h, w, c) of any real dtype -> (1, c, h, w) float64 of the same values."""
    planes = image[..., None] if image.ndim == 2 else image
    return torch.from_numpy(planes.astype(np.float64)).permute(2, 0, 1)[None]


def to_array(tensor: torch.Tensor, like: Array) -> Array:
    """(1, c, h, w) -> (h, w) or (h, w, c), whichever ``like`` is."""
    planes = tensor[0].permute(1, 2, 0).numpy()
    return np.asarray(planes[..., 0] if like.ndim == 2 else planes)
