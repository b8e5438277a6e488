"""The golden cases: ``golden.json``, read and checked."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from sr_bench.conformance.adapter import Planes, ScoreMetric
from sr_bench.conformance.pictures import Picture
from sr_bench.imaging.resize import Border, Rounding

Ratio = Annotated[str, StringConstraints(pattern=r"^\d+(/\d+)?$")]


class _Case(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    name: str
    group: str  # the row of the short table that it belongs to


class ResizeCase(_Case):
    """One image, resized; ``expected`` is the whole output."""

    kind: Literal["resize"] = "resize"
    picture: Picture
    scale: Ratio
    rounding: Rounding
    border: Border
    expected: list[Any]  # (h, w) or (h, w, 3) numbers

    @property
    def ratio(self) -> Fraction:
        """Output size / input size."""
        return Fraction(self.scale)

    def array(self) -> NDArray[Any]:
        """uint8, or float64 where nothing is rounded."""
        return np.array(self.expected, np.float64 if self.rounding == "none" else np.uint8)


class ScoreCase(_Case):
    """One pair of images, scored; ``expected`` is dB or similarity."""

    kind: Literal["score"] = "score"
    sr: Picture
    hr: Picture
    metric: ScoreMetric
    planes: Planes
    crop: int
    expected: float


class ProtocolCase(_Case):
    """hr -> lr -> sr by the adapter's bicubic -> the adapter's score, under one protocol."""

    kind: Literal["protocol"] = "protocol"
    protocol: str
    scale: int
    hr: Picture
    metric: Literal["psnr", "ssim", "ssim_blue"]
    expected: float


class DegradeCase(_Case):
    """lr by a degradation of steps; ``expected`` is the whole of it."""

    kind: Literal["degrade"] = "degrade"
    picture: Picture
    degradation: str
    scale: int
    floats: bool  # whether lr isn't rounded
    expected: list[Any]  # (h, w) or (h, w, 3) numbers

    def array(self) -> NDArray[Any]:
        """uint8, or float64 where nothing is rounded."""
        return np.array(self.expected, np.float64 if self.floats else np.uint8)


class NiqeCase(_Case):
    """NIQE of one image."""

    kind: Literal["niqe"] = "niqe"
    picture: Picture
    metric: Literal["niqe", "niqe_gray", "niqe_pi"]
    expected: float


Case = ResizeCase | ScoreCase | ProtocolCase | DegradeCase | NiqeCase


class Golden(BaseModel):
    """The content of ``golden.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provenance: dict[str, str]
    cases: tuple[Annotated[Case, Field(discriminator="kind")], ...]


@lru_cache(maxsize=1)
def load_golden() -> Golden:
    """Read the packaged ``golden.json``."""
    text = files("sr_bench.conformance").joinpath("golden.json").read_text(encoding="utf-8")
    return Golden.model_validate_json(text)
