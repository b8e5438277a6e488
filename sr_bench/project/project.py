"""A project folder: what it holds by name."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.data.catalogue.sources import Source
from sr_bench.data.datasets.folders import OwnFolder, open_folder
from sr_bench.data.datasets.manifest import Dataset, open_dataset, read_dataset, read_manifest
from sr_bench.imaging.degrade import Degradation
from sr_bench.networks.method_fields import INSTALLED, LEDGER, TRAINED
from sr_bench.project.checks import require_consistent
from sr_bench.project.entries import Run, TrainEntry
from sr_bench.project.layout import Layout
from sr_bench.project.own_datasets import given_protocol, given_protocols
from sr_bench.project.params import PARAMS, Params, read_params
from sr_bench.support.errors import SrBenchError, unknown
from sr_bench.support.packaged import packaged_ledger
from sr_bench.support.text_files import read_object


class Work(NamedTuple):
    """A dataset under one degradation, the protocols that score the result, and where it lies."""

    dataset: str
    degradation: Degradation
    protocols: tuple[Protocol, ...]
    sr: Path


@dataclass(frozen=True)
class Project(Layout):
    """A folder with a ``params.yaml``, and what the entries in it come to."""

    params: Params
    catalogue: Catalogue = field(default_factory=Catalogue.installed)

    @classmethod
    def load(cls, root: Path) -> Project:
        """Read and check ``root/params.yaml``, with what the folder ``catalogue`` adds.

        Raises:
            WrongUse: as :func:`~sr_bench.project.params.read_params`; or for entries that
                contradict each other.
        """
        params, catalogue = read_params(root / PARAMS, Catalogue.of_project(root))
        project = cls(root, params, catalogue=catalogue)
        require_consistent(project)
        return project._with_given_lr()

    def _with_given_lr(self) -> Project:
        """The same, whose catalogue has the protocols of datasets that bring their lr."""
        scored = (name for datasets in self.params.protocols.values() for name in datasets)
        named = dict.fromkeys((*self.params.datasets, *scored))
        manifests = {name: self.manifest(name) for name in named if self._brings_lr(name)}
        more = given_protocols(self.params.protocols, manifests)
        if not more:
            return self
        protocols = self.catalogue.protocols.plus(more, f"{self.root / PARAMS}: datasets")
        return replace(self, catalogue=Catalogue(self.catalogue.sources, protocols))

    def run(self, name: str) -> Run:
        """The run of that name, or an error that suggests one."""
        if name not in self.params.runs:
            raise unknown("run", name, self.params.runs, where=str(self.root / PARAMS))
        return self.params.runs[name]

    @property
    def trainings(self) -> dict[str, TrainEntry]:
        """All weights that can be made here, by name."""
        return self.params.trainings

    def training(self, name: str) -> TrainEntry:
        """The training of that name, or an error that suggests one."""
        if name not in self.trainings:
            raise unknown("training", name, self.trainings, where=str(self.root / PARAMS))
        return self.trainings[name]

    def training_of(self, run: Run) -> str | None:
        """The training that makes a run's weights; ``None`` for weights that come from elsewhere.

        Where several make such weights, it is that of the run's ``origin``, else the first.

        Raises:
            WrongUse: if the weights' name says that they are made here, but no entry makes them,
                and sr-bench doesn't bring them.
        """
        if not run.weights.startswith(TRAINED):
            return None
        suitable = [
            name
            for name, entry in self.trainings.items()
            if (entry.method, entry.variant, entry.label)
            == (run.method, run.base_variant, run.weights)
            and run.scale in entry.scales
        ]
        if not suitable:
            if self.packaged_weights(run) is None:
                where = f"{self.root / PARAMS}: runs.{run.name}"
                raise unknown("training for weights", run.weights, self.trainings, where=where)
            return None
        of_origin = (name for name in suitable if self.origin(name) == run.origin)
        return next(of_origin, suitable[0])

    def packaged_weights(self, run: Run) -> Path | None:
        """Weights that sr-bench trained and brings, for a project that takes its methods."""
        if INSTALLED not in self.params.methods or not run.weights.startswith(TRAINED):
            return None
        from sr_bench.project.packaged import packaged_weights  # torch

        return packaged_weights(run)

    def datasets(self, run: Run) -> dict[str, list[Protocol]]:
        """The run's datasets, each with the protocols it is scored under.

        A dataset whose lr is given counts at the scales that it is given for.
        """
        table: dict[str, list[Protocol]] = {}
        for protocol in run.protocols:
            for dataset in dict.fromkeys((*self.params.protocols[protocol], *run.also)):
                if self._has_scale(dataset, run.scale):
                    table.setdefault(dataset, []).append(self.protocol_on(protocol, dataset))
        return table

    def protocol_on(self, protocol: Protocol, dataset: str) -> Protocol:
        """The protocol as it is on a dataset: another one where that brings its lr.

        Raises:
            SrBenchError: if such a dataset has no manifest.
        """
        if not self._brings_lr(dataset):
            return protocol
        given = read_dataset(self.manifest(dataset), dataset, Path()).given
        return given_protocol(protocol, dataset, given)

    def _brings_lr(self, dataset: str) -> bool:
        own = self.params.datasets.get(dataset)
        if own is None:
            return self.catalogue.sources.brings_lr(dataset)
        return own.lr is not None

    def _has_scale(self, dataset: str, scale: int) -> bool:
        if not self._brings_lr(dataset):
            return True
        return scale in read_dataset(self.manifest(dataset), dataset, Path()).lr

    def work(self, run: Run) -> list[Work]:
        """What is upscaled and scored for the run, each dataset's parts together."""
        table: dict[tuple[str, Degradation], list[Protocol]] = {}
        for dataset, protocols in self.datasets(run).items():
            for protocol in protocols:
                table.setdefault((dataset, protocol.degradation), []).append(protocol)
        return [
            Work(dataset, rule, tuple(protocols), self.sr(run.name, rule.name, dataset))
            for (dataset, rule), protocols in table.items()
        ]

    def require_work(self, run: Run) -> list[Work]:
        """The same, at least one.

        Raises:
            SrBenchError: if no dataset of the run's protocols has lr at its scale.
        """
        if work := self.work(run):
            return work
        datasets = {d for p in run.protocols for d in self.params.protocols[p]}
        raise SrBenchError(
            f"{self.root / PARAMS}: runs.{run.name}: {', '.join(sorted(datasets))} bring no LR at "
            f"scale {run.scale}; add a dataset to its protocols, or take the run out"
        )

    @property
    def method_folders(self) -> list[Path]:
        """Where method files lie: folders of the project, and those of installed methods."""
        return [place for named in self.params.methods for place in self._method_places(named)]

    def _method_places(self, named: str) -> list[Path]:
        if named != INSTALLED:
            return [self.root / named]
        from sr_bench.networks.installed import installed_folders  # torch

        return installed_folders()

    @property
    def own_methods(self) -> Path:
        """The last of the project's own folders of method files."""
        own = [named for named in self.params.methods if named != INSTALLED]
        return self.root / (own[-1] if own else "methods")

    @property
    def ledgers(self) -> list[Path]:
        """The files of published numbers."""
        named = self.params.ledger or ()
        return [self._ledger(name) for name in ([named] if isinstance(named, str) else named)]

    def _ledger(self, named: str) -> Path:
        if named != LEDGER:
            return self.root / named
        return packaged_ledger()

    def dataset(self, name: str) -> Dataset:
        """A dataset that was fetched into this project, every file verified.

        Raises:
            SrBenchError: as :func:`sr_bench.data.datasets.manifest.open_dataset`.
        """
        if name in self.params.datasets:
            return open_folder(self.own(name), self.manifest(name))
        return open_dataset(self.source(name), self.data, self.manifest(name))

    def own(self, name: str) -> OwnFolder:
        """Where a dataset of ``params.yaml`` lies."""
        return self.params.datasets[name].located(name, self.root)

    def source(self, name: str) -> Source:
        """The group of that name in the project's catalogue."""
        return self.catalogue.sources.find(name)

    def images_of(self, run: Run) -> int:
        """How many images the run upscales: each dataset once for every degradation in use."""
        return self.images_of_work(self.work(run))

    def images_of_work(self, work: Iterable[Work]) -> int:
        """How many images so much work upscales."""
        return sum(self._images(one.dataset) for one in work)

    def _images(self, dataset: str) -> int:
        manifest = self.manifest(dataset)
        if manifest.is_file():
            return len(read_manifest(manifest, dataset))
        return len(self.source(dataset).files)

    def missing_files(self) -> dict[str, str]:
        """What it says: a dataset or a run to the file that it needs, and its address."""
        if not self.missing.is_file():
            return {}
        found = read_object(self.missing, remedy="make it again: sr-bench all")
        return {name: str(file) for name, file in found.items()}

    def without(self, datasets: Collection[str]) -> Project:
        """The same without those datasets, and without runs that have no other."""

        def left(names: Iterable[str]) -> tuple[str, ...]:
            return tuple(name for name in names if name not in datasets)

        params = self.params
        table = {protocol: left(names) for protocol, names in params.protocols.items()}
        runs = {n: r.model_copy(update={"also": left(r.also)}) for n, r in params.runs.items()}
        some = {n: r for n, r in runs.items() if r.also or any(table[p] for p in r.protocols)}
        return replace(self, params=params.model_copy(update={"protocols": table, "runs": some}))


def require_project(root: Path | None = None) -> Project:
    """The project in ``root``, or in the current folder."""
    project = Project.load(root or Path.cwd())
    if not project.params.runs:
        raise SrBenchError(f"{project.root / PARAMS}: runs is empty; name at least one run")
    return project
