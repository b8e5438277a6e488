"""PyTorch: ``interpolate(mode="bicubic")`` as it is by default."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from torch.nn.functional import avg_pool2d, interpolate

from sr_bench.conformance.adapter import Array
from sr_bench.imaging.resize import Border, Rounding

from .common import finished, output_size, to_array, to_tensor

PACKAGE = "torch"


def resize(
    image: Array,
    *,
    scale: Fraction,
    rounding: Rounding,
    border: Border,
    antialias: bool = False,
) -> Array:
    """Keys' cubic with a = -0.75; with ``antialias`` a = -0.5, widened when shrinking."""
    found = interpolate(
        to_tensor(image), size=output_size(image, scale), mode="bicubic", antialias=antialias
    )
    return finished(to_array(found, image), rounding)


def degrade(hr: Array, *, degradation: str, scale: int) -> Array:
    """``interpolate`` and ``avg_pool2d`` in float64, rounded by torch: ties to even."""
    modes: dict[str, dict[str, Any]] = {
        "torch-bicubic": {"mode": "bicubic"},
        "torch-bicubic-antialias": {"mode": "bicubic", "antialias": True},
        "nearest": {"mode": "nearest"},
    }
    if degradation == "box":
        found = avg_pool2d(to_tensor(hr), scale)
    elif degradation in modes:
        found = interpolate(to_tensor(hr), scale_factor=1 / scale, **modes[degradation])
    else:
        raise NotImplementedError(f"has no {degradation}")
    return to_array(found.round().clamp(0, 255), hr).astype("uint8")
