"""Manifests: the name, shape and sha256 of each image of a dataset, made when it was fetched."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sr_bench.data.catalogue.sources import Source
from sr_bench.data.datasets.fetch import fetch, mirror_here
from sr_bench.data.datasets.transfer import Progress
from sr_bench.imaging import images
from sr_bench.imaging.degrade import Degradation, GivenLr, degrade
from sr_bench.support.errors import SrBenchError, WrongUse
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
    """The images of a fetched dataset, in the order of their names.

    ``lr`` is empty, or of a dataset whose lr is given: scale to hr's name to its lr.
    """

    name: str
    folder: Path
    entries: tuple[Entry, ...]
    lr: Mapping[int, Mapping[str, Entry]] = field(default_factory=dict, hash=False)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def read(self, entry: Entry) -> images.Image:
        """The image's pixels: uint8, (h, w) or (h, w, 3)."""
        return images.read(self.folder / entry.name)

    def all_entries(self) -> Iterator[Entry]:
        """Every file of the dataset: hr, and lr that is given."""
        yield from self.entries
        for given in self.lr.values():
            yield from given.values()

    def make_lr(self, entry: Entry, rule: Degradation, *, scale: int) -> NDArray[np.generic]:
        """lr of an image: made from hr as the degradation says, or read where it is given."""
        if isinstance(rule, GivenLr):
            return images.read(self.folder / self.origin(entry, rule, scale=scale).name)
        return degrade(self.read(entry), rule, scale=scale)

    def origin(self, entry: Entry, rule: Degradation, *, scale: int) -> Entry:
        """The file that lr comes from: hr, or lr itself where it is given."""
        return self.lr[scale][entry.name] if isinstance(rule, GivenLr) else entry

    @property
    def given(self) -> str:
        """A short hash of all lr that is given; empty where lr is made."""
        if not self.lr:
            return ""
        listed = [[s, hr, e.sha256] for s in self.lr for hr, e in self.lr[s].items()]
        return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:12]


def fetch_dataset(source: Source, data: Path, manifest: Path, *, progress: Progress) -> Dataset:
    """Fetch a dataset and write its manifest.

    Raises:
        SourceError: if a file can't be had; see :func:`sr_bench.data.datasets.fetch.fetch`.
        SrBenchError: if an image can't be read, or two have one name.
    """
    if source.kind == "weights":
        raise SrBenchError(f"{source.name} holds weights, not images; name a dataset here")
    paths, folder = fetch_source(source, data, progress=progress), data / source.folder
    found = [p for p in paths if images.is_image(p)]
    if not found:
        raise SrBenchError(f"{folder}: no image among the files of {source.name}; it is no dataset")
    dataset = _pairs(source, folder) if source.lr else _images(source, folder, found)
    write_manifest(manifest, dataset)
    return dataset


def _images(source: Source, folder: Path, found: Iterable[Path]) -> Dataset:
    return Dataset(source.name, folder, entries_of(source.name, found, folder))


def _pairs(source: Source, folder: Path) -> Dataset:
    """hr and the lr that comes with it."""
    from sr_bench.data.datasets.folders import OwnFolder, indexed  # which takes this module

    told = f"sources.yaml: {source.name}"
    return indexed(OwnFolder(source.name, folder, source.hr, source.lr, told=told))


def require_hr(source: Source, folder: Path) -> None:
    """Refuse photographs without a reference, where hr is needed.

    Raises:
        WrongUse: with what can be done with them.
    """
    if source.without_hr:
        raise WrongUse(
            f"{source.name} has no HR, so nothing is made from it or compared with it; upscale its "
            f"images: sr-bench upscale {folder} --model FILE --out DIR, and score by a metric that "
            "needs SR alone: sr-bench score --sr DIR --metric niqe (docs/real-world.md)"
        )


def write_manifest(manifest: Path, dataset: Dataset) -> None:
    """Write what :func:`read_dataset` reads."""
    content: dict[str, Any] = {
        "dataset": dataset.name,
        "images": [asdict(entry) for entry in dataset],
    }
    if dataset.lr:
        content["lr"] = {
            scale: [asdict(given[entry.name]) for entry in dataset]
            for scale, given in dataset.lr.items()
        }
    write_text(manifest, json.dumps(content, indent=1) + "\n")


def fetch_source(source: Source, data: Path, *, progress: Progress) -> list[Path]:
    """Fetch a group, asking the mirror that the environment names."""
    return fetch(source, data, mirror=mirror_here(), progress=progress)


def open_dataset(source: Source, data: Path, manifest: Path) -> Dataset:
    """The dataset as its manifest lists it, every file verified; what is missing is fetched.

    Raises:
        SrBenchError: if there is no manifest or it is damaged, or a file differs from it after
            fetching.
    """
    require_hr(source, data / source.folder)
    dataset = read_dataset(manifest, source.name, data / source.folder)
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
    return read_dataset(manifest, name, Path()).entries


def read_dataset(manifest: Path, name: str, folder: Path) -> Dataset:
    """The dataset ``name`` as its manifest lists it; its files aren't looked at.

    Raises:
        SrBenchError: if it is missing or damaged.
    """
    remedy = f"make it with: sr-bench fetch {name}"
    content = read_json(manifest, remedy=remedy)
    try:
        entries = tuple(_listed(**entry) for entry in content["images"])
        lr = {
            int(scale): {
                hr.name: _listed(**entry) for hr, entry in zip(entries, given, strict=True)
            }
            for scale, given in content.get("lr", {}).items()
        }
        return Dataset(name, folder, entries, lr)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SrBenchError(f"{manifest}: not a manifest ({error!r}); {remedy}") from error


def _listed(name: str, shape: list[int], sha256: str) -> Entry:
    right = isinstance(name, str) and isinstance(sha256, str) and _is_inside(name)
    if not right or not all(type(n) is int and n > 0 for n in shape):
        raise ValueError(f"{name!r} has shape {shape!r} and sha256 {sha256!r}")
    return Entry(name, tuple(shape), sha256)


def _is_inside(name: str) -> bool:
    """Whether a name stays below its folder, and leaves a name without its suffix."""
    path = PurePosixPath(name)
    outside = path.is_absolute() or ".." in path.parts or "\0" in name
    return not outside and path.stem not in ("", "..")


def _differing(dataset: Dataset) -> list[Entry]:
    return [
        e
        for e in dataset.all_entries()
        if not (dataset.folder / e.name).is_file() or sha256(dataset.folder / e.name) != e.sha256
    ]


def entries_of(name: str, paths: Iterable[Path], folder: Path) -> tuple[Entry, ...]:
    """The images at these paths below ``folder``, in the order of their names, each read.

    Raises:
        SrBenchError: naming each image that can't be read, or two that have one name.
    """
    ordered = sorted(paths, key=lambda p: p.stem)
    for one, other in pairwise(ordered):
        if one.stem == other.stem:
            raise SrBenchError(
                f"{one} and {other}: two images called '{one.stem}' in {name}, where a "
                "name is one row of a table; rename one, or take it out of the dataset"
            )
    found = outcomes(lambda p: _entry(p, folder), ordered)
    if found.failed:
        raise SrBenchError("; ".join(f.reason for f in found.failed))
    return tuple(entry for _, entry in found.done)


def _entry(path: Path, folder: Path) -> Entry:
    shape = images.read(path).shape
    return Entry(path.relative_to(folder).as_posix(), shape, sha256(path))
