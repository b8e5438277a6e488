"""What a picture must be to have one meaning as 8-bit gray or RGB, and what to say if it hasn't.

Each check looks at a picture that Pillow has opened but not decoded, and returns the reason why it
isn't read, or ``None``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from PIL import Image as Pillow
from PIL import UnidentifiedImageError
from PIL.ImageFile import ImageFile

from sr_bench.support.errors import WrongUse
from sr_bench.support.filetype import describe

MAX_PIXELS = "SR_BENCH_MAX_PIXELS"  # the environment variable
_MOST = 1 << 28  # 16,384 x 16,384; scoring takes about 33 bytes a pixel
_ORIENTATION, _EXTRA_SAMPLES, _SAMPLE_FORMAT = 0x0112, 338, 339  # tags of EXIF and TIFF
_PIXELS_A_BYTE = 1024  # JPEG: at least one bit for each 8 x 8 block is 512; twice that to be safe
_COUNTED = 1 << 20  # bytes of a file whose pictures are counted
_DEFLATE = 1032  # zlib: 258 equal bytes take two bits at best
_KNOWN = {
    "a PNG image": "PNG",
    "a BMP image": "BMP",
    "a JPEG image": "JPEG",
    "a GIF image": "GIF",
    "a WebP image": "WEBP",
    "a TIFF image": "TIFF",
}
# Pillow reads every kind of these once it has read the header; an error after that is damage.
_WHOLLY_READ = ("PNG", "BMP", "JPEG", "GIF", "WEBP", "PPM")
_REMEDY = {
    "P": "it has a palette: convert it to RGB (lossless)",
    "1": "it has 1 bit a pixel: convert it to 8-bit gray",
    "CMYK": "convert it to RGB with the colour profile you mean",
    "LAB": "convert it to RGB with the white point you mean",
}
_ALPHA = "it has an alpha channel: flatten it onto the background you mean and save {}"
_SHALLOW = {"BGR;15": 5, "BGR;16": 5}  # BMP with 15 or 16 bits a pixel: bits a channel


def reason_to_refuse(picture: Pillow.Image, size: int) -> str | None:
    """Why the picture isn't read, with the remedy; ``None`` where it is plain 8-bit gray or RGB."""
    return (
        _frames(picture, size)
        or _transparency(picture)
        or _pixels(picture)
        or _too_large(picture)
        or _beyond_its_bytes(picture, size)
        or (None if picture.format == "PNG" else turned(picture))
    )


def no_photo(picture: Pillow.Image, size: int) -> str | None:
    """Why the picture can't be read as a photo, which may have more bits, alpha or a palette."""
    mode = picture.mode
    deep = mode == "F" or (mode == "I" and "16" not in stored(picture)) or "12" in stored(picture)
    if deep:
        return f"pixels are {mode}, expected 8 or 16 bits a sample; convert it to one of these"
    if mode in ("CMYK", "LAB", "HSV"):
        remedy = _REMEDY.get(mode, "convert it to RGB")
        return f"pixels are {mode}, expected gray or RGB; {remedy}"
    return _frames(picture, size) or _too_large(picture) or _beyond_its_bytes(picture, size)


def orientation(picture: Pillow.Image) -> int:
    """How EXIF says that a picture is turned: 1 is upright, as is what means nothing."""
    try:
        value = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged EXIF, in many ways; readers that know the tag ignore it then
        return 1
    return value if value in range(2, 9) else 1  # 0 and 9 are written too


def turned(picture: Pillow.Image) -> str | None:
    """Why a picture with an EXIF orientation isn't read; ``None`` where it is upright.

    A PNG can hold EXIF behind its pixels, so it is asked after decoding; Pillow turns a TIFF by
    itself when it decodes it, so all others are asked before.
    """
    value = orientation(picture)
    if value == 1:
        return None
    return (
        f"its EXIF orientation tag is {value}: some programs turn or mirror it, some don't; "
        "turn the pixels (PIL.ImageOps.exif_transpose) or remove the tag, whichever you mean"
    )


def diagnosis(path: Path, error: Exception, format: str | None) -> str:
    """What is wrong with a file that Pillow can't open or decode.

    Args:
        format: Pillow's name of the format whose header was read; ``None`` if none was.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return _unreadable(error)
    if isinstance(error, MemoryError):
        return "there isn't enough memory to decode it; run fewer things at once"
    what, size = describe(path), path.stat().st_size
    if "MAX_TEXT" in str(error):  # of PNG text and of colour profiles
        return f"its text or colour profile is too large ({error}); save it again without that"
    if not what.endswith("image"):
        return f"not an image but {what} ({size} bytes); replace it by the image"
    reason = _reason(path, what) if isinstance(error, UnidentifiedImageError) else error
    cause = f"it is {what} that can't be decoded ({reason}; the file has {size} bytes)"
    if what == "a PNG image" or format in _WHOLLY_READ:
        return f"{cause}; it is truncated or damaged: fetch or save it again"
    return f"{cause}; it is damaged, or of a kind that isn't read: save it as 8-bit PNG"


def _reason(path: Path, what: str) -> str:
    """Why Pillow doesn't know an image that begins as one of a format: it keeps that to itself."""
    if what not in _KNOWN:
        return "Pillow doesn't read it as it is meant"
    try:
        with path.open("rb") as handle:
            Pillow.OPEN[_KNOWN[what]][0](handle, str(path))
    except Exception as error:  # as when reading: decoders fail in many ways
        return str(error)
    return "unknown"


