"""Image files to uint8 arrays and back, and the images of a folder: all pixel I/O."""

from __future__ import annotations

import importlib
import threading
import unicodedata
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngInfo

from sr_bench.imaging.image_checks import diagnosis, reason_to_refuse, turned
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import replacing
from sr_bench.support.filetype import describe, special_kind

Image = NDArray[np.uint8]  # (h, w) gray or (h, w, 3)
Planes = NDArray[np.generic]  # the same, of any type and number of planes
Colour = Literal["rgb", "ycbcr"]  # what three planes are
Skip = Callable[[Path, str], object]  # told of each file that isn't an image, and the reason
# Pillow reads these as they are meant; it would cut AVIF and JPEG 2000 of 10 bits to 8 in silence.
_FORMATS = ("PNG", "BMP", "DIB", "JPEG", "TIFF", "WEBP", "PPM", "GIF", "JXL")
_READ = (
    *(".png", ".apng", ".bmp", ".dib", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".webp"),
    *(".ppm", ".pgm", ".pnm", ".pbm", ".pfm", ".gif", ".jxl"),
)
_NOT_READ = (
    *(".avif", ".heic", ".heif", ".jp2", ".j2k", ".j2c", ".jpx", ".jpf", ".jls", ".jxr", ".exr"),
    *(".hdr", ".psd", ".tga", ".dds", ".pcx", ".qoi", ".sgi", ".xbm", ".dng", ".cr2", ".nef"),
)
_JUNK = (
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "__macosx",
    "@eadir",
    "icon\r",
)  # of file managers
_TAG = "sr-bench:planes"  # PNG text chunk: three planes that aren't RGB say so


def read(path: Path) -> Image:
    """Read an 8-bit gray or RGB image.

    Returns:
        uint8, (h, w) for a gray file or (h, w, 3) in the file's channel order.

    Raises:
        SrBenchError: for a file that is missing, damaged or no image, and for an image with more
            than one meaning as 8-bit gray or RGB: 16 bits, a palette, transparency, several
            pictures, an EXIF orientation, CMYK.
    """
    return read_tagged(path)[0]


def read_tagged(path: Path) -> tuple[Image, Colour]:
    """Read an image and say what its three planes are: RGB unless :func:`write` noted otherwise."""
    format = None
    try:
        with opened(path) as picture:
            format = picture.format
            require(path, reason_to_refuse(picture, path.stat().st_size))
            picture.load()
            require(path, turned(picture))
            colour: Colour = "ycbcr" if picture.info.get(_TAG) == "ycbcr" else "rgb"
            return np.array(picture), colour
    except SrBenchError:
        raise
    except Exception as error:  # decoders of many formats fail in many ways on damaged bytes
        raise SrBenchError(f"{path}: {diagnosis(path, error, format)}") from error


@contextmanager
def opened(path: Path) -> Iterator[ImageFile]:
    """A picture whose header is read and whose pixels aren't, of a format that is read as meant.

    Raises:
        SrBenchError: for what isn't a file, or a format that isn't read.
    """
    if what := special_kind(path):
        raise SrBenchError(_no_file(path, what))
    if path.suffix.lower() in _NOT_READ:
        raise SrBenchError(f"{path}: {path.suffix} isn't read; save it as 8-bit PNG")
    with _any_size(), Pillow.open(path, formats=_formats()) as picture:
        yield picture


def pixels_of(path: Path) -> int:
    """How many pixels the image has, from its header; 0 where :func:`read` will refuse it."""
    try:
        with opened(path) as picture:
            return picture.width * picture.height
    except Exception:  # a damaged file, in many ways
        return 0


def write(path: Path, image: Image, *, colour: Colour = "rgb") -> None:
    """Write uint8 (h, w) or (h, w, 3) as PNG, atomically; fast compression, lossless.

    Three planes that aren't RGB are noted in a PNG text chunk, which :func:`read_tagged` reads.
    """
    if image.dtype != np.uint8:
        raise ValueError(f"{path}: image is {image.dtype}, PNG files here hold uint8; round it")
    info = PngInfo()
    if image.ndim == 3 and colour != "rgb":
        info.add_text(_TAG, colour)
    with replacing(path) as temporary:
        # Of zlib's strategies the fastest on photos; files are smaller than by its default.
        Pillow.fromarray(image).save(
            temporary, format="PNG", compress_level=1, compress_type=zlib.Z_RLE, pnginfo=info
        )


