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
_PLAIN = (*range(1, 8), 9, 12, 13, 16, 17, 18)  # of numbers and text
_CELL, _STRUCT, _OBJECT, _SPARSE, _FUNCTION, _OPAQUE = 1, 2, 3, 5, 16, 17  # classes of arrays
_COMPLEX = 0x0800  # of an array's flags
_MOST_SIDES = 32
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
        sides = self._part()
        if len(sides) > _MOST_SIDES * 4:
            raise ValueError(f"an array of {len(sides) // 4} sides")
        count = math.prod(struct.unpack_from(f"{self.order}{len(sides) // 4}i", sides))
        self._skip(1)
        if kind == _CELL:
            return max(count, 0)
        if kind in (_STRUCT, _OBJECT):
            self._skip(kind == _OBJECT)
            (longest,) = struct.unpack(f"{self.order}i", self._part()[:4])
            if longest < 1:
                raise ValueError(f"names of {longest} characters")
            return max(count, 0) * (len(self._part()) // longest)
        if kind == _FUNCTION:
            return 1
        self._skip((3 if kind == _SPARSE else 1) + bool(flags & _COMPLEX))
        return 0

    def tag(self) -> tuple[int, int]:
        """Type and length of the element that comes."""
        kind, length = self._numbers(2)
        return kind, length

    def _numbers(self, count: int) -> tuple[int, ...]:
        found = struct.unpack_from(f"{self.order}{count}I", self.content, self.at)
        self.at += 4 * count
        return found

    def _part(self) -> bytes:
        """The content of an element in an array: up to four bytes stand in its length's place."""
        kind, length = self._numbers(2)
        short, start = kind >> 16, self.at
        if short:
            kind, length, start = kind & 0xFFFF, short, self.at - 4
        else:
            self.at += length + -length % 8
        if kind not in _PLAIN or short > 4 or start + length > len(self.content):
            raise ValueError(f"{length} bytes of type {kind} at byte {start}")
        return self.content[start : start + length]

    def _skip(self, count: int) -> None:
        for _ in range(count):
            self._part()
