"""PNG files written band by band: 8 or 16 bits, with alpha and a colour profile.

A photo at four times its size is half a gigabyte. Pillow would hold it twice, and has no RGB of 16
bits. What is written here is read by every program: PNG, third edition, W3C 2025.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.uint8] | NDArray[np.uint16]  # (rows, W, channels)
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by channels: gray, with alpha; RGB, with alpha
_PAETH = 4
_ROWS = 32  # filtered at once: what they take stays in the cache


@dataclass(frozen=True)
class Header:
    """What a picture is.

    Args:
        size: height and width.
        channels: 1 gray, 3 RGB; 2 and 4 with alpha behind them.
        bits: 8 or 16.
        icc: its colour profile.
    """

    size: tuple[int, int]
    channels: int
    bits: int = 8
    icc: bytes | None = None


def write_png(path: Path, header: Header, bands: Iterable[Samples]) -> None:
    """Write rows from the top down as they come, each band (rows, W, channels).

    Raises:
        ValueError: if the rows aren't those of the header.
    """
    with path.open("wb") as file:
        file.write(_SIGNATURE)
        height, width = header.size
        colour = _COLOUR_TYPES[header.channels]
        _chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, header.bits, colour, 0, 0, 0))
        if header.icc is not None:
            _chunk(file, b"iCCP", b"ICC\0\0" + zlib.compress(header.icc))
        _write_rows(file, header, bands)
        _chunk(file, b"IEND", b"")


def _write_rows(file: BinaryIO, header: Header, bands: Iterable[Samples]) -> None:
    height, width = header.size
    step = header.channels * header.bits // 8  # bytes of a pixel
    packed = zlib.compressobj(1, zlib.DEFLATED, 15, 9, zlib.Z_RLE)
    above = np.zeros(width * step, np.uint8)
    done = 0
    for band in bands:
        _require(band, header)
        done += len(band)
        for first in range(0, len(band), _ROWS):
            rows = _bytes_of(band[first : first + _ROWS])
            _chunk(file, b"IDAT", packed.compress(_filtered(rows, above, step).tobytes()))
            above = rows[-1].copy()
    if done != height:
        raise ValueError(f"{done} rows were made, the picture has {height}")
    _chunk(file, b"IDAT", packed.flush())


def _require(band: Samples, header: Header) -> None:
    width, bits = header.size[1], band.dtype.itemsize * 8
    if band.shape[1:] != (width, header.channels) or bits != header.bits:
        raise ValueError(
            f"a band is {band.shape} of {bits} bits, expected (rows, {width}, {header.channels}) "
            f"of {header.bits}"
        )


def _bytes_of(rows: Samples) -> NDArray[np.uint8]:
    """(rows, bytes), most significant byte first."""
    ordered = np.ascontiguousarray(rows, dtype=rows.dtype.newbyteorder(">"))
    return ordered.reshape(len(rows), -1).view(np.uint8)


def _filtered(rows: NDArray[np.uint8], above: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """Each byte less Paeth's prediction of it, behind the filter's number."""
    upper = np.vstack([above[None], rows[:-1]]).astype(np.int16)
    left, corner = np.zeros_like(upper), np.zeros_like(upper)
    left[:, step:], corner[:, step:] = rows[:, :-step], upper[:, :-step]
    across, down = upper - corner, left - corner  # what left and upper are off the prediction
    off_left, off_upper, off_corner = np.abs(across), np.abs(down), np.abs(across + down)
    predicted = np.where(off_upper <= off_corner, upper, corner)
    is_left = (off_left <= off_upper) & (off_left <= off_corner)
    np.copyto(predicted, left, where=is_left)
    made = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    made[:, 0] = _PAETH
    made[:, 1:] = rows - predicted.astype(np.uint8)
    return made


def _chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    if kind == b"IDAT" and not data:
        return  # nothing has come out of the compressor yet
    file.write(struct.pack(">I", len(data)) + kind + data)
    file.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))
