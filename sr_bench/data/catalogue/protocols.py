"""The named, versioned protocols of ``protocols.yaml``, and the signature each prints."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PositiveInt,
    ValidationError,
    model_validator,
)

from sr_bench.data.catalogue.entries import CatalogueError, require_name, require_new
from sr_bench.data.catalogue.plugins import (
    PACKAGED,
    CatalogueFile,
    usable_files,
)
from sr_bench.imaging.degrade import Degradation
from sr_bench.support.errors import unknown
from sr_bench.support.strict_yaml import problems, read_yaml, shown
from sr_bench.support.version import __version__

Metric = Literal[
    "psnr", "ssim", "ssim_blue", "ssim_padded",
    "psnr_y", "psnr_cb", "psnr_cr", "psnr_ycbcr", "psnr_rgb",
]  # fmt: skip
_OTHER_SSIM: tuple[Metric, ...] = ("ssim_blue", "ssim_padded")  # printed where it is computed
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
        if not self.times:
            return str(self.plus)
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
    definition: str = Field("", exclude=True)  # a hash, of protocols that sr-bench doesn't bring

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
                *([f"definition:{self.definition}"] if self.definition else []),
                f"sr-bench:{__version__}",
            )
        )

    @property
    def printed_ssim(self) -> Metric:
        """Which SSIM the tables of this protocol print: Wang's where it computes no other."""
        return next((metric for metric in _OTHER_SSIM if metric in self.metrics), "ssim")

    def identified(self) -> Protocol:
        """The same with the hash of its rules, which its signature carries."""
        rules = self.model_dump(mode="json", exclude={"summary", "source", "tolerance"})
        rules["degradation"] = self.degradation.model_dump(mode="json")
        digest = hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()
        return self.model_copy(update={"definition": digest[:12]})

    def __str__(self) -> str:
        return self.name


class Protocols(_Frozen):
    """Degradations and protocols by name, each protocol with its degradation."""

    degradations: dict[str, Degradation]
    protocols: dict[str, Protocol]
    origins: dict[str, str] = {}  # of each protocol: who brings it

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
        return {**content, "degradations": made, "protocols": protocols}

    @property
    def bicubic(self) -> dict[str, Degradation]:
        """The degradations that are MATLAB's bicubic: of the others a method sees no more."""
        return {n: rule for n, rule in self.degradations.items() if not rule.steps}

    def plus(self, more: Mapping[str, Protocol], origin: str) -> Protocols:
        """These, and protocols that stand in no catalogue file."""
        return self.model_copy(
            update={
                "protocols": {**self.protocols, **more},
                "origins": {**self.origins, **dict.fromkeys(more, origin)},
            }
        )

    def find(self, name: str) -> Protocol:
        """The protocol of that name, or an error that suggests one."""
        if name not in self.protocols:
            raise unknown("protocol", name, self.protocols, where=WHERE)
        return self.protocols[name]


def read_protocols(files: Iterable[CatalogueFile]) -> Protocols:
    """What the files hold together: the packaged one first.

    A protocol from another file has its definition's hash in its signature: two people's
    ``my-2026`` are two protocols.

    Raises:
        CatalogueError: for a file that holds something else, or a name that two of them have.
    """
    content: dict[str, dict[str, Any]] = {part: {} for part in _PARTS}
    places: dict[str, dict[str, CatalogueFile]] = {part: {} for part in _PARTS}
    for file in files:
        for part, entries in _parts(file).items():
            require_new(entries, places[part], file)
            content[part] |= entries
            places[part] |= dict.fromkeys(entries, file)
        _require_right(content, file)
    made = Protocols.model_validate(content)
    foreign = {n: file for n, file in places["protocols"].items() if file.origin != PACKAGED}
    named = {n: p.identified() if n in foreign else p for n, p in made.protocols.items()}
    origins = {n: file.origin for n, file in places["protocols"].items()}
    return made.model_copy(update={"protocols": named, "origins": origins})


_PARTS = ("degradations", "protocols")


def _parts(file: CatalogueFile) -> dict[str, dict[str, Any]]:
    """The degradations and protocols of one file."""
    try:
        content = read_yaml(file.content.decode("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{file.where}: not YAML: {' '.join(str(error).split())}") from error
    if content is None:
        return {}
    if not isinstance(content, dict) or not set(content) <= set(_PARTS):
        raise CatalogueError(
            f"{file.where}: holds {shown(content)}; it has degradations: and protocols:, each "
            "with entries by name (docs/add.md)"
        )
    for part, entries in content.items():
        for name in entries if isinstance(entries, dict) else ():
            require_name(name, file.where)
        if not isinstance(entries, dict) or not all(isinstance(e, dict) for e in entries.values()):
            raise CatalogueError(f"{file.where}: {part} are {shown(entries)}, not entries by name")
    return content


def _require_right(content: dict[str, dict[str, Any]], file: CatalogueFile) -> None:
    """Refuse entries that can't be used, after the file that brought them."""
    for name, entry in content["protocols"].items():
        wanted = entry.get("degradation")
        if not isinstance(wanted, str) or wanted not in content["degradations"]:
            there = content["degradations"]
            why = unknown("degradation", str(wanted), there, where=f"{file.where}: {name}")
            raise CatalogueError(str(why))
    try:
        Protocols.model_validate(content)
    except ValidationError as error:
        known = [*Protocol.model_fields, *Degradation.model_fields]
        raise CatalogueError(f"{file.where}: {problems(error, known)} (docs/add.md)") from error


def protocol_files() -> list[CatalogueFile]:
    """The packaged ``protocols.yaml``, and those that plug-ins bring."""
    return usable_files("protocols.yaml", read_protocols)


@lru_cache(maxsize=1)
def load_protocols() -> Protocols:
    """What the package and its plug-ins know. A project may know more: see ``Catalogue``."""
    return read_protocols(protocol_files())


def find_protocol(name: str) -> Protocol:
    """The installed protocol of that name.

    Raises:
        WrongUse: for an unknown name, with the nearest ones.
    """
    return load_protocols().find(name)
