"""MATLAB's .mat files of version 5, looked through before SciPy reads them: how large, how deep.

SciPy unpacks whatever it is given, and follows cells in cells in C until the stack ends. A file is
a header of 128 bytes, then elements, each a type, a length and content; what an array holds comes
after its flags, its sides and its name.
"""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path

from sr_bench.networks.limits import most_bytes
from sr_bench.support.errors import SrBenchError

_HEADER = 128
_ARRAY, _PACKED = 14, 15  # types of elements
_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}  # of types of numbers
_CODECS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CELL, _STRUCT, _OBJECT, _TEXT, _SPARSE, _FUNCTION, _OPAQUE = 1, 2, 3, 4, 5, 16, 17  # of arrays
_COMPLEX = 0x0800  # of an array's flags
_MOST_SIDES, _BLANK = 32, 1000  # sides of an array, characters that aren't written
_DEEPEST, _MOST = 50, 1_000_000  # arrays inside each other, and in all


def require_bounded(path: Path) -> None:
    """Refuse a file that unpacks to far more than its size, nests without end, or is damaged.

    Raises:
        SrBenchError: naming the file and the limit.
        ValueError, struct.error, zlib.error: for a damaged one, which may end SciPy's process.
    """
    content = path.read_bytes()
    if 0 in content[:4]:  # version 4, which packs nothing and nests nothing
        return
    order = "<" if content[_HEADER - 2 : _HEADER] == b"IM" else ">"
    top = _Elements(content, order, _HEADER)
    left, seen = most_bytes(path), 0
    while top.at < len(top.content):
        kind, length = top.tag()
        if kind not in (_ARRAY, _PACKED):
            raise ValueError(f"an element of type {kind} at byte {top.at}, expected an array")
        arrays, inside = _Elements(top.content, top.order, top.at), kind != _PACKED
        if kind == _PACKED:
            content = _unpacked(path, top.content[top.at : top.at + length], left)
            left -= len(content)
            arrays = _Elements(content, top.order, 0)
        depth, count = arrays.measured(inside=inside)
        seen += count
        if depth > _DEEPEST or seen > _MOST:
            raise SrBenchError(
                f"{path}: refused: more than {_DEEPEST} cells or structs lie inside each other, or "
                f"there are more than {_MOST:,}, which no weights need; fetch the weights' own file"
            )
        top.at += length


def _unpacked(path: Path, packed: bytes, most: int) -> bytes:
    content = zlib.decompressobj().decompress(packed, most + 1)
    if len(content) > most:
        raise SrBenchError(
            f"{path}: refused: has {path.stat().st_size:,} bytes and would unpack to more than the "
            f"{most_bytes(path):,} that weights of such a file take; fetch the weights' own file"
        )
    return content


class _Elements:
    """Elements read one after the other, as SciPy does: lengths of arrays say nothing to it."""

    def __init__(self, content: bytes, order: str, at: int) -> None:
        self.content, self.order, self.at = content, order, at

    def measured(self, *, inside: bool) -> tuple[int, int]:
        """How deep arrays lie inside an array, and how many; up to what is too much.

        Args:
            inside: it begins inside the array, after its type and length.
        """
        to_come, deepest, count = [1], 0, 0  # arrays to come, at each depth
        while to_come and deepest <= _DEEPEST and count <= _MOST:
            if not to_come[-1]:
                to_come.pop()
                continue
            to_come[-1] -= 1
            kind, length = (_ARRAY, 1) if inside else self.tag()
            inside = False
            if kind != _ARRAY:
                raise ValueError(f"an element of type {kind} at byte {self.at}, expected an array")
            count += 1
            if length:
                deepest = max(deepest, len(to_come))
                to_come.append(self._held())
        return deepest, count

    def _held(self) -> int:
        """How many arrays an array holds; what comes before them is read."""
        self.at += 8
        flags, _ = self._numbers(2)
        kind = flags & 0xFF
        if kind == _OPAQUE:
            self._skip(3)
            return 1
        _, sides = self._part()
        if len(sides) > _MOST_SIDES * 4:
            raise ValueError(f"an array of {len(sides) // 4} sides")
        count: int = math.prod(struct.unpack_from(f"{self.order}{len(sides) // 4}i", sides)) * bool(
            sides
        )
        self._skip(1)
        if kind == _CELL:
            return max(count, 0)
        if kind in (_STRUCT, _OBJECT):
            self._skip(kind == _OBJECT)
            longest: int = struct.unpack(f"{self.order}i", self._part()[1][:4])[0]
            if longest < 1:
                raise ValueError(f"names of {longest} characters")
            return max(count, 0) * (len(self._part()[1]) // longest)
        if kind == _FUNCTION:
            return 1
        self._values(kind, count, twice=bool(flags & _COMPLEX))
        return 0

    def _values(self, kind: int, count: int, *, twice: bool) -> None:
        """Text or numbers: as many as the sides say, where SciPy takes their word for it."""
        if kind == _SPARSE:
            self._skip(3 + twice)
            return
        for _ in range(1 + twice):
            stored, content = self._part()
            if kind == _TEXT:
                codec = _CODECS.get(stored, "ascii")
                codec += {"<": "-le", ">": "-be"}[self.order] if codec[-2:] in ("16", "32") else ""
                found = len(content.decode(codec, "replace"))
            else:
                found = len(content) // _BYTES.get(stored, 1)
            blank = kind == _TEXT and not content and 0 <= count <= _BLANK  # written so by some
            if found != count and not blank:
                raise ValueError(f"an array of {count} values that has {found}")

    def tag(self) -> tuple[int, int]:
        """Type and length of the element that comes."""
        kind, length = self._numbers(2)
        return kind, length

    def _numbers(self, count: int) -> tuple[int, ...]:
        found = struct.unpack_from(f"{self.order}{count}I", self.content, self.at)
        self.at += 4 * count
        return found

    def _part(self) -> tuple[int, bytes]:
        """Type and content of an element in an array: short ones stand in their length's place."""
        kind, length = self._numbers(2)
        short, start = kind >> 16, self.at
        if short:
            kind, length, start = kind & 0xFFFF, short, self.at - 4
        else:
            self.at += length + -length % 8
        if kind not in (*_BYTES, *_CODECS) or short > 4 or start + length > len(self.content):
            raise ValueError(f"{length} bytes of type {kind} at byte {start}")
        return kind, self.content[start : start + length]

    def _skip(self, count: int) -> None:
        for _ in range(count):
            self._part()
