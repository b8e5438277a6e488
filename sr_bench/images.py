"""PNG, BMP and JPEG files to uint8 arrays and back; the only pixel I/O of the package."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import UnidentifiedImageError
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngInfo

from sr_bench.errors import SrBenchError
from sr_bench.files import replacing

Image = NDArray[np.uint8]  # (h, w) gray or (h, w, 3)
Colour = Literal["rgb", "ycbcr"]  # what three planes are
SUFFIXES = (".png", ".bmp", ".jpg", ".jpeg")
_FORMATS = ("PNG", "BMP", "JPEG")
_TAG = "sr-bench:planes"  # PNG text chunk: three planes that aren't RGB say so
_REMEDY = {
    "P": "it has a palette: convert it to RGB (lossless)",
    "1": "it has 1 bit a pixel: convert it to 8-bit gray",
    "RGBA": "it has an alpha channel: flatten it onto the background you mean and save RGB",
    "LA": "it has an alpha channel: flatten it onto the background you mean and save gray",
    "CMYK": "convert it to RGB with the colour profile you mean",
}


def read(path: Path) -> Image:
    """Read an 8-bit gray or RGB image.

    Returns:
        uint8, (h, w) for a gray file or (h, w, 3) in the file's channel order.

    Raises:
        SrBenchError: for a missing, truncated or foreign file, and for 16-bit, palette, alpha,
            1-bit or CMYK pixels, which have no single meaning as 8-bit gray or RGB.
    """
    return read_tagged(path)[0]


def read_tagged(path: Path) -> tuple[Image, Colour]:
    """Read an image and say what its three planes are: RGB unless :func:`write` noted otherwise."""
    try:
        with Pillow.open(path, formats=_FORMATS) as picture:
            deep = _is_deep(picture)
            if picture.mode not in ("L", "RGB") or deep:
                raise SrBenchError(f"{path}: {_facts(picture.mode, deep)}")
            picture.load()
            colour: Colour = "ycbcr" if picture.info.get(_TAG) == "ycbcr" else "rgb"
            return np.array(picture), colour
    except FileNotFoundError as error:
        raise SrBenchError(f"{path}: no such file; check the folder and the name") from error
    except UnidentifiedImageError as error:
        raise SrBenchError(
            f"{path}: not a PNG, BMP or JPEG file ({path.stat().st_size} bytes); replace it"
        ) from error
    except (OSError, SyntaxError, Pillow.DecompressionBombError) as error:
        raise SrBenchError(
            f"{path}: can't be decoded ({error}; the file has {path.stat().st_size} bytes); "
            "it is truncated or damaged: fetch or save it again"
        ) from error


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


def listing(folder: Path) -> list[Path]:
    """The image files directly in ``folder``, by name.

    Raises:
        SrBenchError: if there is no such folder or no image in it.
    """
    if not folder.is_dir():
        raise SrBenchError(f"{folder}: no such folder; check the path")
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
    if not found:
        raise SrBenchError(f"{folder}: no {', '.join(SUFFIXES)} file in it; check the path")
    return found


def _is_deep(picture: Pillow.Image) -> bool:
    """More than 8 bits a channel in the file; Pillow would read 16-bit RGB as 8-bit in silence."""
    if picture.mode.startswith(("I", "F")):
        return True
    tiles = picture.tile if isinstance(picture, ImageFile) else []
    raw = [t.args if isinstance(t.args, str) else (t.args or ("",))[0] for t in tiles]
    return any("16" in str(mode) for mode in raw)


def _facts(mode: str, deep: bool) -> str:
    if deep:
        what = "it has more than 8 bits a channel: convert it to 8 bits the way the protocol means"
    else:
        what = _REMEDY.get(mode, "convert it to 8-bit gray or RGB")
    return f"pixels are {mode}, expected 8-bit gray (L) or RGB; {what}"
