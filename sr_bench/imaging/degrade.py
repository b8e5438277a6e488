"""hr -> lr, as a protocol's degradation says."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from sr_bench.imaging.color import rgb_to_ycbcr, to_uint8
from sr_bench.imaging.images import Image
from sr_bench.imaging.resize import Border, Resize, Rounding, imresize


class Degradation(BaseModel):
    """How lr is made from hr: colour planes, modcrop, and the flavour of MATLAB's imresize.

    ``name`` says where its SR images lie; two degradations that do the same are equal.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(default="", exclude=True)
    colour: Literal["rgb", "ycbcr"]
    modcrop: PositiveInt | Literal["scale"]
    rounding: Rounding
    border: Border

    def multiple(self, scale: int) -> int:
        """The number that hr's height and width are cut to a multiple of."""
        return scale if self.modcrop == "scale" else self.modcrop

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Degradation) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        return f"{self.colour}+modcrop.{self.modcrop}+round.{self.rounding}+border.{self.border}"


class GivenLr(Degradation):
    """lr that comes with hr, and isn't made: ``given`` is its hash."""

    given: str

    @classmethod
    def of(cls, given: str) -> GivenLr:
        """RGB, and hr cut to a multiple of the scale. Methods that resample inside do as MATLAB."""
        return cls(
            name="given",
            colour="rgb",
            modcrop="scale",
            rounding="each-pass",
            border="mirror",
            given=given,
        )

    def __str__(self) -> str:
        return f"given.{self.given}"


def modcrop(image: Image, multiple: int) -> Image:
    """Cut (h, w[, c]) at the bottom and right to multiples of ``multiple``, as MATLAB scripts do.

    Raises:
        ValueError: if nothing would be left.
    """
    height, width = image.shape[0] // multiple * multiple, image.shape[1] // multiple * multiple
    if not height or not width:
        raise ValueError(
            f"image is {image.shape[:2]}, smaller than {multiple}, the multiple it must be cut to; "
            "use a larger image or a smaller scale"
        )
    return image[:height, :width]


def hr_planes(hr: Image, degradation: Degradation, scale: int) -> Image:
    """hr after modcrop, in the planes that the degradation shrinks.

    Returns:
        uint8, the same number of planes: RGB, or Y, Cb, Cr. A gray image is its own Y.
    """
    hr = modcrop(hr, degradation.multiple(scale))
    if degradation.colour == "ycbcr" and hr.ndim == 3:
        return to_uint8(rgb_to_ycbcr(hr))
    return hr


def degrade(
    hr: Image, degradation: Degradation, *, scale: int, resize: Resize = imresize
) -> NDArray[np.generic]:
    """Make lr: modcrop, colour planes, MATLAB's imresize by 1 / scale.

    Args:
        hr: uint8, (h, w) gray or (h, w, 3) RGB.
        scale: 2 to 8.
        resize: what other code has in place of MATLAB's imresize.

    Returns:
        (h / scale, w / scale[, 3]) in the degradation's planes: uint8, or unrounded float64 on the
        0..255 scale where its rounding is ``none``.
    """
    if isinstance(degradation, GivenLr):
        raise ValueError("lr is given, not made from hr; read it from its dataset")
    return resize(
        hr_planes(hr, degradation, scale),
        scale=Fraction(1, scale),
        rounding=degradation.rounding,
        border=degradation.border,
    )
