"""Which planes of sr and hr are compared: RGB, or a luminance and on which scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import cast

import numpy as np

from sr_bench.data.catalogue.protocols import Metric, Protocol
from sr_bench.imaging.color import gray_of_rgb, rgb_to_y, rgb_to_ycbcr_uint8, to_uint8, ycbcr_to_rgb
from sr_bench.imaging.images import Colour, Image, Planes

_LARGE = 3 * 2**24  # values of hr: 16 megapixels of RGB


@dataclass(frozen=True)
class Luma:
    """How an image becomes Y."""

    # the weighted sum: (h, w, 3) on 0..255 -> (h, w), unrounded
    of_rgb: Callable[[Planes], Planes] = rgb_to_y
    rounded: bool = False  # whether Y of a uint8 image is rounded to uint8

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


@dataclass(frozen=True)
class _LumaRows:
    """Y of an image, an array as far as psnr and ssim look: they take slices of its rows."""

    image: Planes
    luma: Callable[[Planes], Planes]
    ndim = 2

    @property
    def shape(self) -> tuple[int, int]:
        height, width = self.image.shape[:2]
        return height, width

    @property
    def size(self) -> int:
        return self.shape[0] * self.shape[1]

    def __getitem__(self, rows: slice) -> Planes:
        return self.luma(self.image[rows])


@dataclass(frozen=True)
class ComparedPlanes:
    """The planes of sr and hr that metrics look at, border cut off."""

    sr: Planes  # (h, w) or (h, w, 3) in `sr_colour`; uint8, or float where it was never rounded
    hr: Image  # uint8 of the same size, gray or RGB
    sr_colour: Colour  # what sr's three planes are
    rule: Protocol  # whether Y or RGB is scored, and what a gray hr is
    border: int  # pixels cut off at each side
    luma: Luma  # how an image becomes Y

    def has(self, metric: Metric) -> bool:
        """Chroma metrics need colour in both images, and sr as the planes that were scored."""
        if metric not in ("psnr_cb", "psnr_cr", "psnr_ycbcr", "psnr_rgb"):
            return True
        return self.hr.ndim == 3 and self.sr.ndim == 3

    @property
    def main(self) -> tuple[Planes, Planes]:
        """What psnr and ssim are computed on."""
        return self.y if self.rule.colour == "y" else self.rgb

    @property
    def main_rows(self) -> tuple[Planes, Planes]:
        """The same, for metrics that look at some rows at a time."""
        return self.y_rows if self.rule.colour == "y" else self.rgb

    @cached_property  # psnr and ssim both ask for it
    def y(self) -> tuple[Planes, Planes]:
        """Luminance; of a gray hr as the protocol's field ``gray`` says."""
        sr, hr = self._lumas
        return sr(cut(self.sr, self.border)), hr(cut(self.hr, self.border))

    @property
    def y_rows(self) -> tuple[Planes, Planes]:
        """The same, for metrics that look at some rows at a time.

        Of a large image Y is made of the rows that are asked for: as a whole it would take 16
        bytes a pixel, and the images themselves take six.
        """
        if self.hr.size <= _LARGE:
            return self.y
        images = cut(self.sr, self.border), cut(self.hr, self.border)
        sr, hr = (_LumaRows(image, luma) for image, luma in zip(images, self._lumas))
        return cast(Planes, sr), cast(Planes, hr)

    @property
    def _lumas(self) -> tuple[Callable[[Planes], Planes], Callable[[Planes], Planes]]:
        """What makes Y of sr, and of hr."""
        gray, own = self.hr.ndim == 2, self.rule.gray == "own-y"
        luma = partial(self.luma, gray_as_rgb=gray and not own, gray_hr=gray and own)
        return partial(luma, colour=self.sr_colour), partial(luma, colour="rgb")

    @cached_property  # three metrics ask for it
    def ycbcr(self) -> tuple[Planes, Planes]:
        """MATLAB's Y, Cb, Cr as uint8."""
        sr = self.sr if self.sr_colour == "ycbcr" else rgb_to_ycbcr_uint8(self.sr)
        return cut(sr, self.border), cut(rgb_to_ycbcr_uint8(self.hr), self.border)

    @property
    def rgb(self) -> tuple[Planes, Planes]:
        """RGB of both; a gray image counts as three equal channels."""
        sr, hr = three(as_rgb(self.sr, self.sr_colour)), three(self.hr)
        return cut(sr, self.border), cut(hr, self.border)


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
