"""The planes that a way of scoring compares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sr_bench.analysis.explain.resizers import half_shifted
from sr_bench.analysis.explain.way import Luma, Swap, Way
from sr_bench.imaging.color import gray_of_rgb, rgb_to_y, to_uint8, ycbcr_to_rgb
from sr_bench.imaging.images import Colour, Image

Planes = NDArray[np.generic]

# R, G, B and what is added, for values of 0..255.
_LUMA = {
    "yiq": (0.299, 0.587, 0.114, 0.0),
    "full-range": (0.299, 0.587, 0.114, 0.0),
    "bt709": (0.2125, 0.7154, 0.0721, 0.0),
    "mistyped": (64.738 / 256, 129.057 / 256, 25.064 / 256, 16.0),
}
_BGR = np.s_[..., ::-1]


@dataclass(frozen=True)
class Plan:
    """All that the planes depend on; ways that share it share them."""

    colour: Literal["y", "rgb"]
    y: Literal["uint8", "float"]
    luma: Luma
    swap: Swap
    gray_as_rgb: bool
    half_shift: bool

    @classmethod
    def of(cls, way: Way) -> Plan:
        """The plan of a way."""
        s = way.scoring
        return cls(
            way.protocol.colour,
            way.protocol.y,
            s.luma,
            s.swap,
            way.protocol.gray == "rgb",
            s.half_shift,
        )

    @property
    def takes_y(self) -> bool:
        """Whether a gray sr serves, of an hr with colour: it is the Y that is compared."""
        return self.colour == "y" and (self.luma, self.swap) == ("matlab", "none")


def planes(sr: Planes, hr: Image, sr_colour: Colour, plan: Plan) -> tuple[Planes, Planes]:
    """What a way compares, before its crop.

    Args:
        sr: (h, w) or (h, w, 3) in ``sr_colour``; uint8, or float64 where it was never rounded.
        hr: uint8 of the same size, gray or RGB.
        sr_colour: what sr's three planes are.
        plan: which planes.

    Returns:
        sr's and hr's, both (h, w) or both (h, w, 3), on the 0..255 scale.
    """
    if plan.half_shift:
        sr = half_shifted(sr)
    if plan.colour == "rgb":
        one, other = _three(_rgb(sr, sr_colour)), _three(hr)
        one = one if plan.swap == "none" else one[_BGR]
        return one, other[_BGR] if plan.swap == "both" else other
    gray = hr.ndim == 2 and not plan.gray_as_rgb
    return (
        _y(sr, sr_colour, plan, gray=gray, swap=plan.swap != "none"),
        _y(hr, "rgb", plan, gray=gray, swap=plan.swap == "both"),
    )


def _y(image: Planes, colour: Colour, plan: Plan, *, gray: bool, swap: bool) -> Planes:
    if image.ndim == 2 and not plan.gray_as_rgb:
        return image
    if colour == "ycbcr" and image.ndim == 3 and plan.luma == "matlab" and not swap:
        return image[..., 0]
    rgb = _three(_rgb(image, colour))
    y = gray_of_rgb(rgb) if gray else _luminance(rgb[_BGR] if swap else rgb, plan.luma)
    rounded = plan.luma == "full-range" or (plan.luma == "matlab" and plan.y == "uint8")
    return to_uint8(y) if rounded and image.dtype == np.uint8 else y


def _luminance(rgb: Planes, luma: Luma) -> Planes:
    if luma == "matlab":
        return rgb_to_y(rgb)
    red, green, blue, offset = _LUMA[luma]
    return np.asarray(rgb @ np.array([red, green, blue]) + offset)


def _rgb(image: Planes, colour: Colour) -> Planes:
    if colour == "rgb" or image.ndim == 2:
        return image
    rgb = ycbcr_to_rgb(image)
    return to_uint8(rgb) if image.dtype == np.uint8 else rgb


def _three(image: Planes) -> Planes:
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
