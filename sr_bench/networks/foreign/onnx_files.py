"""ONNX files read as far as it takes to know one, and to know which other files it names."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sr_bench.support.errors import SrBenchError

Bytes = memoryview
_LENGTH = 2  # protobuf's kind of fields that hold bytes, text or another message
_FIXED = {1: 8, 5: 4}
# The messages of ONNX's format that lead to a tensor, and the fields of each that do.
_INSIDE = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
_GRAPH = 7
_LONGEST = 255  # characters of the name of a file


class _Field(NamedTuple):
    """A field of a message: its number, and its bytes where it has some."""

    number: int
    content: Bytes | None


def is_onnx(path: Path) -> bool:
    """Whether a file is a protobuf message with a graph where ONNX has it."""
    with path.open("rb") as file:
        if file.read(1) != b"\x08":  # the version of the format, its first field
            return False
    try:
        with _content(path) as content:
            return any(f.number == _GRAPH and f.content is not None for f in _fields(content))
    except ValueError:
        return False


def external_files(path: Path) -> tuple[Path, ...]:
    """The files beside an ONNX file that hold its tensors.

    Raises:
        SrBenchError: for one outside the file's folder, one that isn't there, and a damaged file.
    """
    try:
        with _content(path) as content:
            names = dict.fromkeys(_locations(content, "model"))
    except (ValueError, RecursionError) as error:
        raise SrBenchError(f"{path}: a damaged ONNX file ({error}); export it again") from error
    return tuple(_beside(path, name) for name in names)


def _beside(path: Path, name: str) -> Path:
    found, lexical = path.parent / name, Path(name)
    folders = (path.parent.resolve(), path.resolve().parent)  # a cache may link both files
    if lexical.is_absolute() or ".." in lexical.parts or "\0" in name or len(name) > _LONGEST:
        inside = False
    else:
        inside = any(found.resolve().is_relative_to(folder) for folder in folders)
    if not inside:
        name = name[:_LONGEST]
        raise SrBenchError(
            f"{path}: refused: its tensors lie in '{name}', outside its folder; such a file can "
            "read any other: put the data beside it, and export it again"
        )
    if not found.is_file():
        raise SrBenchError(f"{path}: its tensors lie in '{name}', which isn't beside it; fetch it")
    return found


@contextmanager
def _content(path: Path) -> Iterator[Bytes]:
    """The bytes of a file, without reading it whole; closed when the last part of it is gone."""
    with path.open("rb") as file:
        if not path.stat().st_size:
            raise ValueError("it is empty")
        yield memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _locations(message: Bytes, kind: str) -> Iterator[str]:
    """Names of files in all tensors below a message."""
    for number, content in _fields(message):
        inside = _INSIDE[kind].get(number)
        if content is None or inside is None:
            continue
        if inside == "entry":
            key, value = _entry(content)
            if key == "location":
                yield value
        else:
            yield from _locations(content, inside)


def _entry(message: Bytes) -> tuple[str, str]:
    """A key and its value."""
    parts = {f.number: bytes(f.content).decode() for f in _fields(message) if f.content is not None}
    return parts.get(1, ""), parts.get(2, "")


def _fields(message: Bytes) -> Iterator[_Field]:
    """The fields of a protobuf message.

    Raises:
        ValueError: where it isn't one.
    """
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        size = _FIXED.get(kind, 0)
        if kind == 0:
            _, at = _varint(message, at)
        elif kind == _LENGTH:
            size, at = _varint(message, at)
        elif not size:
            raise ValueError(f"a field of the unknown kind {kind} at byte {at}")
        if number == 0 or at + size > len(message):
            raise ValueError(
                f"field {number} at byte {at} ends after {at + size} of {len(message)}"
            )
        yield _Field(number, message[at : at + size] if kind == _LENGTH else None)
        at += size


def _varint(message: Bytes, at: int) -> tuple[int, int]:
    """A whole number of several bytes, and where it ends."""
    value = shift = 0
    while at < len(message) and shift < 64:
        byte = message[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at
    raise ValueError(f"a number without end at byte {at}")
