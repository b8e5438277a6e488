"""SR images that are there: kept where the same inputs would make the same again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from sr_bench.data.datasets.manifest import Entry
from sr_bench.evaluation.upscaling.circumstances import fingerprint
from sr_bench.support.files import naming, sha256, sweep, write_text

_JOURNAL = "made.jsonl"


@dataclass
class Made:
    """The SR images of a run under one degradation, and which of them are whole.

    The folder's name holds a hash of all that decides the images; a line of its journal says of
    each which hr it was made from, and its own hash. So what a killed process half wrote, what was
    made of other inputs, or what somebody put in its place, is made again.

    Args:
        folder: where images come until all of the run are there; the journal stays in it.
        final: where they lie when the run is finished.
        noted: path to hr's and sr's sha256, as the journal has them.
        lock: of the journal.
    """

    folder: Path
    final: Path
    noted: dict[str, tuple[str, str]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    @classmethod
    def open(cls, folder: Path, final: Path) -> Made:
        """What is there of an earlier time; to be called by who holds the run's lock."""
        sweep(folder)
        opened = cls(folder, final)
        journal = folder / _JOURNAL
        for line in journal.read_bytes().splitlines() if journal.is_file() else []:
            try:
                path, hr, sr = json.loads(line)
                opened.noted[str(path)] = (hr, sr)
            except (ValueError, TypeError):  # the last line of a killed process
                continue
        return opened

    def path(self, dataset: str, entry: Entry) -> Path:
        """Where the SR image of an hr image lies until the run is finished."""
        return self.folder / dataset / f"{entry.stem}.png"

    def has(self, dataset: str, entry: Entry) -> bool:
        """Whether the SR image is there, whole, and made from this hr and these inputs."""
        return self._whole(dataset, entry) is not None

    def note(self, dataset: str, entry: Entry) -> None:
        """Note that the SR image is whole."""
        name, sr = self._name(dataset, entry), sha256(self.path(dataset, entry))
        path = self.folder / _JOURNAL
        with self.lock, naming(path), path.open("a", encoding="utf-8") as journal:
            self.noted[name] = (entry.sha256, sr)
            journal.write(f"\n{json.dumps([name, entry.sha256, sr])}\n")

    def is_finished(self, dataset: str, entries: Iterable[Entry]) -> bool:
        """Whether all of a dataset lies where it belongs, and nothing else there."""
        final = self.final / dataset
        wanted = {final / f"{entry.stem}.png" for entry in entries}
        there = set(final.iterdir()) if final.is_dir() else set()
        return there == wanted and not (self.folder / dataset).exists()

    def gather(self, dataset: str, entries: Iterable[Entry]) -> Path:
        """The folder of a dataset's SR images, those of an earlier time among them, and no other.

        Every image has to be there.
        """
        folder = self.folder / dataset
        folder.mkdir(parents=True, exist_ok=True)
        wanted = set()
        for entry in entries:
            target, whole = self.path(dataset, entry), self._whole(dataset, entry)
            wanted.add(target)
            if whole is not None and whole != target:
                _link(whole, target)
        for path in set(folder.iterdir()) - wanted:
            path.unlink()
        return folder

    def finish(self, kept: Mapping[str, Iterable[Entry]]) -> None:
        """Leave in the journal what the run holds now, and nothing else in its folder."""
        names = [self._name(dataset, entry) for dataset in kept for entry in kept[dataset]]
        lines = [json.dumps([name, *self.noted[name]]) for name in names]
        write_text(self.folder / _JOURNAL, "".join(f"{line}\n" for line in lines))
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)

    def _whole(self, dataset: str, entry: Entry) -> Path | None:
        hr, sr = self.noted.get(self._name(dataset, entry), (None, None))
        if hr != entry.sha256:
            return None
        final = self.final / dataset / f"{entry.stem}.png"
        places = (self.path(dataset, entry), final)
        return next((p for p in places if p.is_file() and sha256(p) == sr), None)

    @staticmethod
    def _name(dataset: str, entry: Entry) -> str:
        return f"{dataset}/{entry.stem}.png"


def open_made(
    folder: Path, final: Path, inputs: Mapping[str, Mapping[str, Any]]
) -> dict[str, Made]:
    """What is there of a run for each degradation; what was made from other inputs is forgotten.

    Args:
        folder: the run's, of images that aren't all there, and of journals.
        final: the run's, of SR images.
        inputs: what decides the images, for each degradation.
    """
    names = {d: f"{d}-{fingerprint(facts)}" for d, facts in inputs.items()}
    for other in folder.iterdir() if folder.is_dir() else []:
        if other.name not in names.values():
            shutil.rmtree(other)
    return {d: Made.open(folder / name, final / d) for d, name in names.items()}


def _link(source: Path, target: Path) -> None:
    """The same file at another place: a link, or a copy where the disk has none."""
    target.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)
