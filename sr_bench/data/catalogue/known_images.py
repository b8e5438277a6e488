"""Test sets that are known by their pixels: ``known_images.json`` has a digest of every image.

A set is found whatever its files are called and however they are packed, also where its images
were cut to a multiple of a scale, or a gray one was stored as RGB.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files

import numpy as np

from sr_bench.imaging.images import Image

MULTIPLES = (1, 2, 3, 4, 6, 8, 12, 24)  # that HR is cut to
_DIGITS = 16  # of a sha256


def digests(image: Image) -> list[str]:
    """The digests of an image that is whole, and cut to each of :data:`MULTIPLES`, each once."""
    height, width = image.shape[:2]
    cut = [image[: height - height % m, : width - width % m] for m in MULTIPLES]
    return list(dict.fromkeys(digest(part) for part in cut))


def digest(image: Image) -> str:
    """A digest of the pixels; of a gray image in three equal channels, that of one of them."""
    if image.ndim == 3 and (image == image[..., :1]).all():
        image = image[..., 0]
    head = "x".join(map(str, image.shape)).encode()
    return hashlib.sha256(head + np.ascontiguousarray(image).tobytes()).hexdigest()[:_DIGITS]


def may_be_known(count: int) -> bool:
    """Whether a test set that is known has so many images; if not, they needn't be read."""
    return count in map(len, _known().values())


def known_set(images: Iterable[Image]) -> str | None:
    """The test set that has exactly these images; ``None`` for others, or for a part of a set."""
    return set_of([digest(image) for image in images])


def set_of(found: Sequence[str]) -> str | None:
    """The same by the digests of the images."""
    for name, of_set in _known().items():
        which = {number for number, listed in enumerate(of_set) if set(listed) & set(found)}
        if len(found) == len(of_set) == len(which):
            return name
    return None


@cache
def _known() -> Mapping[str, list[list[str]]]:
    text = files("sr_bench.data.catalogue").joinpath("known_images.json").read_text("utf-8")
    known: dict[str, list[list[str]]] = json.loads(text)
    return known
