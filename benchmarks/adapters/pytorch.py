"""PyTorch: ``interpolate(mode="bicubic")`` as it is by default."""

from __future__ import annotations

from fractions import Fraction

from torch.nn.functional import interpolate

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
