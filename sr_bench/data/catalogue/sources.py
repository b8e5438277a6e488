"""What can be fetched, from where, and how it is recognised: the content of ``sources.yaml``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Annotated, Any, Literal
from urllib.parse import quote

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from sr_bench.support.errors import SrBenchError, unknown
from sr_bench.support.strict_yaml import problems, read_yaml, shown

Kind = Literal["images", "archive", "weights"]
WHERE = "sr_bench/data/catalogue/sources.yaml"
EXAMPLE = """\
mine-weights:
  kind: weights
  title: "Mine, trained on DIV2K by its authors"
  licence: "MIT"
  folder: weights/mine-weights
  base: https://example.org/releases/
  files:
    "mine_x2.pth": 2796052 {sha256}""".format(sha256="0123456789abcdef" * 4)
EXAMPLE_TOGETHER = """\
two-sets:
  title: "Set5 and Set14 together"
  of: [Set5, Set14]"""


class CatalogueError(SrBenchError):
    """``sources.yaml`` can't be used: the entry, the key, what is there, and a right entry."""


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


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_LEAVES = re.compile(r"^/|^[A-Za-z]:|\\|(^|/)\.\.(/|$)")  # of a path, here or on Windows
_PIN = "it is '<bytes or unknown> <sha256>'"
_SHA256 = re.compile(r"[0-9a-f]{64}|[0-9a-f]{8,63}\*")


def _pin(text: object) -> str:
    """``size sha256``; hash programs that print capitals are fine."""
    parts = text.lower().split() if isinstance(text, str) else []
    if len(parts) != 2:
        raise ValueError(f"is {shown(text)}, but {_PIN}: write both")
    size, sha256 = parts
    if size != "unknown" and not (size.isascii() and size.isdigit() and int(size) > 0):
        raise ValueError(f"size is '{size}', but {_PIN}: write the file's bytes, or unknown")
    if not _SHA256.fullmatch(sha256):
        raise ValueError(
            f"sha256 is '{sha256}' ({len(sha256)} characters), but it is 64 hexadecimal digits, or "
            "the first 8 and more of them and '*'; sha256sum FILE prints it"
        )
    return f"{size} {sha256}"


def _path(text: str) -> str:
    """A relative path that stays where it is put, on any system."""
    if _LEAVES.search(text):
        raise ValueError(f"'{text}' leaves its folder, or is no path; write it as a/b, without ..")
    return text


def _base(text: str) -> str:
    """A URL, or a folder of this machine, that a name can be appended to."""
    if not re.match(r"(https?|package)://[^/\s]+/|/", text) or re.search(r"\s", text):
        raise ValueError(f"'{text}' is no https://host/folder/ and no /folder/; write one of these")
    if not text.endswith(("/", "=")):
        raise ValueError(f"'{text}' doesn't end in '/', and a name is appended to it; add it")
    return text


def _distinct(pins: dict[str, str]) -> dict[str, str]:
    first: dict[str, str] = {}
    for name in pins:
        other = first.setdefault(name.casefold(), name)
        if other != name:
            raise ValueError(f"{other} and {name} are one file on some systems; rename one")
    return pins


Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
RelativePath = Annotated[Text, AfterValidator(_path)]
Pin = Annotated[object, AfterValidator(_pin)]


class _Entry(BaseModel):
    """What every entry has."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    title: Text


class FilesEntry(_Entry):
    """A group of files, as ``sources.yaml`` has it."""

    kind: Kind
    licence: Text
    base: Annotated[Text, AfterValidator(_base)]
    files: Annotated[dict[RelativePath, Pin], Field(min_length=1), AfterValidator(_distinct)]
    folder: RelativePath | None = None
    redistributable: bool = False
    trained_on: Text | None = None
    by: Text | None = None


class TogetherEntry(_Entry):
    """Datasets as one."""

    of: Annotated[list[str], Field(min_length=1)]
    without: list[str] = []  # files of them, as <folder>/<name>


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


def read_entries(content: bytes) -> dict[str, Any]:
    """The entries of a catalogue by name, not checked by themselves.

    Raises:
        CatalogueError: if it isn't YAML, no mapping, or an entry has no usable name.
    """
    try:
        entries = read_yaml(content.decode("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{WHERE}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(entries, dict):
        raise CatalogueError(
            f"{WHERE}: holds {shown(entries)}, not entries by name; write one as\n{EXAMPLE}"
        )
    for name in entries:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise CatalogueError(
                f"{WHERE}: an entry is called {shown(name)}; a name is a word of commands and "
                "folders: letters, digits and . _ + -, in quotes where YAML reads it as a number"
            )
    return entries


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
        raise _refused(name, problems(error, model.model_fields, "the entry"), model) from error
    if isinstance(checked, TogetherEntry):
        return _together(name, checked, entries)
    return _source(name, checked)


def _refused(name: str, why: str, model: type[_Entry]) -> CatalogueError:
    example = EXAMPLE_TOGETHER if model is TogetherEntry else EXAMPLE
    return CatalogueError(f"{WHERE}: {name}: {why}. A right entry:\n{example}")


def _source(name: str, entry: FilesEntry) -> Source:
    listed = tuple(_file(entry.base, key, str(pin)) for key, pin in entry.files.items())
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
            raise _refused(name, why, TogetherEntry)
    listed = tuple(file for file in listed if file.name not in entry.without)
    licence = "; ".join(f"{m.name}: {m.licence}" for m in members)
    return Source(name, "images", entry.title, licence, ".", listed)


def _member(name: str, member: str, entries: dict[str, Any]) -> Source:
    if member not in entries:
        known = unknown("dataset", member, entries, where="of")
        raise _refused(name, str(known), TogetherEntry)
    if isinstance(entries[member], dict) and "of" in entries[member]:
        raise _refused(name, f"of: '{member}' is several datasets itself", TogetherEntry)
    found = read_source(member, entries)
    if found.kind == "weights":
        raise _refused(name, f"of: '{member}' holds weights; name datasets", TogetherEntry)
    return found


def _file(base: str, name: str, pin: str) -> SourceFile:
    size, sha256 = pin.split()
    url = base + quote(name, safe="/()")
    return SourceFile(name, None if size == "unknown" else int(size), sha256, url)
