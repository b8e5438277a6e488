"""The viewer's image files: the same pixels as PNG, linked where possible, or as lossless WebP."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
from PIL import Image

from sr_bench.imaging import images
from sr_bench.imaging.color import to_uint8, ycbcr_to_rgb

FOLDER = "images"
_EFFORT = 50  # of WebP's encoder, 0 to 100: more is 1 % smaller and takes four times as long


@dataclass(frozen=True)
class Store:
    """Where images are written, and the folder of the report before, whose files are kept."""

    folder: Path
    before: Path
    suffix: str

    def address(self, name: Path) -> str:
        """How the page names a file."""
        return "/".join(quote(p, safe="") for p in (FOLDER, *name.parts)) + self.suffix

    def put(self, source: Path, name: Path) -> None:
        """Write the pixels of ``source``; one that is there already stays."""
        target = self._path(self.folder, name)
        if target.is_file():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        pixels, colour = images.read_tagged(source)
        if self.suffix == ".png":
            _png(source, target, pixels, colour)
        else:
            rgb = pixels if colour == "rgb" else _rgb(pixels)
            _webp(rgb, target, self._path(self.before, name))

    def _path(self, folder: Path, name: Path) -> Path:
        return folder / name.parent / f"{name.name}{self.suffix}"


def _png(source: Path, target: Path, pixels: images.Image, colour: str) -> None:
    """RGB or gray PNG; a file that is that already is linked, or else copied."""
    if colour == "rgb" and source.suffix.lower() == ".png":
        try:
            os.link(source.resolve(), target)
        except OSError:  # another file system, or one without hard links
            shutil.copyfile(source, target)
    else:
        images.write(target, pixels if colour == "rgb" else _rgb(pixels))


def _webp(rgb: images.Image, target: Path, before: Path) -> None:
    """Lossless WebP. A file from before with these pixels is kept: encoders differ in bytes."""
    wanted = np.repeat(rgb[..., None], 3, axis=2) if rgb.ndim == 2 else rgb
    if before.is_file():
        with Image.open(before) as image:
            if np.array_equal(np.asarray(image.convert("RGB")), wanted):
                shutil.copyfile(before, target)
                return
    Image.fromarray(wanted).save(target, "WEBP", lossless=True, quality=_EFFORT, method=4)


def _rgb(ycbcr: images.Image) -> images.Image:
    return to_uint8(np.clip(ycbcr_to_rgb(ycbcr), 0, 255))
