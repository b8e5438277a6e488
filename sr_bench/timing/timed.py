"""What is timed: something that makes an upscaler, on a device, for the inputs of a setting."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.evaluation.scoring.score import Pair, score_pair
from sr_bench.imaging.degrade import Degradation
from sr_bench.imaging.images import Image
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.modules import network_of
from sr_bench.timing.computation import Computation, Inputs, put_on_device
from sr_bench.timing.cost import macs, parameters
from sr_bench.timing.setting import GPU, Setting, is_frame

Export = Callable[[Inputs, Degradation], Path]  # writes the network of such inputs as an ONNX file


class OnDevice(NamedTuple):
    """An upscaler on a device, and the part of it that "network only" times."""

    upscaler: Upscaler
    computation: Computation


class Timed(ABC):
    """A run of a project, or a model that was opened."""

    @property
    @abstractmethod
    def scale(self) -> int:
        """The upscaling factor."""

    @property
    @abstractmethod
    def weights_sha256(self) -> str | None:
        """The hash of the weights' file."""

    @property
    @abstractmethod
    def quality(self) -> tuple[Protocol, str]:
        """The protocol and the images of the PSNR in the rows."""

    @abstractmethod
    def upscaler(self, rule: Degradation) -> Upscaler:
        """The model for lr that was made by a degradation."""

    @abstractmethod
    def quality_images(self) -> Iterator[tuple[Image, NDArray[np.generic]]]:
        """hr and lr of each image of :attr:`quality`."""

    @abstractmethod
    def rule_of(self, dataset: str) -> Degradation:
        """How lr of a dataset is made."""

    @abstractmethod
    def inputs(self, dataset: str) -> list[NDArray[np.generic]]:
        """lr of each image of a dataset, as :meth:`on_device` expects it."""

    @property
    def psnr_of(self) -> str:
        """What the PSNR is of."""
        protocol, images = self.quality
        return f"{images}, {protocol}"

    @property
    def frame_rule(self) -> Degradation:
        """How lr of a frame is made: it is RGB."""
        return self.quality[0].degradation.model_copy(update={"colour": "rgb"})

    @property
    def has_network(self) -> bool:
        """Whether the model has a network, which can be moved; the model is loaded to see."""
        return network_of(self.upscaler(self.quality[0].degradation).model) is not None

    def parameters(self, computation: Computation) -> int:
        """The number of parameters; 0 without a network."""
        return parameters(computation.networks)

    def macs(self, computation: Computation, passes: Sequence[Inputs]) -> int | None:
        """Multiply-adds of a frame; ``None`` without a network."""
        return macs(computation.original, passes) if computation.networks else None

    def on_device(self, setting: Setting, export: Export) -> OnDevice:
        """The upscaler for a setting's input, on its device, in its precision; a frame is RGB."""
        if not is_frame(setting.input):
            return self._on_device(self.rule_of(setting.input), setting, export)
        return self._on_device(self.frame_rule, setting, export)

    def psnr(self, setting: Setting, export: Export) -> float:
        """Mean PSNR in dB, by :attr:`quality`, of what the device makes in that precision."""
        protocol, _ = self.quality
        rule, scale = protocol.degradation, self.scale
        upscale = self._on_device(rule, setting, export).upscaler
        pairs = (Pair(upscale(lr), hr, rule.colour) for hr, lr in self.quality_images())
        return fmean(score_pair(pair, protocol, scale=scale)["psnr"] for pair in pairs)

    def _on_device(self, rule: Degradation, setting: Setting, export: Export) -> OnDevice:
        upscaler = self.upscaler(rule)
        device = "cuda" if setting.device == GPU else "cpu"
        model, computation = put_on_device(
            upscaler.model, device, setting.precision, lambda inputs: export(inputs, rule)
        )
        return OnDevice(replace(upscaler, model=model), computation)
