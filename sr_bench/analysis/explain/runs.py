"""A run of ``params.yaml`` as the subject of a claim: its SR images, or its network once more."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from sr_bench.analysis.explain.making import bicubic, finished, shrunk
from sr_bench.analysis.explain.measure import Made
from sr_bench.analysis.explain.subject import NetworkPass, Subject, require_made_lr
from sr_bench.analysis.explain.way import Making, Way
from sr_bench.data.datasets.manifest import Dataset
from sr_bench.imaging import images
from sr_bench.imaging.images import Image, Planes
from sr_bench.project.entries import Run
from sr_bench.project.project import Project
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import naming

if TYPE_CHECKING:  # torch is loaded only where a network runs
    from sr_bench.networks.inference import Upscaler

_BICUBIC = {"bicubic": False, "bicubic_limited": True}  # whether Y is clipped
_DISK = 4 * 2**30  # bytes of network output kept for other ways
_ENSEMBLE = 8  # flips and rotations
_HINT = "--upscale would try more: LR made in other ways, unrounded SR, self-ensemble"


def run_subject(project: Project, run: Run, dataset: Dataset, *, upscale: bool) -> Subject:
    """A run on one dataset.

    Bicubic is made under every way. Of a network, the SR images under ``build/sr`` serve; where
    ``upscale`` is true it also runs again for the ways that those don't cover: once for each kind
    of lr, whose output all other deviations share.

    Raises:
        SrBenchError: if the dataset brings its lr; or if a network has no SR images of the
            dataset, and may not run.
    """
    require_made_lr(dataset)
    hr = tuple((e.stem, dataset.folder / e.name) for e in dataset)
    title = f"{run.name} on {dataset.name}"
    maker = _Maker(project, run, dataset, upscale)
    if run.method in _BICUBIC:
        return Subject(title, hr, maker, run.scale)
    if not upscale:
        maker.require_some()
    hint = "" if upscale else _HINT
    return Subject(
        title, hr, maker, run.scale, network=maker.network, absent=maker.absent, hint=hint
    )


@dataclass
class _Maker:
    project: Project
    run: Run
    dataset: Dataset
    upscale: bool
    _loaded: dict[Hashable, Upscaler | None] = field(default_factory=dict)
    _kept: _Kept = field(default_factory=lambda: _Kept())
    _loading: Lock = field(default_factory=Lock)

    def __call__(self, name: str, hr: Image, way: Way) -> Made | None:
        if (limited := _BICUBIC.get(self.run.method)) is not None:
            return bicubic(hr, way, scale=self.run.scale, limited=limited)
        if not self._possible(way):
            return None
        folder = self._saved(way)
        if folder is not None and (saved := folder / f"{name}.png").is_file():
            sr, colour = images.read_tagged(saved)
            return Made(sr, hr, colour)
        return self._made(name, hr, way) if self.upscale else None

    def network(self, way: Way) -> NetworkPass | None:
        """What the network has to run for; ``None`` where images are there, or it can't run."""
        if not self.upscale or not self._possible(way) or self._complete(self._saved(way)):
            return None
        return NetworkPass(self._key(way), _ENSEMBLE if self._ensemble(way) else 1)

    def absent(self, way: Way) -> str:
        """Why there is no sr: what is missing and what makes it."""
        folder = self._saved(way)
        if folder is None or self.upscale:
            return "its network's SR can't be made so"
        where = folder.relative_to(self.project.root)
        state = "has not every image" if folder.is_dir() else "is not there"
        return f"{where} {state}; --upscale would run the network"

    def require_some(self) -> None:
        """Raise ``SrBenchError`` if no degradation has all SR images."""
        folders = [self._folder(self.run, d) for d in self.project.catalogue.protocols.degradations]
        if any(self._complete(folder) for folder in folders):
            return
        name, dataset = self.run.name, self.dataset.name
        make = f"make them: sr-bench upscale {name}"
        if dataset not in self.project.datasets(self.run):
            make = f"params.yaml doesn't score {name} on {dataset}: add it there and upscale"
        raise SrBenchError(
            f"{name}: {folders[0].parents[1]} holds no complete set of SR images of {dataset} "
            f"({len(self.dataset.entries)} images); {make}; or add --upscale, which runs the "
            "network here"
        )

    def _saved(self, way: Way) -> Path | None:
        """Where the SR of a way lies if the pipeline makes it: the run's, or its other half's."""
        if way.making not in (Making(), Making(ensemble=self._ensemble(way))):
            return None
        run = self.run
        if self._ensemble(way) != run.ensemble:
            variant = run.base_variant + ("+" if self._ensemble(way) else "")
            run = run.model_copy(update={"variant": variant})
        for degradation, rule in self.project.catalogue.protocols.degradations.items():
            if rule == way.degradation:
                return self._folder(run, degradation)
        return None

    def _folder(self, run: Run, degradation: str) -> Path:
        return self.project.sr(run.name, degradation, self.dataset.name)

    def _complete(self, folder: Path | None) -> bool:
        return folder is not None and all(
            (folder / f"{entry.stem}.png").is_file() for entry in self.dataset
        )

    def _ensemble(self, way: Way) -> bool:
        return self.run.ensemble if way.making.ensemble is None else way.making.ensemble

    def _possible(self, way: Way) -> bool:
        """Whether the way says something of a network, and something new of this one."""
        making = way.making
        if making.enlarger != "matlab" or making.limited is not None:
            return False  # enlarging is inside the method
        if making.ensemble == self.run.ensemble:
            return False
        return making.weights is None or self._owner(making.weights) is not None

    def _owner(self, scale: int) -> Run | None:
        """The run of another scale whose weights could be taken for this one's."""
        name = f"{self.run.family}-x{scale}"
        known = scale != self.run.scale and name in self.project.params.runs
        return self.project.run(name) if known else None

    def _key(self, way: Way) -> Hashable:
        """All that the network's output depends on."""
        return way.degradation, way.making.lr, way.making.weights, self._ensemble(way)

    def _made(self, name: str, hr: Image, way: Way) -> Made | None:
        sr = self._kept.get(name, self._key(way))
        if sr is None:
            upscaler = self._upscaler(way)
            if upscaler is None:
                return None
            sr = upscaler.unrounded(shrunk(hr, way, scale=self.run.scale))
            self._kept.put(name, self._key(way), sr)
        return Made(finished(sr, way.making.final), hr, way.degradation.colour)

    def _upscaler(self, way: Way) -> Upscaler | None:
        key = (way.degradation, way.making.weights, self._ensemble(way))
        with self._loading:
            if key not in self._loaded:
                self._loaded[key] = self._load(way)
            return self._loaded[key]

    def _load(self, way: Way) -> Upscaler | None:
        from dataclasses import replace

        from sr_bench.evaluation.upscaling.prepared import load_upscaler
        from sr_bench.networks.method_files import find_method
        from sr_bench.project.run_weights import noted_weights

        method = find_method(self.run.method, self.project.method_folders)
        other = way.making.weights
        owner = self.run if other is None else self._owner(other)
        if owner is None:
            return None
        try:
            file = noted_weights(self.project, owner, method)
            loaded = load_upscaler(self.run, method, file, way.degradation)
        except SrBenchError:
            if owner is self.run:
                raise
            return None  # not fetched; or of other shapes, which nobody could mix up
        return replace(loaded, ensemble=self._ensemble(way))


class _Kept:
    """Outputs of a network on disk, as long as they fit."""

    def __init__(self) -> None:
        self._folder: TemporaryDirectory[str] | None = None
        self._files: dict[Hashable, Path] = {}
        self._free, self._lock = _DISK, Lock()

    def get(self, name: str, key: Hashable) -> Planes | None:
        """What was kept of an image; ``None`` if nothing was."""
        path = self._files.get((name, key))
        return None if path is None else np.load(path)

    def put(self, name: str, key: Hashable, sr: Planes) -> None:
        """Keep an image's output, if there is room."""
        with self._lock:
            if sr.nbytes > self._free:
                return
            self._free -= sr.nbytes
            if self._folder is None:
                self._folder = TemporaryDirectory(prefix="sr-bench-explain-")
            path = Path(self._folder.name) / f"{len(self._files)}.npy"
            self._files[name, key] = path
        with naming(path):
            np.save(path, sr)
