"""A run of ``params.yaml`` as the subject of a claim: its SR images, or its network once more."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sr_bench import images
from sr_bench.entries import Run
from sr_bench.errors import SrBenchError
from sr_bench.explain.making import bicubic, finished, shrunk
from sr_bench.explain.measure import Made
from sr_bench.explain.subject import Subject
from sr_bench.explain.way import Making, Way
from sr_bench.images import Image
from sr_bench.manifest import Dataset
from sr_bench.project import Project
from sr_bench.protocol import load_protocols

if TYPE_CHECKING:  # torch is loaded only where a network runs
    from sr_bench.inference import Upscaler


def run_subject(project: Project, run: Run, dataset: Dataset, *, upscale: bool) -> Subject:
    """A run on one dataset.

    Bicubic is made under every way. Of a network, the SR images under ``build/sr`` serve; where
    ``upscale`` is true it also runs again for the ways that those don't cover, which takes the time
    of an upscale stage for each.
    """
    hr = tuple((e.stem, dataset.folder / e.name) for e in dataset)
    title = f"{run.name} on {dataset.name}"
    return Subject(title, hr, _Maker(project, run, dataset.name, upscale), run.scale)


@dataclass
class _Maker:
    project: Project
    run: Run
    dataset: str
    upscale: bool
    _loaded: dict[Hashable, Upscaler | None] = field(default_factory=dict)

    def __call__(self, name: str, hr: Image, way: Way) -> Made | None:
        if self.run.method == "bicubic":
            return bicubic(hr, way, scale=self.run.scale)
        if way.making == Making() and (saved := self._saved(name, way)) is not None:
            sr, colour = images.read_tagged(saved)
            return Made(sr, hr, colour)
        return self._made(hr, way) if self.upscale else None

    def _saved(self, name: str, way: Way) -> Path | None:
        for degradation, rule in load_protocols().degradations.items():
            path = self.project.sr(self.run.name, degradation, self.dataset) / f"{name}.png"
            if rule == way.degradation and path.is_file():
                return path
        return None

    def _made(self, hr: Image, way: Way) -> Made | None:
        making = way.making
        if making.enlarger != "matlab" or making.weights == self.run.scale:
            return None  # enlarging is inside the method; its own weights are no deviation
        upscaler = self._upscaler(way)
        if upscaler is None:
            return None
        sr = upscaler.unrounded(shrunk(hr, way, scale=self.run.scale))
        return Made(finished(sr, making.final), hr, way.degradation.colour)

    def _upscaler(self, way: Way) -> Upscaler | None:
        key = (way.degradation, way.making.weights)
        if key not in self._loaded:
            self._loaded[key] = self._load(way)
        return self._loaded[key]

    def _load(self, way: Way) -> Upscaler | None:
        from sr_bench.method import find_method
        from sr_bench.run_weights import noted_weights
        from sr_bench.upscale import load_upscaler

        method = find_method(self.run.method, self.project.method_folders)
        owner = self.run
        if way.making.weights is not None:
            other = f"{self.run.family}-x{way.making.weights}"
            if other not in self.project.params.runs:
                return None
            owner = self.project.run(other)
        file = noted_weights(self.project, owner, method)
        try:
            return load_upscaler(self.run, method, file, way.degradation)
        except SrBenchError:
            if owner is self.run:
                raise
            return None  # another scale's weights have other shapes: nobody could mix them up
