"""What is known in the current folder: a project's, or what is installed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.data.datasets.cache import open_source
from sr_bench.data.datasets.manifest import Dataset, open_dataset
from sr_bench.data.datasets.transfer import Progress
from sr_bench.project.params import PARAMS
from sr_bench.project.project import Project
from sr_bench.support.errors import WrongUse
from sr_bench.support.notices import notice

if TYPE_CHECKING:
    from sr_bench.networks.opened import Methods


def project_here() -> Project | None:
    """The project in the current folder; another tool's ``params.yaml`` is none, which is told."""
    path = Path(PARAMS)
    if not path.is_file():
        return None
    try:
        return Project.load(Path())
    except WrongUse as error:
        notice(path, f"isn't one of sr-bench, so it has no runs ({error})")
        return None


def catalogue_here() -> Catalogue:
    """What is known by name: with a project's own datasets, if its params are right.

    Raises:
        CatalogueError: for a catalogue file of the project that can't be used.
    """
    if Path(PARAMS).is_file():
        with suppress(WrongUse):
            return Project.load(Path()).catalogue
    return Catalogue.of_project(Path())


def dataset_here(name: str, *, progress: Progress) -> Dataset:
    """The dataset of the project or of the current folder, else of the user's cache.

    Into the cache it is fetched, as ``sr-bench eval`` does; into a project it isn't.

    Raises:
        WrongUse: for a name that is unknown, or of weights.
        SrBenchError: if it can't be had, or isn't complete.
    """
    source = catalogue_here().sources.find(name)
    if source.kind == "weights":
        raise WrongUse(f"{name} holds weights, not images; name a dataset: sr-bench list sources")
    project = project_here()
    if project is not None:
        with suppress(WrongUse):
            return project.dataset(name)
    manifest = Project.manifest_in(Path(), name)
    if project is not None or manifest.is_file():
        return open_dataset(source, Path("data"), manifest)
    return open_source(source, progress=progress)


def method_folders_here() -> list[Path]:
    """Where method files lie: as the project says, else what is installed."""
    if Path(PARAMS).is_file():
        return Project.load(Path()).method_folders
    from sr_bench.networks.installed import installed_folders  # torch

    return installed_folders()


def methods_here(project: Project | None) -> Methods:
    """The methods of a project, and those that are installed, each with its file."""
    from sr_bench.networks.installed import installed_methods  # torch
    from sr_bench.networks.method_files import method_files

    own = {} if project is None else method_files(project.method_folders)
    return installed_methods() | own
