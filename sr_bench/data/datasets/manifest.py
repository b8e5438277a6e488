"""Manifests: the name, shape and sha256 of each image of a dataset, made when it was fetched."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from sr_bench.data.catalogue.sources import Source
from sr_bench.data.datasets.fetch import MIRROR, fetch
from sr_bench.data.datasets.transfer import Progress
from sr_bench.imaging import images
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import sha256, write_text
from sr_bench.support.parallel import outcomes
from sr_bench.support.text_files import read_json


@dataclass(frozen=True)
class Entry:
    """One image: path below the dataset's folder, shape as read, hash of the file."""

    name: str
    shape: tuple[int, ...]
    sha256: str

    @property
    def stem(self) -> str:
        """The name that tables print."""
        return Path(self.name).stem


@dataclass(frozen=True)
class Dataset:
    """The images of a fetched dataset, in the order of their names."""

    name: str
    folder: Path
    entries: tuple[Entry, ...]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def read(self, entry: Entry) -> images.Image:
        """The image's pixels: uint8, (h, w) or (h, w, 3)."""
        return images.read(self.folder / entry.name)


def fetch_dataset(source: Source, data: Path, manifest: Path, *, progress: Progress) -> Dataset:
    """Fetch a dataset and write its manifest.

    Raises:
        SourceError: if a file can't be had; see :func:`sr_bench.data.datasets.fetch.fetch`.
        SrBenchError: if an image can't be read, or two have one name.
    """
    if source.kind == "weights":
        raise SrBenchError(f"{source.name} holds weights, not images; name a dataset here")
    dataset = _index(source, fetch_source(source, data, progress=progress), data)
    text = json.dumps({"dataset": source.name, "images": [asdict(e) for e in dataset]}, indent=1)
    write_text(manifest, text + "\n")
    return dataset


def fetch_source(source: Source, data: Path, *, progress: Progress) -> list[Path]:
    """Fetch a group, asking the mirror that the environment names."""
    return fetch(source, data, mirror=os.environ.get(MIRROR), progress=progress)


def open_dataset(source: Source, data: Path, manifest: Path) -> Dataset:
    """The dataset as its manifest lists it, every file verified; what is missing is fetched.

    Raises:
        SrBenchError: if there is no manifest or it is damaged, or a file differs from it after
            fetching.
    """
    entries = read_manifest(manifest, source.name)
    dataset = Dataset(source.name, data / source.folder, entries)
    if _differing(dataset):
        fetch_source(source, data, progress=lambda _: None)
        if still := _differing(dataset):
            raise SrBenchError(
                f"{dataset.folder / still[0].name}: its content is not the sha256 "
                f"{still[0].sha256} of {manifest}; run: sr-bench fetch {source.name}"
            )
    return dataset


def read_manifest(manifest: Path, name: str) -> tuple[Entry, ...]:
    """The images that the manifest of the dataset ``name`` lists.

    Raises:
        SrBenchError: if it is missing or damaged.
    """
    remedy = f"make it with: sr-bench fetch {name}"
    content = read_json(manifest, remedy=remedy)
    try:
        return tuple(_listed(**entry) for entry in content["images"])
    except (ValueError, KeyError, TypeError) as error:
        raise SrBenchError(f"{manifest}: not a manifest ({error!r}); {remedy}") from error


def _listed(name: str, shape: list[int], sha256: str) -> Entry:
    if not (isinstance(name, str) and isinstance(sha256, str) and all(n > 0 for n in shape)):
        raise ValueError(f"{name!r} has shape {shape!r} and sha256 {sha256!r}")
    return Entry(name, tuple(shape), sha256)


def _differing(dataset: Dataset) -> list[Entry]:
    return [
        e
        for e in dataset
        if not (dataset.folder / e.name).is_file() or sha256(dataset.folder / e.name) != e.sha256
    ]


def _index(source: Source, paths: list[Path], data: Path) -> Dataset:
    folder = data / source.folder
    paths = sorted((p for p in paths if images.is_image(p)), key=lambda p: p.stem)
    for one, other in pairwise(paths):
        if one.stem == other.stem:
            raise SrBenchError(
                f"{one} and {other}: two images called '{one.stem}' in {source.name}, where a "
                "name is one row of a table; correct sources.yaml"
            )
    if not paths:
        raise SrBenchError(f"{folder}: no image among the files of {source.name}; it is no dataset")
    found = outcomes(lambda p: _entry(p, folder), paths)
    if found.failed:
        raise SrBenchError("; ".join(f.reason for f in found.failed))
    return Dataset(source.name, folder, tuple(entry for _, entry in found.done))


def _entry(path: Path, folder: Path) -> Entry:
    shape = images.read(path).shape
    return Entry(path.relative_to(folder).as_posix(), shape, sha256(path))
