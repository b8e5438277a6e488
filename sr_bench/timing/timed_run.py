"""The run that is timed: its model on a device, its weights, its images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.evaluation.scoring.score import Pair, score_pair
from sr_bench.evaluation.upscaling.upscale import load_upscaler
from sr_bench.imaging.degrade import Degradation, degrade
from sr_bench.imaging.images import Image
from sr_bench.networks.device import network_of
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.method import Method, find_method
from sr_bench.project.entries import Run
from sr_bench.project.project import Project
from sr_bench.project.run_weights import noted_weights
from sr_bench.support.files import sha256
from sr_bench.timing.computation import Computation, put_on_device
from sr_bench.timing.setting import FRAMES, GPU, Setting

_QUALITY = "Set5"  # where a run is scored on it, else the first dataset of its first protocol


class OnDevice(NamedTuple):
    """A run's upscaler on a device, and the part of it that "network only" times."""

    upscaler: Upscaler
    computation: Computation


@dataclass(frozen=True)
class TimedRun:
    """A run, the method it names and the file of its weights."""

    project: Project
    run: Run
    method: Method
    file: Path | None

    @classmethod
    def find(cls, project: Project, name: str) -> TimedRun:
        """The run of that name.

        Raises:
            SrBenchError: if it or its weights aren't there.
        """
        run = project.run(name)
        method = find_method(run.method, project.method_folders)
        return cls(project, run, method, noted_weights(project, run, method))

    @property
    def weights_sha256(self) -> str | None:
        """The hash of the weights' file."""
        return None if self.file is None else sha256(self.file)

    @property
    def has_network(self) -> bool:
        """Whether the model has a network, which can be moved; the model is loaded to see."""
        return network_of(self._load(self.run.protocols[0].degradation).model) is not None

    @property
    def quality(self) -> tuple[Protocol, str]:
        """The protocol and the dataset of the PSNR in the run's rows."""
        protocol = self.run.protocols[0]
        datasets = self.project.params.protocols[protocol]
        return protocol, _QUALITY if _QUALITY in datasets else datasets[0]

    def on_device(self, setting: Setting) -> OnDevice:
        """The upscaler for a setting's input, on its device, in its precision.

        A dataset's lr is made as the run's first protocol on it says; the frame is RGB.
        """
        if setting.input not in FRAMES:
            return self._on_device(self._protocol_on(setting.input).degradation, setting)
        rule = self.run.protocols[0].degradation
        return self._on_device(rule.model_copy(update={"colour": "rgb"}), setting)

    def images(
        self, dataset: str, protocol: Protocol
    ) -> Iterator[tuple[Image, NDArray[np.generic]]]:
        """hr and lr of each image of a dataset."""
        opened = self.project.dataset(dataset)
        for entry in opened:
            hr = opened.read(entry)
            yield hr, degrade(hr, protocol.degradation, scale=self.run.scale)

    def inputs(self, dataset: str) -> list[NDArray[np.generic]]:
        """lr of each image of a dataset, as :meth:`on_device` expects it."""
        return [lr for _, lr in self.images(dataset, self._protocol_on(dataset))]

    def psnr(self, setting: Setting) -> float:
        """Mean PSNR in dB, by :attr:`quality`, of what the device makes in that precision."""
        protocol, dataset = self.quality
        rule, scale = protocol.degradation, self.run.scale
        upscale = self._on_device(rule, setting).upscaler
        pairs = (Pair(upscale(lr), hr, rule.colour) for hr, lr in self.images(dataset, protocol))
        return fmean(score_pair(pair, protocol, scale=scale)["psnr"] for pair in pairs)

    def _on_device(self, rule: Degradation, setting: Setting) -> OnDevice:
        upscaler = self._load(rule)
        device = "cuda" if setting.device == GPU else "cpu"
        model, computation = put_on_device(upscaler.model, device, setting.precision)
        return OnDevice(replace(upscaler, model=model), computation)

    def _load(self, rule: Degradation) -> Upscaler:
        return load_upscaler(self.run, self.method, self.file, rule)

    def _protocol_on(self, dataset: str) -> Protocol:
        return self.project.datasets(self.run)[dataset][0]
