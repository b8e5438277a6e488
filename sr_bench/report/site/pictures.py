"""The viewer's images: found in ``data/`` and ``build/sr``, written beside the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.data.datasets.manifest import Dataset, Entry
from sr_bench.imaging import images
from sr_bench.project.entries import ViewerEntry
from sr_bench.project.project import Project
from sr_bench.report.site.store import FOLDER, Store
from sr_bench.support.errors import SrBenchError, unknown
from sr_bench.support.files import replacing_folder


@dataclass(frozen=True)
class Picture:
    """An image at one scale: its hr file, and the sr file of each run, which may be missing."""

    dataset: str
    image: str
    scale: int
    hr: Path
    sr: dict[str, Path]


@dataclass(frozen=True)
class Viewer:
    """What the viewer compares: sr made for one protocol, and how it is stored.

    ``.png`` takes no extra space beside ``build/sr``; ``.webp`` (lossless) is a third smaller.
    """

    protocol: str
    pictures: tuple[Picture, ...]
    suffix: Literal[".png", ".webp"] = ".png"


def find_pictures(project: Project, entry: ViewerEntry) -> Viewer:
    """The pictures of an entry, in the order of datasets, images and scales.

    Raises:
        WrongUse: for a run or an image that there is not.
        SrBenchError: if a named run isn't scored on a dataset of the entry under its protocol.
    """
    names = tuple(project.params.runs) if entry.runs == "all" else entry.runs
    found: list[Picture] = []
    for dataset, wanted in entry.images.items():
        runs = _runs(project, entry, names, dataset)
        opened = project.dataset(dataset)
        for image in _chosen(opened, wanted):
            found += _scales(project, entry.protocol, runs, opened, image)
    return Viewer(entry.protocol.name, tuple(found))


def write_pictures(viewer: Viewer, folder: Path) -> tuple[list[dict[str, object]], int]:
    """Write ``folder/images/<dataset>/<image>/``: an image of each run and hr, and nothing else.

    hr is whole: the page cuts it to sr's size, which is what modcrop does.

    Returns:
        For each picture the addresses below ``folder`` and its size in pixels; and the bytes of all
        files.
    """
    with replacing_folder(folder / FOLDER) as fresh:
        store = Store(fresh, folder / FOLDER, viewer.suffix)
        listed = [_write(picture, store) for picture in viewer.pictures]
        size = sum(path.stat().st_size for path in fresh.rglob(f"*{viewer.suffix}"))
    return listed, size


def _runs(
    project: Project, entry: ViewerEntry, names: tuple[str, ...], dataset: str
) -> tuple[str, ...]:
    fitting = tuple(
        n
        for n in names
        if entry.protocol in project.run(n).protocols
        and dataset in project.datasets(project.run(n))
        and dataset in project.params.protocols[entry.protocol]
    )
    if entry.runs != "all" and fitting != names:
        lost = next(n for n in names if n not in fitting)
        raise SrBenchError(
            f"params.yaml: viewer: {lost} isn't scored on {dataset} under {entry.protocol}; "
            "add the dataset to that protocol, or take the run out of the viewer"
        )
    return fitting


def _chosen(dataset: Dataset, wanted: tuple[str, ...] | str) -> Iterator[Entry]:
    by_name = {entry.stem: entry for entry in dataset}
    for name in by_name if isinstance(wanted, str) else wanted:
        if name not in by_name:
            raise unknown("image", name, by_name, where=f"{dataset.name} (params.yaml: viewer)")
        yield by_name[name]


def _scales(
    project: Project, protocol: Protocol, runs: tuple[str, ...], dataset: Dataset, image: Entry
) -> Iterator[Picture]:
    rule = project.protocol_on(protocol, dataset.name).degradation
    for scale in sorted({project.run(run).scale for run in runs}):
        sr = {
            run: project.sr(run, rule.name, dataset.name) / f"{image.stem}.png"
            for run in runs
            if project.run(run).scale == scale
        }
        hr = dataset.folder / image.name
        yield Picture(dataset.name, image.stem, scale, hr, sr)


def _write(picture: Picture, store: Store) -> dict[str, object]:
    place = Path(picture.dataset) / picture.image
    store.put(picture.hr, place / "hr")
    present = {run: path for run, path in picture.sr.items() if path.is_file()}
    for run, path in present.items():
        store.put(path, place / run)
    height, width = images.read(next(iter(present.values()), picture.hr)).shape[:2]
    return {
        "dataset": picture.dataset,
        "image": picture.image,
        "scale": picture.scale,
        "width": width,
        "height": height,
        "hr": store.address(place / "hr"),
        "sr": {run: store.address(place / run) for run in picture.sr},
    }
