"""What can be fetched, from where, and how it is recognised: the content of ``sources.yaml``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from sr_bench.data.catalogue.entries import (
    BY_HAND,
    WHERE,
    ByHandEntry,
    FilesEntry,
    Kind,
    TogetherEntry,
    read_entries,
    refused,
    require_name,
    require_new,
)
from sr_bench.data.catalogue.plugins import CatalogueFile, usable_files
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
    ``trained_on`` and ``by`` what weights learned from, and who trained them; ``page`` and
    ``images`` where a dataset is to be had that the user brings, and how many images it has.
    ``hr`` and ``lr`` (scale to pattern) say which of them pair, where a dataset brings its lr;
    ``without_hr``: photographs that have no reference.
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
    page: str = ""
    images: int = 0
    hr: str = ""
    lr: Mapping[int, str] = field(default_factory=dict, hash=False)
    without_hr: bool = False

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


@dataclass(frozen=True)
class Sources:
    """Groups of files by name, each from the catalogue file that it stands in.

    Entries are checked when they are asked for: a wrong one hurts only what needs it.
    """

    entries: Mapping[str, Any]
    places: Mapping[str, CatalogueFile]  # of each name
    _found: dict[str, Source] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, files: Iterable[CatalogueFile]) -> Sources:
        """What the files hold together.

        Raises:
            CatalogueError: for a file that is no catalogue, or a name that two of them have.
        """
        entries: dict[str, Any] = {}
        places: dict[str, CatalogueFile] = {}
        for file in files:
            made = read_entries(file.content, file.where)
            require_new(made, places, file)
            entries |= made
            places |= dict.fromkeys(made, file)
        return cls(entries, places)

    def plus(self, found: Mapping[str, Source], file: CatalogueFile) -> Sources:
        """These, and groups that stand in no catalogue file.

        Raises:
            CatalogueError: for a name that can't be, or that is there already.
        """
        for name in found:
            require_name(name, file.where)
        require_new(found, self.places, file)
        return Sources(
            {**self.entries, **dict.fromkeys(found)},
            {**self.places, **dict.fromkeys(found, file)},
            {**self._found, **found},
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def all(self) -> dict[str, Source]:
        """Every group.

        Raises:
            CatalogueError: for the first entry that can't be used.
        """
        return {name: self.find(name) for name in self}

    def find(self, name: str) -> Source:
        """The group of that name; other entries aren't looked at.

        Raises:
            WrongUse: for a name that isn't there, with near ones.
            CatalogueError: if its entry can't be used.
        """
        self.require(name)
        if name not in self._found:
            self._found[name] = read_source(name, self.entries, self.places)
        return self._found[name]

    def brings_lr(self, name: str) -> bool:
        """Whether a group of that name brings its lr; no entry is checked for it."""
        entry = self.entries.get(name)
        return isinstance(entry, dict) and bool(entry.get("lr"))

    def require(self, name: str) -> None:
        """Refuse a name that isn't there."""
        if name not in self:
            where = " and ".join(dict.fromkeys(file.where for file in self.places.values()))
            raise unknown("dataset or weights", name, self, where=where or WHERE)


def source_files() -> list[CatalogueFile]:
    """The packaged ``sources.yaml``, and those that plug-ins bring."""
    return usable_files("sources.yaml", Sources.of)


@lru_cache(maxsize=1)
def installed_sources() -> Sources:
    """What the package and its plug-ins know. A project may know more: see ``Catalogue``."""
    return Sources.of(source_files())


def load_sources() -> dict[str, Source]:
    """All installed groups, as :meth:`Sources.all`."""
    return installed_sources().all()


def find_source(name: str) -> Source:
    """An installed group, as :meth:`Sources.find`."""
    return installed_sources().find(name)


def read_source(
    name: str, entries: Mapping[str, Any], places: Mapping[str, CatalogueFile] | None = None
) -> Source:
    """One checked entry; ``places`` are the files that errors name.

    Raises:
        CatalogueError: naming the entry, the key, what was given, and a right entry.
    """
    entry, where = entries[name], _where(name, places)
    model = _model_of(entry)
    try:
        checked = model.model_validate(entry)
    except ValidationError as error:
        why = problems(error, model.model_fields, "the entry")
        raise refused(f"{where}: {name}", why, model) from error
    if isinstance(checked, TogetherEntry):
        return _together(name, checked, entries, places)
    if isinstance(checked, ByHandEntry):
        return _by_hand(name, checked)
    return _source(name, checked)


def _model_of(entry: object) -> type[FilesEntry | TogetherEntry | ByHandEntry]:
    if isinstance(entry, dict) and "of" in entry:
        return TogetherEntry
    return ByHandEntry if isinstance(entry, dict) and entry.get("kind") == BY_HAND else FilesEntry


def _by_hand(name: str, entry: ByHandEntry) -> Source:
    return Source(
        name,
        BY_HAND,
        entry.title,
        entry.licence,
        entry.folder or name,
        (),
        page=entry.page,
        images=entry.images,
        hr=entry.hr or "",
        lr=entry.lr or {},
    )


def _where(name: str, places: Mapping[str, CatalogueFile] | None) -> str:
    return places[name].where if places else WHERE


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
        without_hr=entry.without_hr,
    )


def _together(
    name: str,
    entry: TogetherEntry,
    entries: Mapping[str, Any],
    places: Mapping[str, CatalogueFile] | None,
) -> Source:
    """Several datasets as one; its files lie where theirs do."""
    here = f"{_where(name, places)}: {name}"
    for member in entry.of:
        _require_member(member, entries, here)
    members = [read_source(member, entries, places) for member in entry.of]
    for found in members:
        if found.kind == "weights":
            raise refused(here, f"of: '{found.name}' holds weights; name datasets", TogetherEntry)
    listed = tuple(
        replace(file, name=f"{member.folder}/{file.name}")
        for member in members
        for file in member.files
    )
    known = [file.name for file in listed]
    for left_out in entry.without:
        if left_out not in known:
            raise refused(
                here, str(unknown("file", left_out, known, where="without")), TogetherEntry
            )
    listed = tuple(file for file in listed if file.name not in entry.without)
    licence = "; ".join(f"{m.name}: {m.licence}" for m in members)
    return Source(name, "images", entry.title, licence, ".", listed)


def _require_member(member: str, entries: Mapping[str, Any], here: str) -> None:
    if member not in entries:
        known = unknown("dataset", member, entries, where="of")
        raise refused(here, str(known), TogetherEntry)
    if isinstance(entries[member], dict) and "of" in entries[member]:
        raise refused(here, f"of: '{member}' is several datasets itself", TogetherEntry)


def _file(entry: FilesEntry, name: str, pin: str) -> SourceFile:
    size, sha256 = pin.split()
    known = None if size == "unknown" else int(size)
    return SourceFile(name, known, sha256, entry.addresses(name))
