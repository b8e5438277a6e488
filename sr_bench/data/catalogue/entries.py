"""The entries of ``sources.yaml`` as they are written there, each checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from sr_bench.data.catalogue.plugins import CatalogueFile
from sr_bench.support.errors import SrBenchError, unknown
from sr_bench.support.scale import Scale
from sr_bench.support.strict_yaml import read_yaml, shown

BY_HAND: Final = "by-hand"  # the user puts its files there
Kind = Literal["images", "archive", "weights", "by-hand"]
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
EXAMPLE_BY_HAND = """\
theirs:
  kind: by-hand
  title: "Photographs that their owners give out on request"
  licence: "academic purposes only"
  page: https://example.org/theirs/
  images: 109"""


class CatalogueError(SrBenchError):
    """``sources.yaml`` can't be used: the entry, the key, what is there, and a right entry."""


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


def _address(text: str) -> str:
    """A URL, or a path of this machine."""
    if not re.match(r"(https?|package)://[^/\s]+/|/", text) or re.search(r"\s", text):
        raise ValueError(f"'{text}' is no https://host/folder/ and no /folder/; write one of these")
    return text


def _base(text: str) -> str:
    """An address that a name can be appended to."""
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


def _several(value: object) -> object:
    """One address, or a list of them."""
    return [value] if isinstance(value, str) else value


Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
RelativePath = Annotated[Text, AfterValidator(_path)]
Pin = Annotated[object, AfterValidator(_pin)]
Address = Annotated[Text, AfterValidator(_address)]
Base = Annotated[Address, AfterValidator(_base)]


class _Entry(BaseModel):
    """What every entry has."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    title: Text


class FilesEntry(_Entry):
    """A group of files, as ``sources.yaml`` has it.

    A file is at each ``base``, under its name, and at the ``urls`` that are its own.
    """

    kind: Kind
    licence: Text
    base: Annotated[list[Base], BeforeValidator(_several)] = []
    urls: dict[str, Annotated[list[Address], BeforeValidator(_several)]] = {}
    files: Annotated[dict[RelativePath, Pin], Field(min_length=1), AfterValidator(_distinct)]
    folder: RelativePath | None = None
    redistributable: bool = False
    trained_on: Text | None = None
    by: Text | None = None
    without_hr: bool = False

    @model_validator(mode="after")
    def _each_file_has_an_address(self) -> FilesEntry:
        for name in self.urls:
            if name not in self.files:
                raise unknown("file", name, self.files, where="urls")
        for name in self.files:
            if not self.base and not self.urls.get(name):
                raise ValueError(f"'base' is missing and urls has no address of {name}; add one")
        return self

    def addresses(self, name: str) -> tuple[str, ...]:
        """Where the file of that name is, in the order in which to ask."""
        listed = (base + quote(name, safe="/()") for base in self.base)
        return (*listed, *self.urls.get(name, ()))


class ByHandEntry(_Entry):
    """A dataset that nobody but the user can bring: where it is to be had, and on which terms."""

    kind: Literal["by-hand"]
    licence: Text
    page: Address
    images: Annotated[int, Field(ge=1)]
    folder: RelativePath | None = None
    hr: RelativePath | None = None
    lr: Annotated[dict[Scale, RelativePath], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _hr_and_lr_go_together(self) -> ByHandEntry:
        if (self.hr is None) != (self.lr is None):
            raise ValueError("hr and lr go together: patterns of both; without them, images are HR")
        return self


class TogetherEntry(_Entry):
    """Datasets as one."""

    of: Annotated[list[str], Field(min_length=1)]
    without: list[str] = []  # files of them, as <folder>/<name>


def read_entries(content: bytes, where: str = WHERE) -> dict[str, Any]:
    """The entries of a catalogue by name, not checked by themselves.

    Raises:
        CatalogueError: if it isn't YAML, no mapping, or an entry has no usable name.
    """
    try:
        entries = read_yaml(content.decode("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{where}: not YAML: {' '.join(str(error).split())}") from error
    if entries is None and where != WHERE:  # a project's, with comments alone
        return {}
    if not isinstance(entries, dict):
        raise CatalogueError(
            f"{where}: holds {shown(entries)}, not entries by name; write one as\n{EXAMPLE}"
        )
    for name in entries:
        require_name(name, where)
    return entries


def is_name(name: object) -> bool:
    """Whether something can be a word of commands, and a folder, on any system."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def require_name(name: object, where: str) -> None:
    """Refuse what can't be the name of an entry."""
    if not is_name(name):
        raise CatalogueError(
            f"{where}: an entry is called {shown(name)}; a name is a word of commands and "
            "folders: letters, digits and . _ + -, in quotes where YAML reads it as a number"
        )


def refused(here: str, why: str, model: type[_Entry]) -> CatalogueError:
    """The error for an entry: file and name, what is wrong with it, and a right one."""
    examples = {TogetherEntry: EXAMPLE_TOGETHER, ByHandEntry: EXAMPLE_BY_HAND}
    example = examples.get(model, EXAMPLE)
    return CatalogueError(f"{here}: {why}. A right entry:\n{example}")


def require_new(
    names: Iterable[str], places: Mapping[str, CatalogueFile], file: CatalogueFile
) -> None:
    """Refuse a name that another catalogue file has."""
    for name in names:
        if name in places:
            raise CatalogueError(
                f"{file.where}: '{name}' is in {places[name].where} too; call it something else"
            )
