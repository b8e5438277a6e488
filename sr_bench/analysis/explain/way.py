"""A scoring procedure: a protocol, plus options that protocols don't offer."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal

from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.imaging.degrade import Degradation

Luma = Literal["matlab", "yiq", "full-range", "bt709", "mistyped"]
Swap = Literal["none", "sr", "both"]
SsimKind = Literal["mean", "blue", "padded", "downsampled", "volumetric", "uniform"]
SSIM_KINDS: dict[str, SsimKind] = {"ssim": "mean", "ssim_blue": "blue", "ssim_padded": "padded"}
Range = Literal["spread", "peak"]
Pool = Literal["images", "mse", "finite", "capped"]
Values = Literal["signed", "unit", "levels"]
Resizer = Literal["matlab", "torch", "pillow", "uncentred"]
Final = Literal["uint8", "truncated", "clipped", "float"]


@dataclass(frozen=True)
class Seen:
    """What LPIPS and NIQE are given, beyond the border; the defaults are what their authors say."""

    network: str = ""  # of LPIPS: `vgg` or `squeeze` in place of `alex`
    values: Values = "signed"  # the range that LPIPS is given: -1..1, 0..1 or 0..255
    swapped: bool = False  # whether sr and hr stand in each other's place
    gray: str = ""  # what NIQE looks at in place of the metric's own: `y` or `gray`
    unrounded: bool = False  # whether that isn't rounded to uint8
    border: int = 0  # pixels cut off at each side, beside what the protocol cuts


@dataclass(frozen=True)
class Scoring:
    """How sr and hr become a number, beyond a protocol's words; the defaults are what all do."""

    luma: Luma = "matlab"  # the weights of Y; see sr_bench.analysis.explain.measure
    swap: Swap = "none"  # whose channels are read in BGR order
    half_shift: bool = False  # whether sr lies half a pixel too far to the right and down
    # over which channels and windows; see sr_bench.analysis.explain.similarity
    ssim: SsimKind = "mean"
    # the peak of PSNR and the L of SSIM, while values stay on 0..255; or taken from each image:
    # `spread` is max - min, `peak` is the largest value
    data_range: float | Range = 255
    # the mean of the images' PSNR; or the PSNR of their mean `mse`, or that mean with identical
    # images left out (`finite`) or counted as 100 dB (`capped`)
    pool: Pool = "images"
    seen: Seen = Seen()


@dataclass(frozen=True)
class Making:
    """How sr is made, beyond a degradation's words; the defaults are what all do."""

    lr: Resizer = "matlab"  # what shrinks hr
    enlarger: Resizer = "matlab"  # what bicubic, as a method, enlarges with
    # whether bicubic, as a method, clips its Y to 16..235 as VDSR's authors do; `None`: as the run
    limited: bool | None = None
    final: Final = "uint8"  # what becomes of the method's values: `uint8` is rounded and clipped
    # the scale that the network's weights were trained for; `None` is its own
    weights: int | None = None
    # whether the network is averaged over flips and rotations; `None`: as the run is
    ensemble: bool | None = None


@dataclass(frozen=True)
class Way:
    """One way from hr to a number. Deviations are functions from one way to another.

    ``protocol`` keeps its name where a deviation changes its fields or its degradation's.
    """

    protocol: Protocol
    scoring: Scoring = Scoring()
    making: Making = Making()

    @classmethod
    def of(cls, protocol: Protocol) -> Way:
        """The protocol itself, with the SSIM that its tables print."""
        return cls(protocol, Scoring(ssim=SSIM_KINDS[protocol.printed_ssim]))

    @property
    def degradation(self) -> Degradation:
        """How lr is made."""
        return self.protocol.degradation

    @property
    def source(self) -> tuple[Degradation, Making]:
        """What the sr images depend on."""
        return self.degradation, self.making

    @property
    def key(self) -> Hashable:
        """Equal for two ways that do the same under different names."""
        return self.scoring_key, self.source

    @property
    def planes_key(self) -> Hashable:
        """Equal for two ways that compare the same planes of one sr and hr."""
        rule, s = self.protocol, self.scoring
        return rule.colour, rule.y, rule.gray, s.luma, s.swap, s.half_shift

    @property
    def scoring_key(self) -> Hashable:
        """The same of what happens once sr is there."""
        rule = self.protocol
        y = (rule.y, rule.gray) if rule.colour == "y" else ()
        return rule.colour, y, rule.crop, self.scoring, self.degradation.modcrop