def is_image(path: Path) -> bool:
    """Whether the name is an image's: by its suffix, and none that a file manager leaves behind."""
    return path.suffix.lower() in (*_READ, *_NOT_READ) and not _is_hidden(path)


def listing(folder: Path, *, skip: Skip | None = None) -> list[Path]:
    """The images directly in ``folder``, by name: all whose suffix is an image's, good or bad.

    Hidden files and those of file managers are ignored.

    Args:
        folder: where to look; not in its sub-folders.
        skip: called with everything else that is there and the reason; default: a warning.

    Raises:
        SrBenchError: if there is no such folder or no image in it, or two images have one name.
    """
    if not folder.is_dir():
        raise SrBenchError(f"{folder}: {_no_folder(folder)}")
    there = sorted(p for p in folder.iterdir() if not _is_hidden(p))
    found, others = ([p for p in there if is_image(p) is wanted] for wanted in (True, False))
    if not found:
        raise SrBenchError(
            f"{folder}: no image in it (of {len(there)} files and folders); check the path; "
            f"images are {', '.join(_READ)}"
        )
    _require_one_name_each(folder, found)
    for path in others:
        (skip or _warn)(path, _other(path))
    return found


def name_of(path: Path) -> str:
    """The image's name, to compare: without suffix, and one form for letters with accents.

    macOS writes such letters as two characters (NFD), others as one (NFC).
    """
    return unicodedata.normalize("NFC", path.stem)


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".") or path.name.lower() in _JUNK


def _no_folder(path: Path) -> str:
    what = describe(path)
    if what == "missing":
        return "no such folder; check the path"
    return f"is {what}, expected a folder of images; name the folder that it is in"


def _no_file(path: Path, what: str) -> str:
    if what == "missing":
        return f"{path}: no such file; check the folder and the name"
    return f"{path}: is {what}, expected an image file; replace it or move it away"


def _other(path: Path) -> str:
    """Why a file of the folder isn't one of its images."""
    what = describe(path)
    if what == "a folder":
        return "a folder; images in it are not looked at"
    if what.endswith("image"):
        return f"{what} whose name has no image's suffix; rename it if it belongs to the set"
    return f"no image ({what})"


def _require_one_name_each(folder: Path, paths: list[Path]) -> None:
    first: dict[str, Path] = {}
    twice = [
        f"{other.name} and {path.name}"
        for path in paths
        if (other := first.setdefault(name_of(path), path)) is not path
    ]
    if twice:
        raise SrBenchError(
            f"{folder}: two images of one name: {'; '.join(twice[:8])}"
            + (f"; and {len(twice) - 8} more" if twice[8:] else "")
            + "; a name is one row of a table: rename one or move it away"
        )


def _warn(path: Path, reason: str) -> None:
    warnings.warn(f"{path}: skipped: {reason}", stacklevel=3)


def require(path: Path, reason: str | None) -> None:
    """Refuse a file for a reason, where there is one."""
    if reason:
        raise SrBenchError(f"{path}: {reason}")


@cache
def _formats() -> list[str]:
    """The formats that this Pillow can read; JPEG XL needs a plug-in, pillow-jxl-plugin."""
    with suppress(ImportError):
        importlib.import_module("pillow_jxl")
    Pillow.init()
    return [f for f in _FORMATS if f in Pillow.OPEN]


class _Readers:
    """How many threads read at this moment, and Pillow's limit before the first of them."""

    lock = threading.Lock()
    count = 0
    limit: int | None = None


@contextmanager
def _any_size() -> Iterator[None]:
    """Without Pillow's limit of 179 megapixels: ours asks whether the file can hold its pixels."""
    with _Readers.lock:
        if _Readers.count == 0:
            _Readers.limit, Pillow.MAX_IMAGE_PIXELS = Pillow.MAX_IMAGE_PIXELS, None
        _Readers.count += 1
    try:
        yield
    finally:
        with _Readers.lock:
            _Readers.count -= 1
            if _Readers.count == 0:
                Pillow.MAX_IMAGE_PIXELS = _Readers.limit
