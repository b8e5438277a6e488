"""Which planes of sr and hr are compared: RGB, or a luminance and on which scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.imaging.color import gray_of_rgb, rgb_to_y, to_uint8, ycbcr_to_rgb
from sr_bench.imaging.images import Colour, Image, Planes


@dataclass(frozen=True)
class Luma:
    """How an image becomes Y.

    Args:
        of_rgb: the weighted sum: (h, w, 3) on 0..255 -> (h, w), unrounded.
        rounded: whether Y of a uint8 image is rounded to uint8.
    """

    of_rgb: Callable[[Planes], Planes] = rgb_to_y
    rounded: bool = False

    @classmethod
    def of(cls, protocol: Protocol) -> Luma:
        """MATLAB's Y, rounded as the protocol says."""
        return cls(rounded=protocol.y == "uint8")

    def __call__(
        self, image: Planes, colour: Colour, *, gray_as_rgb: bool = False, gray_hr: bool = False
    ) -> Planes:
        """Y of one image, (h, w).

        Args:
            image: (h, w) or (h, w, 3) in ``colour``.
            colour: what three planes are.
            gray_as_rgb: whether a gray image is three equal channels of RGB; it is else its own Y.
            gray_hr: whether hr is gray and its own Y: an RGB image is brought to that scale.
        """
        if image.ndim == 2 and not gray_as_rgb:
            return image
        if image.ndim == 3 and colour == "ycbcr":
            return np.asarray(image[..., 0])
        y = gray_of_rgb(image) if gray_hr else self.of_rgb(three(image))
        return to_uint8(y) if self.rounded and image.dtype == np.uint8 else y


def compared(
    sr: Planes, hr: Image, sr_colour: Colour, protocol: Protocol, luma: Luma
) -> tuple[Planes, Planes]:
    """What PSNR and SSIM are computed on, before the border is cut off.

    Args:
        sr: (h, w) or (h, w, 3) in ``sr_colour``; uint8, or float where it was never rounded.
        hr: uint8 of the same size, gray or RGB.
        sr_colour: what sr's three planes are.
        protocol: says whether Y or RGB is scored, and what a gray hr is.
        luma: how an image becomes Y.
    """
    if protocol.colour == "rgb":
        return three(as_rgb(sr, sr_colour)), three(hr)
    return y_planes(sr, hr, sr_colour, protocol, luma)


def y_planes(
    sr: Planes, hr: Image, sr_colour: Colour, protocol: Protocol, luma: Luma
) -> tuple[Planes, Planes]:
    """Y of both; of a gray hr as the protocol's field ``gray`` says."""
    gray = hr.ndim == 2
    options = {
        "gray_as_rgb": gray and protocol.gray == "rgb",
        "gray_hr": gray and protocol.gray == "own-y",
    }
    return luma(sr, sr_colour, **options), luma(hr, "rgb", **options)


def as_rgb(image: Planes, colour: Colour) -> Planes:
    """RGB of three planes, uint8 where these are; a gray image stays as it is."""
    if colour == "rgb" or image.ndim == 2:
        return image
    rgb = ycbcr_to_rgb(image)
    return to_uint8(rgb) if image.dtype == np.uint8 else rgb


def three(image: Planes) -> Planes:
    """A gray image as three equal channels; any other as it is."""
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def cut(image: Planes, border: int) -> Planes:
    """The image without ``border`` pixels at each side."""
    height, width = image.shape[:2]
    return image[border : height - border, border : width - border]
