"""What can be fetched, from where, and how it is recognised: the content of ``sources.yaml``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from pydantic import ValidationError

from sr_bench.data.catalogue.entries import (
    WHERE,
    FilesEntry,
    Kind,
    TogetherEntry,
    read_entries,
    refused,
)
from sr_bench.support.errors import unknown
from sr_bench.support.strict_yaml import problems


@dataclass(frozen=True)
class SourceFile:
    """One file: its name below the group's folder, its size and hash, and where it is to be had."""

    name: str
    size: int | None
    sha256: str  # 64 digits, or a prefix and "*"
    urls: tuple[str, ...]  # in the order in which they are asked

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

    ``redistributable`` says whether pixels of its images may be published with a report;
    ``trained_on`` and ``by`` what weights learned from, and who trained them.
    """

    name: str
    kind: Kind
    title: str
    licence: str
    folder: str  # below data/
    files: tuple[SourceFile, ...]
    redistributable: bool = False
    trained_on: str = ""
    by: str = ""

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


def load_sources() -> dict[str, Source]:
    """All groups of the packaged ``sources.yaml``.

    Raises:
        CatalogueError: for the first entry that can't be used.
    """
    return {name: find_source(name) for name in source_names()}


def source_names() -> tuple[str, ...]:
    """The names of all groups; their entries needn't be right."""
    return tuple(_entries())


@cache
def find_source(name: str) -> Source:
    """The group of that name; other entries aren't looked at.

    Raises:
        WrongUse: for a name that isn't there, with near ones.
        CatalogueError: if its entry can't be used.
    """
    require_source(name)
    return read_source(name, _entries())


def require_source(name: str) -> None:
    """Refuse a name that isn't there."""
    if name not in _entries():
        raise unknown("dataset or weights", name, _entries(), where=WHERE)


@lru_cache(maxsize=1)
def _entries() -> dict[str, Any]:
    return read_entries(files("sr_bench.data.catalogue").joinpath("sources.yaml").read_bytes())


def read_source(name: str, entries: dict[str, Any]) -> Source:
    """One checked entry.

    Raises:
        CatalogueError: naming the entry, the key, what was given, and a right entry.
    """
    entry = entries[name]
    model = TogetherEntry if isinstance(entry, dict) and "of" in entry else FilesEntry
    try:
        checked = model.model_validate(entry)
    except ValidationError as error:
        raise refused(name, problems(error, model.model_fields, "the entry"), model) from error
    if isinstance(checked, TogetherEntry):
        return _together(name, checked, entries)
    return _source(name, checked)


def _source(name: str, entry: FilesEntry) -> Source:
    listed = tuple(_file(entry, key, str(pin)) for key, pin in entry.files.items())
    return Source(
        name,
        entry.kind,
        entry.title,
        entry.licence,
        entry.folder or name,
        listed,
        entry.redistributable,
        entry.trained_on or "",
        entry.by or "",
    )


def _together(name: str, entry: TogetherEntry, entries: dict[str, Any]) -> Source:
    """Several datasets as one; its files lie where theirs do."""
    members = [_member(name, member, entries) for member in entry.of]
    listed = tuple(
        replace(file, name=f"{member.folder}/{file.name}")
        for member in members
        for file in member.files
    )
    known = [file.name for file in listed]
    for left_out in entry.without:
        if left_out not in known:
            why = str(unknown("file", left_out, known, where="without"))
            raise refused(name, why, TogetherEntry)
    listed = tuple(file for file in listed if file.name not in entry.without)
    licence = "; ".join(f"{m.name}: {m.licence}" for m in members)
    return Source(name, "images", entry.title, licence, ".", listed)


def _member(name: str, member: str, entries: dict[str, Any]) -> Source:
    if member not in entries:
        known = unknown("dataset", member, entries, where="of")
        raise refused(name, str(known), TogetherEntry)
    if isinstance(entries[member], dict) and "of" in entries[member]:
        raise refused(name, f"of: '{member}' is several datasets itself", TogetherEntry)
    found = read_source(member, entries)
    if found.kind == "weights":
        raise refused(name, f"of: '{member}' holds weights; name datasets", TogetherEntry)
    return found


def _file(entry: FilesEntry, name: str, pin: str) -> SourceFile:
    size, sha256 = pin.split()
    known = None if size == "unknown" else int(size)
    return SourceFile(name, known, sha256, entry.addresses(name))
