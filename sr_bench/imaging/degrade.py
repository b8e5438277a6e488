"""hr -> lr, as a protocol's degradation says."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from sr_bench.imaging.color import rgb_to_ycbcr_uint8
from sr_bench.imaging.crops import modcrop
from sr_bench.imaging.degradation_steps import Given, SecondOrder, Step
from sr_bench.imaging.images import Image
from sr_bench.imaging.resize import Border, Resize, Rounding, imresize
from sr_bench.imaging.second_order import SecondOrderLr
from sr_bench.support.errors import WrongUse


class Degradation(BaseModel):
    """How lr is made from hr: colour planes, modcrop, and the flavour of MATLAB's imresize.

    Without ``steps`` lr is MATLAB's bicubic with that rounding and border. With ``steps`` they make
    lr, one after the other; rounding and border then say what methods that resample inside do
    (bicubic, as a method, enlarges so), and whether lr is uint8.

    ``name`` says where its SR images lie; two degradations that do the same are equal.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(default="", exclude=True)
    colour: Literal["rgb", "ycbcr"]
    modcrop: PositiveInt | Literal["scale"]
    rounding: Rounding
    border: Border
    steps: tuple[Step, ...] = ()
    scales: tuple[PositiveInt, ...] = ()  # those that it is defined at; all if there are none

    @model_serializer(mode="wrap")
    def _without_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What isn't there isn't written: the entry as it stands in ``protocols.yaml``."""
        return {k: v for k, v in handler(self).items() if k not in ("steps", "scales") or v}

    def defined_at(self, scale: int) -> bool:
        """Whether it is defined at that scale."""
        return not self.scales or scale in self.scales

    @property
    def draws(self) -> bool:
        """Whether it draws something at random for each image."""
        return any(isinstance(step, SecondOrder) for step in self.steps)

    @property
    def made(self) -> bool:
        """Whether lr is made from hr, not brought by a dataset."""
        return not any(isinstance(step, Given) for step in self.steps)

    def require_scale(self, scale: int) -> None:
        """Refuse a scale that it isn't defined at.

        Raises:
            WrongUse: naming those that it is.
        """
        if not self.defined_at(scale):
            known = " and ".join(f"x{s}" for s in self.scales)
            raise WrongUse(
                f"degradation {self.name} is defined at {known}, not at x{scale}; choose one of "
                "these, or another degradation (docs/degradations.md)"
            )

    def multiple(self, scale: int) -> int:
        """The number that hr's height and width are cut to a multiple of."""
        return scale if self.modcrop == "scale" else self.modcrop

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Degradation) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        steps = "".join(f"+{step}" for step in self.steps)
        return (
            f"{self.colour}+modcrop.{self.modcrop}{steps}"
            f"+round.{self.rounding}+border.{self.border}"
        )


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


def hr_planes(hr: Image, degradation: Degradation, scale: int) -> Image:
    """hr after modcrop, in the planes that the degradation shrinks.

    Returns:
        uint8, the same number of planes: RGB, or Y, Cb, Cr. A gray image is its own Y.
    """
    hr = modcrop(hr, degradation.multiple(scale))
    if degradation.colour == "ycbcr" and hr.ndim == 3:
        return rgb_to_ycbcr_uint8(hr)
    return hr


def degrade(
    hr: Image, degradation: Degradation, *, scale: int, resize: Resize = imresize
) -> NDArray[np.generic]:
    """Make lr: modcrop, colour planes, then MATLAB's bicubic by 1 / scale, or the steps.

    Args:
        hr: uint8, (h, w) gray or (h, w, 3) RGB.
        scale: 2 to 8.
        resize: what other code has in place of MATLAB's imresize.

    Returns:
        (h / scale, w / scale[, 3]) in the degradation's planes: uint8, or unrounded float64 on the
        0..255 scale where its rounding is ``none``.

    Raises:
        WrongUse: at a scale that the degradation isn't defined at.
    """
    return degrade_and_tell(hr, degradation, scale=scale, resize=resize)[0]


def degrade_and_tell(
    hr: Image, degradation: Degradation, *, scale: int, resize: Resize = imresize
) -> tuple[NDArray[np.generic], SecondOrderLr | None]:
    """As :func:`degrade`, and what a degradation that draws at random drew (``None`` of others)."""
    if isinstance(degradation, GivenLr):
        raise ValueError("lr is given, not made from hr; read it from its dataset")
    degradation.require_scale(scale)
    planes: NDArray[np.generic] = hr_planes(hr, degradation, scale)
    if not degradation.steps:
        how, border = degradation.rounding, degradation.border
        return resize(planes, scale=Fraction(1, scale), rounding=how, border=border), None
    drawn = None
    for step in degradation.steps:
        if isinstance(step, SecondOrder):
            drawn = step.drawn(planes, scale=scale)
            planes = drawn.lr
        else:
            planes = step.applied(planes, scale=scale, resize=resize)
    return planes, drawn
