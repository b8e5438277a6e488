"""Datasets of the user's own: images in a folder, and lr that is given instead of made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sr_bench.data.datasets.manifest import Dataset, Entry, entries_of, read_dataset, write_manifest
from sr_bench.imaging import images
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import sha256
from sr_bench.support.scale import SCALES

_MARK = re.compile(
    r"(?:[_-]?x\d|[_-]\dx|[_-]SRF[_-]\d|[_-]?(?:HR|GT|LR(?:BI|BD|DN)?\d?|bicubic))$", re.IGNORECASE
)  # what a name's end says of the file: its scale, and whether it is hr or lr
_SHOWN = 8  # files that a message lists


@dataclass(frozen=True)
class OwnFolder:
    """Where the images of a dataset lie.

    Args:
        name: the dataset's.
        folder: holds all of it.
        hr: which files of the folder are hr: a pattern, or a folder in it.
        lr: scale to the same of lr; empty where lr is made from hr.
        lr_pattern: the same for all scales, with ``{scale}`` in it.
        told: where all this is said, for errors; by default in ``params.yaml``.
    """

    name: str
    folder: Path
    hr: str = "*"
    lr: Mapping[int, str] = field(default_factory=dict)
    lr_pattern: str | None = None
    told: str = ""

    @property
    def entry(self) -> str:
        """What to correct."""
        return self.told or f"params.yaml: datasets.{self.name}"

    @property
    def which_are_hr(self) -> str:
        """How to say which files are hr."""
        return self.told or f"as glob: '*_HR.png', or name hr: and lr: in {self.entry}"

    @property
    def given(self) -> bool:
        """Whether lr is given."""
        return bool(self.lr) or self.lr_pattern is not None


def index_folder(own: OwnFolder, manifest: Path) -> Dataset:
    """Read every image of a dataset of the user's own, and write its manifest.

    Raises:
        SrBenchError: as :func:`indexed`.
    """
    dataset = indexed(own)
    write_manifest(manifest, dataset)
    return dataset


def indexed(own: OwnFolder) -> Dataset:
    """Read every image of a dataset of the user's own.

    Raises:
        SrBenchError: for a folder without images, one that mixes hr and lr, an lr without its hr
            or of another size, or an image that can't be read.
    """
    hrs = _matching(own, own.hr)
    if not own.given:
        _refuse_mixed(own, hrs)
    entries = entries_of(own.name, hrs, own.folder)
    by_name = {entry.stem: entry for entry in entries}
    lr: dict[int, dict[str, Entry]] = {}
    for scale, pattern in _lr_patterns(own):
        found = entries_of(own.name, _matching(own, pattern), own.folder)
        pairs = _paired(own, by_name, {e.stem: e for e in found}, scale)
        lr[scale] = {hr.name: _fitting(own, hr, given, scale) for hr, given in pairs}
    return Dataset(own.name, own.folder, entries, lr)


def open_folder(own: OwnFolder, manifest: Path) -> Dataset:
    """The dataset as its manifest lists it, every file verified.

    Raises:
        SrBenchError: if there is no manifest, or an image changed, went or came since.
    """
    dataset = read_dataset(manifest, own.name, own.folder)
    patterns = [own.hr, *(pattern for _, pattern in _lr_patterns(own))]
    there = {p.relative_to(own.folder).as_posix() for text in patterns for p in _files(own, text)}
    listed = {entry.name: entry for entry in dataset.all_entries()}
    new = sorted(there - set(listed))
    gone = sorted(set(listed) - there)
    changed = [n for n in sorted(there & set(listed)) if _differs(own.folder / n, listed[n])]
    kinds = (("changed", changed), ("gone", gone), ("new", new))
    if said := "; ".join(f"{kind}: {_some(names)}" for kind, names in kinds if names):
        raise SrBenchError(
            f"{own.folder}: isn't what {manifest} lists: {said}; if it should be so, run: "
            f"sr-bench fetch {own.name} (dvc repro does), else put the old images back"
        )
    return dataset


def _differs(path: Path, entry: Entry) -> bool:
    return sha256(path) != entry.sha256


def _matching(own: OwnFolder, pattern: str) -> list[Path]:
    if not own.folder.is_dir():
        raise SrBenchError(
            f"{own.folder}: no such folder; correct {own.entry}{'' if own.told else '.folder'}"
        )
    found = _files(own, pattern)
    if not found:
        there = sum(1 for _ in own.folder.iterdir())
        raise SrBenchError(
            f"{own.folder}: no image in it that fits '{pattern}' (of {there} files and folders); "
            f"correct {own.entry}"
        )
    return found


def _files(own: OwnFolder, pattern: str) -> list[Path]:
    if (own.folder / pattern).is_dir():
        pattern = f"{pattern.rstrip('/')}/*"
    return sorted(p for p in own.folder.glob(pattern) if p.is_file() and images.is_image(p))


def _lr_patterns(own: OwnFolder) -> Iterator[tuple[int, str]]:
    yield from sorted(own.lr.items())
    if own.lr_pattern is None:
        return
    every = [(scale, own.lr_pattern.format(scale=scale)) for scale in SCALES]
    found = [(scale, pattern) for scale, pattern in every if _files(own, pattern)]
    if not found:
        raise SrBenchError(
            f"{own.folder}: no image in it that fits '{own.lr_pattern}' with a scale from 2 to 8; "
            f"correct params.yaml: datasets.{own.name}.lr"
        )
    yield from found


def plain_name(stem: str) -> str:
    """The name without marks at its end: ``img_001`` of ``img_001_SRF_4_HR``."""
    while (shorter := _MARK.sub("", stem)) not in (stem, ""):
        stem = shorter
    return stem


def _refuse_mixed(own: OwnFolder, hrs: Sequence[Path]) -> None:
    """Two files of one picture, as hr and lr in one folder are."""
    by_name: dict[str, list[Path]] = {}
    for path in hrs:
        by_name.setdefault(plain_name(path.stem), []).append(path)
    twice = [found for found in by_name.values() if len({p.stem for p in found}) > 1]
    if twice:
        raise SrBenchError(
            f"{own.folder}: two sets of names: {' and '.join(p.name for p in twice[0])} are one "
            f"picture ({len(twice)} such); HR and LR in one folder? Say which are HR, "
            f"{own.which_are_hr}"
        )


def _paired(
    own: OwnFolder, hrs: Mapping[str, Entry], lrs: Mapping[str, Entry], scale: int
) -> list[tuple[Entry, Entry]]:
    """Each hr with its lr: by their names, or by these without marks at the end."""
    if set(hrs) != set(lrs):
        hrs, lrs = _by_plain_name(own, hrs.values()), _by_plain_name(own, lrs.values())
    without, alone = sorted(set(hrs) - set(lrs)), sorted(set(lrs) - set(hrs))
    if without or alone:
        said = [f"no LR of {_some(without)}"] * bool(without)
        said += [f"no HR of {_some([lrs[n].name for n in alone])}"] * bool(alone)
        raise SrBenchError(
            f"{own.folder}: {len(hrs)} HR and {len(lrs)} LR at scale {scale} don't pair: "
            f"{'; '.join(said)}; rename, add or move away these, or correct "
            f"{own.entry}"
        )
    return [(hrs[name], lrs[name]) for name in hrs]


def _by_plain_name(own: OwnFolder, entries: Iterable[Entry]) -> dict[str, Entry]:
    named: dict[str, Entry] = {}
    for entry in entries:
        other = named.setdefault(plain_name(entry.stem), entry)
        if other is not entry:
            raise SrBenchError(
                f"{own.folder}: {other.name} and {entry.name} have one name, "
                f"'{plain_name(entry.stem)}', beside their marks; rename one, or give a narrower "
                f"pattern in {own.entry}"
            )
    return named


def _fitting(own: OwnFolder, hr: Entry, lr: Entry, scale: int) -> Entry:
    wanted, colours = tuple(n // scale for n in hr.shape[:2]), (len(hr.shape), len(lr.shape))
    where = f"{own.folder / lr.name}: doesn't fit {hr.name}"
    if lr.shape[:2] != wanted:
        hint = "it is as large as HR already" if lr.shape[:2] == hr.shape[:2] else "wrong scale?"
        raise SrBenchError(
            f"{where}: LR is {lr.shape[:2]}, HR is {hr.shape[:2]}, and at scale {scale} LR is "
            f"{wanted}; {hint}"
        )
    if colours == (3, 2):
        raise SrBenchError(f"{where}: LR is gray, HR is RGB; save LR as RGB")
    return lr


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if names[_SHOWN:] else ""
    return ", ".join(names[:_SHOWN]) + more