def _unreadable(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "permission denied; make it readable for you (chmod u+r) or run as its owner"
    return f"can't be read ({error.strerror}); check the disk and the path"


def _pixels(picture: Pillow.Image) -> str | None:
    """Other colours than gray and RGB, and other depths than 8 bits."""
    mode, raw = picture.mode, stored(picture)
    if mode.startswith(("I", "F")) or "16N" in raw or _deep(raw):
        what = "it has more than 8 bits a channel: convert it to 8 bits the way the protocol means"
    elif raw in _SHALLOW:
        what = f"it has {_SHALLOW[raw]} bits a channel: save it as 8-bit RGB the way you mean"
    elif mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        what = _ALPHA.format("gray" if mode in ("LA", "La") else "RGB")
    elif mode not in ("L", "RGB"):
        what = _REMEDY.get(mode, "convert it to 8-bit gray or RGB")
    else:
        return _samples(picture)
    return f"pixels are {mode}, expected 8-bit gray (L) or RGB; {what}"


def stored(picture: Pillow.Image) -> str:
    """How the file holds pixels, in Pillow's words: RGB;16B, BGR;15, L;4."""
    return next((str(a) for a in _arguments(picture)), picture.mode)


def _arguments(picture: Pillow.Image) -> tuple[Any, ...]:
    args = _tile(picture)[3]
    return args if isinstance(args, tuple) else (args,)


def _codec(picture: Pillow.Image) -> str:
    return str(_tile(picture)[0])


def _tile(picture: Pillow.Image) -> tuple[Any, ...]:
    """Pillow's note on how to decode: codec, extent, offset, arguments."""
    tiles: list[Any] = picture.tile if isinstance(picture, ImageFile) else []
    return tuple(tiles[0]) if tiles else ("", None, 0, ())


def _deep(raw: str) -> bool:
    """Pillow reads 16-bit RGB as 8-bit in silence; what is stored tells."""
    return raw not in _SHALLOW and any(bits in raw for bits in ("16", "12", "32"))


def _samples(picture: Pillow.Image) -> str | None:
    """Samples that Pillow changes or drops in silence when it makes 8-bit gray or RGB."""
    levels = _arguments(picture)[-1:] if picture.format == "PPM" else ()
    if levels and isinstance(levels[0], int) and levels[0] != 255 and _codec(picture) != "raw":
        return f"its levels are 0..{levels[0]}, expected 0..255; save it as 8-bit PNG"
    tags: Any = getattr(picture, "tag_v2", {})
    if tags.get(_EXTRA_SAMPLES):
        return f"it has an extra channel, expected gray or RGB; {_ALPHA.format('RGB or gray')}"
    if 2 in tuple(tags.get(_SAMPLE_FORMAT, ())):
        return "its samples have a sign (-128..127), expected 0..255; save it as 8-bit PNG"
    return None


def _frames(picture: Pillow.Image, size: int) -> str | None:
    if not getattr(picture, "is_animated", False):
        return None
    # Pillow goes through all of them to count them, in TIFF with each through those before.
    count = getattr(picture, "n_frames", 1) if size < _COUNTED else "several"
    return f"it holds {count} pictures (pages or frames), expected one; save the one you mean alone"


def _transparency(picture: Pillow.Image) -> str | None:
    if "transparency" not in picture.info:
        return None
    gray = "gray" if picture.mode == "L" else "RGB"
    return f"one of its colours is transparent, as if {_ALPHA.format(gray)}"


def _too_large(picture: Pillow.Image) -> str | None:
    width, height = picture.size
    most = _limit()
    if width * height <= most:
        return None
    return (
        f"{width} x {height} pixels are more than the {most:,} that are read by default or by "
        f"{MAX_PIXELS}; to allow it, set {MAX_PIXELS}={width * height} (scoring takes about "
        f"{width * height * 33 / 1e9:.0f} GB)"
    )


def _limit() -> int:
    text = os.environ.get(MAX_PIXELS, str(_MOST))
    if not text.isascii() or not text.isdigit() or not int(text):
        raise WrongUse(f"{MAX_PIXELS} is '{text}', expected a whole number of pixels, as {_MOST}")
    return int(text)


def _beyond_its_bytes(picture: Pillow.Image, size: int) -> str | None:
    """A header that declares more pixels than the file can hold costs gigabytes to decode.

    The bounds are those of the formats: even an image of one colour needs so many bytes.
    """
    width, height = picture.size
    bits = _bits(picture)
    most = {
        "raw": 8 * size / bits,
        "zip": 8 * size * _DEFLATE / bits,
        "jpeg": size * _PIXELS_A_BYTE,
    }.get(_codec(picture), width * height)
    if width * height <= most:
        return None
    return (
        f"its header says {width} x {height} pixels, more than its {size} bytes can hold; "
        "it is truncated or damaged: fetch or save it again"
    )


def _bits(picture: Pillow.Image) -> int:
    """The least that a pixel takes in the file, before compression."""
    if picture.mode == "RGB":
        return 24
    if picture.mode == "1" or stored(picture).endswith(";1"):
        return 1
    return next((b for b in (2, 4) if f";{b}" in stored(picture)), 8)
