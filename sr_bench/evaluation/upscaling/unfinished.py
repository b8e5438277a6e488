"""SR images of a run that isn't finished: kept where the same inputs would make the same again."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any

import torch

from sr_bench.data.datasets.manifest import Entry
from sr_bench.support.files import sha256, sweep
from sr_bench.support.parallel import cores
from sr_bench.support.version import PACKAGE

_JOURNAL = "made.jsonl"
_PACKAGES = ("numpy", "pillow", "scipy", "torch")


@dataclass
class Unfinished:
    """The SR images of a run under one degradation, and which of them are whole.

    The folder's name holds a hash of all that decides the images; a line of its journal says of
    each which hr it was made from, and its own hash. So what a killed process half wrote, or what
    was made of other inputs, is made again.
    """

    folder: Path
    made: dict[str, tuple[str, str]] = field(default_factory=dict)  # path: hr's and sr's sha256
    lock: Lock = field(default_factory=Lock)

    @classmethod
    def open(cls, folder: Path) -> Unfinished:
        """What is there from a run that was stopped; to be called by who holds the run's lock."""
        sweep(folder)
        opened = cls(folder)
        journal = folder / _JOURNAL
        for line in journal.read_bytes().splitlines() if journal.is_file() else []:
            try:
                path, hr, sr = json.loads(line)
                opened.made[str(path)] = (hr, sr)
            except (ValueError, TypeError):  # the last line of a killed process
                continue
        return opened

    def path(self, dataset: str, entry: Entry) -> Path:
        """Where the SR image of an hr image lies until the run is finished."""
        return self.folder / dataset / f"{entry.stem}.png"

    def has(self, dataset: str, entry: Entry) -> bool:
        """Whether the SR image is there, whole, and made from this hr."""
        path = self.path(dataset, entry)
        noted = self.made.get(f"{dataset}/{path.name}")
        return path.is_file() and noted == (entry.sha256, sha256(path))

    def note(self, dataset: str, entry: Entry) -> None:
        """Note that the SR image is whole."""
        path = self.path(dataset, entry)
        line = json.dumps([f"{dataset}/{path.name}", entry.sha256, sha256(path)])
        with self.lock, (self.folder / _JOURNAL).open("a", encoding="utf-8") as journal:
            journal.write(f"\n{line}\n")

    def finished(self, dataset: str, entries: Iterable[Entry]) -> Path:
        """The folder of a dataset's SR images, without what isn't of it any more."""
        wanted = {self.path(dataset, e) for e in entries}
        folder = self.folder / dataset
        for path in folder.iterdir():
            if path not in wanted:
                path.unlink()
        return folder


def open_unfinished(folder: Path, inputs: Mapping[str, Mapping[str, Any]]) -> dict[str, Unfinished]:
    """The unfinished images of a run for each degradation; those of other inputs are removed.

    Args:
        folder: the run's.
        inputs: what decides the images, for each degradation.
    """
    names = {d: f"{d}-{_hash(facts)}" for d, facts in inputs.items()}
    for other in folder.iterdir() if folder.is_dir() else []:
        if other.name not in names.values():
            shutil.rmtree(other)
    return {d: Unfinished.open(folder / name) for d, name in names.items()}


def circumstances(method_folders: Iterable[Path]) -> dict[str, Any]:
    """What may decide a pixel besides a run's own facts: code, libraries, the processor."""
    return {
        "sr_bench": _code(PACKAGE),
        "methods": [_code(folder) for folder in method_folders],
        "packages": {name: version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "processor": [platform.machine(), torch.backends.cpu.get_cpu_capability(), cores()],
    }


def _code(folder: Path) -> str:
    paths = [p for kind in ("*.py", "*.yaml") for p in sorted(folder.rglob(kind))]
    return _hash([(p.relative_to(folder).as_posix(), sha256(p)) for p in paths])


def _hash(facts: Any) -> str:
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
