"""Stand-in for branch loaders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch

from sr_bench.imaging.degrade import Degradation
from sr_bench.networks.method import Method, Model, Setup, load_method
from sr_bench.support.errors import SrBenchError, WrongUse

Methods = Mapping[str, tuple[Path, Method]]
Pad = Literal["author", "reflect", "replicate", "zero", "flip-next"]


@dataclass(frozen=True)
class OpenOptions:
    scale: int | None = None
    value_range: float = 1.0
    bgr: bool = False
    multiple_of: int = 1
    pad: Pad = "author"
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    degradation: Degradation | None = None


@dataclass(frozen=True)
class OpenedModel:
    name: str
    model: Model
    scale: int
    origin: str
    sha256: str | None = None
    notes: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


def open_model(
    spec: str, *, methods: Mapping[str, tuple[Path, Method]], options: OpenOptions
) -> OpenedModel:
    from sr_bench.data.catalogue.protocols import find_protocol

    rule = options.degradation or find_protocol("edsr-2017").degradation
    if spec in methods or spec.endswith(".py"):
        method = methods[spec][1] if spec in methods else load_method(Path(spec))
        if options.scale is None:
            raise WrongUse(f"{spec}: give --scale")
        setup = Setup(method.variants[0], "none", None, options.scale, rule)
        return OpenedModel(
            method.name, method.built(setup, spec), options.scale, f"method {method.name}"
        )
    path = Path(spec)
    if not path.is_file():
        raise SrBenchError(f"{spec}: no such file")
    for scale in (2, 3, 4):
        for method in (methods["edsr"][1],):
            for variant in method.variants:
                try:
                    model = method.load(Setup(variant, path.stem, path, scale, rule))
                except SrBenchError:
                    continue
                return OpenedModel(path.stem, model, scale, f"method {method.name}")
    raise SrBenchError(f"{spec}: not recognised")
