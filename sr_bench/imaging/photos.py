"""Photos of any kind: gray or RGB, 8 or 16 bits, alpha, palettes, turned by EXIF, with a profile.

What is scored is read by :mod:`sr_bench.imaging.images`, which refuses all that has more than one
meaning. A photo has one: what a viewer shows.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL.ImageFile import ImageFile

from sr_bench.imaging import images
from sr_bench.imaging.image_checks import diagnosis, no_photo, orientation, stored
from sr_bench.imaging.png import Header, Samples, write_png
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import replacing

Format = Literal["png", "tiff", "webp", "jpeg"]
Array = NDArray[Any]
_OPAQUE = ("jpeg",)  # formats without alpha
_DEEP = ("I;16", "I;16B", "I;16L", "I;16N")
_SAVE: dict[str, dict[str, object]] = {
    "jpeg": {"quality": 95, "subsampling": 0},
    "webp": {"lossless": True},
    "tiff": {"compression": "tiff_deflate"},
}


@dataclass(frozen=True)
class Photo:
    """A photo as a viewer shows it.

    Args:
        pixels: (h, w) gray or (h, w, 3) RGB, uint8 or uint16.
        alpha: (h, w) of the same type, where there is one.
        icc: its colour profile.
        notes: what was done to the file's pixels, for people.
    """

    pixels: Samples
    alpha: Samples | None = None
    icc: bytes | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()

    @property
    def bits(self) -> int:
        """8 or 16."""
        return self.pixels.dtype.itemsize * 8

    def turned(self, how: int) -> Photo:
        """Upright, by the number of its EXIF orientation."""
        if how == 1:
            return self
        alpha = None if self.alpha is None else _turned(self.alpha, how)
        note = f"turned upright (EXIF orientation {how})"
        return replace(
            self, pixels=_turned(self.pixels, how), alpha=alpha, notes=(*self.notes, note)
        )


def read_photo(path: Path) -> Photo:
    """Read a photo.

    Raises:
        SrBenchError: for a file that is missing, damaged, no image or of several pictures; for
            CMYK, LAB and samples that are neither 8 nor 16 bits.
    """
    name = None
    try:
        with images.opened(path) as picture:
            name = picture.format
            images.require(path, no_photo(picture, path.stat().st_size))
            deep = picture.mode in _DEEP or "16" in stored(picture) or picture.mode == "I"
            photo = _deep(path, picture) if deep else _usual(picture)
            return photo.turned(orientation(picture))
    except SrBenchError:
        raise
    except Exception as error:  # decoders of many formats fail in many ways on damaged bytes
        raise SrBenchError(f"{path}: {diagnosis(path, error, name)}") from error


def _usual(picture: ImageFile) -> Photo:
    """8 bits; what isn't gray or RGB becomes that."""
    notes = [f"its palette ({picture.mode}) became RGB"] if picture.mode in ("P", "PA") else []
    icc = picture.info.get("icc_profile")
    plain: Any = picture
    if "transparency" in picture.info or picture.mode in ("PA", "RGBa", "La"):
        plain = picture.convert("LA" if picture.mode in ("L", "1", "La") else "RGBA")
    elif picture.mode not in ("L", "RGB", "LA", "RGBA"):
        plain = picture.convert("L" if picture.mode == "1" else "RGB")
    else:
        picture.load()
    return _split(np.array(plain), icc or None, tuple(notes))


def _split(samples: Array, icc: bytes | None, notes: tuple[str, ...]) -> Photo:
    """A photo of (h, w) or (h, w, channels), alpha last where there are 2 or 4."""
    if samples.ndim == 2:
        return Photo(samples, None, icc, notes)
    channels = samples.shape[2]
    pixels = samples[..., 0] if channels == 2 else samples[..., :3]
    return Photo(pixels, samples[..., -1] if channels in (2, 4) else None, icc, notes)


def _deep(path: Path, picture: ImageFile) -> Photo:
    """16 bits."""
    icc, clear = picture.info.get("icc_profile"), picture.info.get("transparency")
    if picture.mode.startswith("I"):
        picture.load()
        samples = np.array(picture).astype(np.uint16)
    else:
        samples = _both_bytes(path, picture)
    photo = _split(samples, icc, ())
    if clear is None:
        return photo
    seen = photo.pixels != np.asarray(clear)
    seen = seen if seen.ndim == 2 else seen.any(axis=2)
    return replace(photo, alpha=(seen * np.uint16(65535)).astype(np.uint16))


def _both_bytes(path: Path, picture: ImageFile) -> Array:
    """16-bit samples of a picture that Pillow makes 8-bit ones of.

    It keeps the first or the second byte of each, as it is told where the high one is: told both,
    one after the other, it gives all.
    """
    raw = stored(picture)
    if raw == "LA;16B":  # four bytes of a pixel, which can be read as any four
        samples = _decoded(picture, "RGBA").astype(np.uint16)
        return np.stack([samples[..., i] << 8 | samples[..., i + 1] for i in (0, 2)], axis=-1)
    other = raw[:-1] + ("L" if raw[-1] == "B" or (raw[-1] == "N" and _is_big()) else "B")
    with images.opened(path) as again:
        low = _decoded(again, other)
    return _decoded(picture, raw).astype(np.uint16) << 8 | low


def _is_big() -> bool:
    return sys.byteorder == "big"


def _decoded(picture: ImageFile, raw: str) -> Array:
    """The picture as if its file held pixels in another way."""
    tiles: Any = []
    for codec, extent, offset, arguments in picture.tile:
        told: Any = (raw, *arguments[1:]) if isinstance(arguments, tuple) else raw
        tiles.append((codec, extent, offset, told))
    own: Any = type(picture.tile[0])
    picture.tile = [own(*tile) if own is not tuple else tile for tile in tiles]
    picture.load()
    return np.array(picture)


def _turned(planes: Array, how: int) -> Array:
    """What EXIF's orientations 2 to 8 ask for."""
    if how > 4:
        planes = planes.swapaxes(0, 1)
    rows = -1 if how in (3, 4, 7, 8) else 1
    columns = -1 if how in (2, 3, 6, 7) else 1
    return planes[::rows, ::columns]


def check_format(path: Path, photo: Photo, kind: Format) -> None:
    """Refuse a photo that a format can't hold.

    Raises:
        SrBenchError: naming what would be lost.
    """
    if kind == "png":
        return
    lost = "16 bits a sample" if photo.bits == 16 else ""
    lost = "its alpha" if photo.alpha is not None and kind in _OPAQUE else lost
    if lost:
        raise SrBenchError(f"{path}: {kind} would lose {lost}; write PNG (leave out --format)")


def write_photo(path: Path, header: Header, bands: Iterable[Samples], kind: Format) -> None:
    """Write rows from the top down as they come, atomically.

    Raises:
        SrBenchError: if the format can't hold them.
    """
    if kind not in get_args(Format):
        raise ValueError(f"format is {kind!r}, expected one of {get_args(Format)}")
    with replacing(path) as temporary:
        if kind == "png":
            write_png(temporary, header, bands)
            return
        samples = np.empty((*header.size, header.channels), np.uint8)
        done = 0
        for band in bands:
            samples[done : done + len(band)] = band
            done += len(band)
        plain = samples[..., 0] if header.channels == 1 else samples
        try:
            picture = Pillow.fromarray(plain)
            picture.save(temporary, format=kind, icc_profile=header.icc, **_SAVE[kind])
        except (ValueError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise SrBenchError(f"{path}: {kind} can't hold it ({error}); write PNG") from error
