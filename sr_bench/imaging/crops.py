"""Parts of images that a protocol, a training or a probe takes."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from sr_bench.imaging.images import Image


def modcrop(image: Image, multiple: int) -> Image:
    """Cut (h, w[, c]) at the bottom and right to multiples of ``multiple``, as MATLAB scripts do.

    Raises:
        ValueError: if nothing would be left.
    """
    height, width = image.shape[0] // multiple * multiple, image.shape[1] // multiple * multiple
    if not height or not width:
        raise ValueError(
            f"image is {image.shape[:2]}, smaller than {multiple}, the multiple it must be cut to; "
            "use a larger image or a smaller scale"
        )
    return image[:height, :width]


def middle(pixels: NDArray[Any], side: int) -> NDArray[Any]:
    """The middle of (h, w[, c]), at most ``side`` pixels high and wide: a view, of any dtype."""
    top, left = (max(0, size - side) // 2 for size in pixels.shape[:2])
    return pixels[top : top + side, left : left + side]
