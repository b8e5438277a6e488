"""A run of a project that is timed: its model, its weights, its images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.evaluation.upscaling.prepared import load_upscaler
from sr_bench.imaging.degrade import Degradation
from sr_bench.imaging.images import Image
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.method import Method
from sr_bench.networks.method_files import find_method
from sr_bench.project.entries import Run
from sr_bench.project.project import Project
from sr_bench.project.run_weights import noted_weights
from sr_bench.support.files import sha256
from sr_bench.timing.timed import Timed

_QUALITY = "Set5"  # where a run is scored on it, else the first dataset of its first protocol


@dataclass(frozen=True)
class TimedRun(Timed):
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
    def scale(self) -> int:
        """The run's."""
        return self.run.scale

    @property
    def weights_sha256(self) -> str | None:
        """The hash of the weights' file."""
        return None if self.file is None else sha256(self.file)

    @property
    def quality(self) -> tuple[Protocol, str]:
        """The run's first protocol, and Set5 or its first dataset."""
        protocol = self.run.protocols[0]
        datasets = self.project.params.protocols[protocol]
        return protocol, _QUALITY if _QUALITY in datasets else datasets[0]

    def upscaler(self, rule: Degradation) -> Upscaler:
        """The run's."""
        return load_upscaler(self.run, self.method, self.file, rule)

    def quality_images(self) -> Iterator[tuple[Image, NDArray[np.generic]]]:
        """hr and lr of each image of :attr:`quality`."""
        protocol, dataset = self.quality
        return self._images(dataset, protocol.degradation)

    def rule_of(self, dataset: str) -> Degradation:
        """As the run's first protocol on it says."""
        return self.project.datasets(self.run)[dataset][0].degradation

    def inputs(self, dataset: str) -> list[NDArray[np.generic]]:
        """lr of each image of a dataset."""
        return [lr for _, lr in self._images(dataset, self.rule_of(dataset))]

    def _images(
        self, dataset: str, rule: Degradation
    ) -> Iterator[tuple[Image, NDArray[np.generic]]]:
        opened = self.project.dataset(dataset)
        for entry in opened:
            yield opened.read(entry), opened.make_lr(entry, rule, scale=self.run.scale)
