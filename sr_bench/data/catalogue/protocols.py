"""The named, versioned protocols of ``protocols.yaml``, and the signature each prints."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PositiveInt, model_validator

from sr_bench.imaging.degrade import Degradation
from sr_bench.support.errors import unknown
from sr_bench.support.strict_yaml import read_yaml
from sr_bench.support.version import __version__

Metric = Literal[
    "psnr", "ssim", "ssim_blue", "psnr_y", "psnr_cb", "psnr_cr", "psnr_ycbcr", "psnr_rgb"
]
WHERE = "sr_bench/data/catalogue/protocols.yaml"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Crop(_Frozen):
    """Border pixels left out of the score: ``scale * times + plus`` on each side."""

    times: int
    plus: int

    def pixels(self, scale: int) -> int:
        """Pixels to cut from each side."""
        return self.times * scale + self.plus

    def __str__(self) -> str:
        factor = "scale" if self.times == 1 else f"{self.times}*scale"
        return f"{factor}+{self.plus}" if self.plus else factor


class Tolerance(_Frozen):
    """How far from a published number still counts as close: dB, and SSIM."""

    psnr: float
    ssim: float

    def of(self, metric: str) -> float:
        """The tolerance for a metric of that name."""
        return self.ssim if metric.startswith("ssim") else self.psnr


class Protocol(_Frozen):
    """A degradation and a scoring rule under one name.

    It prints as its name, and dumps as its entry in ``protocols.yaml``.

    Example:
        >>> from sr_bench.data.catalogue.protocols import find_protocol
        >>> protocol = find_protocol("edsr-2017")
        >>> print(protocol, protocol.degradation, protocol.crop.pixels(scale=4))
        edsr-2017 rgb+modcrop.scale+round.each-pass+border.mirror 4
        >>> protocol.signature.split("|")[:2]
        ['protocol:edsr-2017', 'version:2']
        >>> protocol.tolerance.of("psnr")
        0.02
    """

    name: str = Field(exclude=True)
    version: PositiveInt
    summary: str
    source: str
    degradation: Annotated[Degradation, PlainSerializer(lambda d: d.name)]
    colour: Literal["y", "rgb"]
    y: Literal["uint8", "float"]
    gray: Literal["own-y", "rgb"]
    crop: Crop
    metrics: tuple[Metric, ...]
    tolerance: Tolerance

    @model_validator(mode="after")
    def _gray_fits_colour(self) -> Protocol:
        if self.colour == "rgb" and self.gray != "rgb":
            raise ValueError(
                f"colour is rgb and gray is {self.gray}; where RGB is scored, a gray image is "
                "three equal channels: write gray: rgb"
            )
        return self

    @property
    def signature(self) -> str:
        """What is printed with every number: protocol, version, both rules, software version."""
        scored = f"y.{self.y}+gray.{self.gray}" if self.colour == "y" else "rgb.uint8"
        return "|".join(
            (
                f"protocol:{self.name}",
                f"version:{self.version}",
                f"lr:{self.degradation}",
                f"score:{scored}+crop.{self.crop}",
                f"sr-bench:{__version__}",
            )
        )

    def __str__(self) -> str:
        return self.name


class Protocols(_Frozen):
    """The content of ``protocols.yaml``: every entry with its name, protocols with degradations."""

    degradations: dict[str, Degradation]
    protocols: dict[str, Protocol]

    @model_validator(mode="before")
    @classmethod
    def _resolved(cls, content: dict[str, dict[str, Any]]) -> dict[str, Any]:
        made = {n: {"name": n, **entry} for n, entry in content["degradations"].items()}
        protocols = {}
        for name, entry in content["protocols"].items():
            wanted = entry["degradation"]
            if wanted not in made:
                raise unknown("degradation", wanted, made, where=f"{WHERE}: {name}")
            protocols[name] = {"name": name, **entry, "degradation": made[wanted]}
        return {"degradations": made, "protocols": protocols}

    def protocol(self, name: str) -> Protocol:
        """The protocol of that name, or an error that suggests one."""
        if name not in self.protocols:
            raise unknown("protocol", name, self.protocols, where=WHERE)
        return self.protocols[name]


@lru_cache(maxsize=1)
def load_protocols() -> Protocols:
    """Read and check the packaged ``protocols.yaml``."""
    text = files("sr_bench.data.catalogue").joinpath("protocols.yaml").read_text(encoding="utf-8")
    return Protocols.model_validate(read_yaml(text))


def find_protocol(name: str) -> Protocol:
    """The packaged protocol of that name.

    Raises:
        WrongUse: for an unknown name, with the nearest ones.
    """
    return load_protocols().protocol(name)
