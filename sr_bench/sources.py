"""What can be fetched, from where, and how it is recognised: the content of ``sources.yaml``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal, get_args
from urllib.parse import quote

from sr_bench.errors import SrBenchError, unknown
from sr_bench.strict_yaml import read_yaml

Kind = Literal["images", "archive", "weights"]
WHERE = "sr_bench/sources.yaml"


@dataclass(frozen=True)
class SourceFile:
    """One file: its name below the group's folder, its size and hash, its address."""

    name: str
    size: int | None
    sha256: str  # 64 digits, or a prefix and "*"
    url: str

    def matches(self, size: int, sha256: str) -> bool:
        """Whether a file of that size and hash is this one."""
        if self.size is not None and size != self.size:
            return False
        if self.sha256.endswith("*"):
            return sha256.startswith(self.sha256[:-1])
        return sha256 == self.sha256

    @property
    def facts(self) -> str:
        """The pinned size and hash, for messages."""
        return f"{self.size if self.size is not None else 'any'} bytes, sha256 {self.sha256}"


@dataclass(frozen=True)
class Source:
    """A group of files: a dataset, an archive of one, or weights.

    ``redistributable`` says whether pixels of its images may be published with a report.
    """

    name: str
    kind: Kind
    title: str
    licence: str
    folder: str  # below data/
    files: tuple[SourceFile, ...]
    redistributable: bool = False

    @property
    def bytes(self) -> int:
        """Size of all files whose size is known."""
        return sum(f.size or 0 for f in self.files)

    def file(self, name: str) -> SourceFile:
        """The file of that name, or an error that suggests one."""
        for candidate in self.files:
            if candidate.name == name:
                return candidate
        raise unknown("file", name, [f.name for f in self.files], where=f"{WHERE}: {self.name}")


@lru_cache(maxsize=1)
def load_sources() -> dict[str, Source]:
    """Read the packaged ``sources.yaml``."""
    text = files("sr_bench").joinpath("sources.yaml").read_text(encoding="utf-8")
    found: dict[str, Source] = {}
    for name, entry in read_yaml(text).items():
        found[name] = _union(name, entry, found) if "of" in entry else _source(name, entry)
    return found


def find_source(name: str) -> Source:
    """The group of that name, or an error that suggests one."""
    sources = load_sources()
    if name not in sources:
        raise unknown("dataset or weights", name, sources, where=WHERE)
    return sources[name]


def _source(name: str, entry: dict[str, Any]) -> Source:
    if entry["kind"] not in get_args(Kind):
        raise SrBenchError(
            f"{WHERE}: {name}: kind is '{entry['kind']}', expected {get_args(Kind)}; correct it"
        )
    listed = tuple(_file(entry["base"], key, pin) for key, pin in entry["files"].items())
    folder = entry.get("folder", name)
    free = entry.get("redistributable", False)
    return Source(name, entry["kind"], entry["title"], entry["licence"], folder, listed, free)


def _union(name: str, entry: dict[str, Any], known: dict[str, Source]) -> Source:
    """Several datasets as one; its files lie where theirs do."""
    members = [known[member] for member in entry["of"]]
    listed = tuple(
        replace(file, name=f"{member.folder}/{file.name}")
        for member in members
        for file in member.files
    )
    licence = "; ".join(f"{m.name}: {m.licence}" for m in members)
    return Source(name, "images", entry["title"], licence, ".", listed)


def _file(base: str, name: str, pin: str) -> SourceFile:
    size, sha256 = pin.split()
    url = base + quote(name, safe="/()")
    return SourceFile(name, None if size == "unknown" else int(size), sha256, url)
