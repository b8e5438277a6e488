"""``--hr``: a folder of HR images, or the name of a dataset."""

from __future__ import annotations

from pathlib import Path

from sr_bench.cli.show import late_bytes_progress
from sr_bench.data.datasets.cache import open_source
from sr_bench.data.datasets.manifest import Dataset
from sr_bench.project.here import catalogue_here, dataset_here, project_here
from sr_bench.project.project import Project

HR_HELP = "HR images: a folder, or the name of a dataset (sr-bench list sources)."


def hr_folder(named: Path) -> Path:
    """The folder itself, or that of the dataset of this name where there is no such folder."""
    if named.exists() or str(named) not in catalogue_here().sources:
        return named
    return hr_dataset(str(named)).folder


def hr_dataset(name: str) -> Dataset:
    """The dataset of the project or of the current folder, else of the user's cache.

    Into the cache it is fetched, as ``sr-bench eval`` does.

    Raises:
        WrongUse: for a name that is unknown, or of weights.
        SrBenchError: if it can't be had, or isn't complete.
    """
    source = catalogue_here().sources.find(name)
    fetched_here = Project.manifest_in(Path(), name).is_file()
    if project_here() is not None or fetched_here or source.kind == "weights":
        return dataset_here(name)
    with late_bytes_progress("fetch") as advance:
        return open_source(source, progress=advance)
