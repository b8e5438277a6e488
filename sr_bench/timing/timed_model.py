"""A model from a file or a function that is timed: what ``sr-bench time --model`` opens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from torch import nn

from sr_bench.data.catalogue.protocols import Protocol, find_protocol
from sr_bench.data.catalogue.sources import find_source
from sr_bench.imaging import images
from sr_bench.imaging.crops import middle
from sr_bench.imaging.degrade import Degradation, degrade
from sr_bench.imaging.images import Image
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.method import Model
from sr_bench.networks.modules import network_of, networks_of
from sr_bench.networks.opened import Methods, OpenedModel, OpenOptions, open_model
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import sha256
from sr_bench.timing.computation import Computation, Inputs, WholeModel
from sr_bench.timing.setting import EAGER, EXPORTED, GPU, Setting
from sr_bench.timing.timed import Export, OnDevice, Timed

PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
_SOURCE, _SIDE = "skimage-photos", 240  # hr pixels from the middle of each, a multiple of 2 to 6, 8
_PROTOCOL = "edsr-2017"


@dataclass(frozen=True)
class TimedModel(Timed):
    """A model as it was opened, without a project."""

    opened: OpenedModel

    @classmethod
    def find(cls, spec: str, options: dict[str, Any], methods: Methods) -> TimedModel:
        """Open it.

        Args:
            spec: as :func:`~sr_bench.networks.opened.open_model` takes it.
            options: fields of :class:`~sr_bench.networks.opened.OpenOptions`.
            methods: those that are known.

        Raises:
            SrBenchError: if it can't be opened.
        """
        return cls(open_model(spec, methods=methods, options=OpenOptions(**options)))

    @property
    def scale(self) -> int:
        """The model's."""
        return self.opened.scale

    @property
    def weights_sha256(self) -> str | None:
        """The hash of the model's file."""
        return self.opened.sha256

    @property
    def backend(self) -> str:
        """What runs it where it has no network that PyTorch could run."""
        engines = [engine for engine in EXPORTED if self.opened.origin.startswith(engine)]
        return engines[0] if engines else EAGER

    @property
    def has_network(self) -> bool:
        """Whether it has a network of PyTorch, which can be moved, compiled and exported.

        What calls an engine, or a function, is a module without parameters.
        """
        found = network_of(self.opened.model)
        return found is not None and any(True for _ in found.parameters())

    @property
    def label(self) -> str:
        """The precision of its rows where it has no network that PyTorch could run."""
        return "float32" if self.backend == EAGER else f"float32-{self.backend}"

    @property
    def quality(self) -> tuple[Protocol, str]:
        """8-bit RGB, and photographs that come with scikit-image."""
        return find_protocol(_PROTOCOL), f"{len(PHOTOS)} photos of scikit-image"

    def upscaler(self, rule: Degradation) -> Upscaler:
        """The model, whatever made lr: it sees RGB."""
        return Upscaler(self.opened.name, self.opened.model, rule, self.scale)

    def quality_images(self) -> Iterator[tuple[Image, NDArray[np.generic]]]:
        """hr and lr of each photograph."""
        for name in PHOTOS:
            hr = photograph(name)
            yield hr, degrade(hr, self.quality[0].degradation, scale=self.scale)

    def rule_of(self, dataset: str) -> Degradation:
        """Of no dataset: models are timed on frames."""
        raise SrBenchError(f"{self.opened.name}: {dataset} is not an input of a model; name a size")

    def inputs(self, dataset: str) -> list[NDArray[np.generic]]:
        """Of no dataset."""
        raise SrBenchError(f"{self.opened.name}: {dataset} is not an input of a model; name a size")

    def _on_device(self, rule: Degradation, setting: Setting, export: Export) -> OnDevice:
        """As it is, where nothing else can run it."""
        if self.has_network or setting.device == GPU or setting.precision != self.label:
            return super()._on_device(rule, setting, export)
        upscaler = self.upscaler(rule)
        whole = WholeModel(upscaler.model, self._inside())
        return OnDevice(replace(upscaler, model=cast(Model, whole)), whole)

    def _inside(self) -> list[nn.Module]:
        """Networks of the model, or of the function that it calls."""
        model: Any = self.opened.model
        found = [*networks_of(model).values(), *networks_of(getattr(model, "call", None)).values()]
        return [network for network in found if any(True for _ in network.parameters())]

    def parameters(self, computation: Computation) -> int:
        """The number of parameters; a method without a network has none.

        Raises:
            SrBenchError: where they can't be seen.
        """
        self._require_network(computation)
        return super().parameters(computation)

    def macs(self, computation: Computation, passes: Sequence[Inputs]) -> int | None:
        """Multiply-adds of a frame; ``None`` for a method without a network.

        Raises:
            SrBenchError: where they can't be seen.
        """
        self._require_network(computation)
        return super().macs(computation, passes)

    def _require_network(self, computation: Computation) -> None:
        if not computation.networks and not self.opened.origin.startswith("method"):
            raise SrBenchError(f"no nn.Module is found in it ({self.opened.origin})")


def photograph(name: str) -> Image:
    """The middle of one of :data:`PHOTOS`, uint8 RGB.

    Raises:
        SrBenchError: if scikit-image is missing, or holds another file under that name.
    """
    pinned = find_source(_SOURCE).file(name)
    with as_file(files("skimage") / "data" / name) as path:
        if sha256(path) != pinned.sha256:
            raise SrBenchError(f"{path}: not the photo of scikit-image that PSNR is made of")
        whole = images.read(path)
    return middle(whole, _SIDE)
