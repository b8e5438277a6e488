"""``--hr``: a folder of HR images, or the name of a dataset."""

from __future__ import annotations

from pathlib import Path

from sr_bench.cli.show import late_bytes_progress
from sr_bench.data.datasets.manifest import Dataset
from sr_bench.project.here import catalogue_here, dataset_here

HR_HELP = "HR images: a folder, or the name of a dataset (sr-bench list sources)."


def hr_folder(named: Path) -> Path:
    """The folder itself, or that of the dataset of this name where there is no such folder."""
    if named.exists() or str(named) not in catalogue_here().sources:
        return named
    return hr_dataset(str(named)).folder


def hr_dataset(name: str) -> Dataset:
    """As :func:`sr_bench.project.here.dataset_here`, with a bar where it is fetched."""
    with late_bytes_progress("fetch") as advance:
        return dataset_here(name, progress=advance)
