"""The registry: ways in which published code departs from a protocol, each a change of one thing.

A deviation of kind ``scoring`` needs only sr and hr; one of kind ``making`` needs sr to be made
again. Where a protocol or a degradation has a word for it, that word changes; otherwise
:class:`~sr_bench.analysis.explain.way.Scoring` or
:class:`~sr_bench.analysis.explain.way.Making` has one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from sr_bench.analysis.explain.way import Pool, Way
from sr_bench.data.catalogue.protocols import Crop

Kind = Literal["scoring", "making"]
Change = Callable[[Way], Way | None]


@dataclass(frozen=True)
class Deviation:
    """One known departure.

    Args:
        name: for programs.
        text: for people, as a part of a sentence: "RGB instead of Y".
        kind: whether sr has to be made again.
        change: the way that it makes of another; ``None`` where it means nothing there.
        metric: the only metric that it concerns; ``None`` for every one.
    """

    name: str
    text: str
    kind: Kind
    change: Change
    metric: str | None = None

    def applied(self, way: Way, metric: str) -> Way | None:
        """The changed way; ``None`` where this deviation would change nothing."""
        if self.metric not in (None, metric):
            return None
        changed = self.change(way)
        return None if changed is None or changed.key == way.key else changed


def _rule(**fields: Any) -> Change:
    return lambda way: replace(way, protocol=way.protocol.model_copy(update=fields))


def _scoring(**fields: Any) -> Change:
    return lambda way: replace(way, scoring=replace(way.scoring, **fields))


def _lr(**fields: Any) -> Change:
    return lambda way: _rule(degradation=way.degradation.model_copy(update=fields))(way)


def _making(**fields: Any) -> Change:
    return lambda way: replace(way, making=replace(way.making, **fields))


def _of_y(change: Change) -> Change:
    return lambda way: change(way) if way.protocol.colour == "y" else None


def _of_rgb(change: Change) -> Change:
    return lambda way: change(way) if way.protocol.colour == "rgb" else None


def _crop(pixels: int) -> Change:
    """``pixels`` more of the border cut off than the protocol says."""

    def change(way: Way) -> Way | None:
        crop = way.protocol.crop
        return _rule(crop=Crop(times=crop.times, plus=crop.plus + pixels))(way)

    return change


def _of_one_range(pool: Pool) -> Change:
    """Errors of several images have a mean only where they share a data range."""

    def change(way: Way) -> Way | None:
        if isinstance(way.scoring.data_range, str):
            return None
        return replace(way, scoring=replace(way.scoring, pool=pool))

    return change


_NO_CROP = Crop(times=0, plus=0)
_SCALE, _SCALE_6 = Crop(times=1, plus=0), Crop(times=1, plus=6)

_COLOUR = (
    Deviation("rgb", "RGB instead of Y", "scoring", _of_y(_rule(colour="rgb"))),
    Deviation("y", "Y instead of RGB", "scoring", _of_rgb(_rule(colour="y"))),
    Deviation("y-float", "Y not rounded", "scoring", _of_y(_rule(y="float"))),
    Deviation("y-uint8", "Y rounded to uint8", "scoring", _of_y(_rule(y="uint8"))),
    Deviation("yiq", "Y of YIQ, full range, not rounded", "scoring", _of_y(_scoring(luma="yiq"))),
    Deviation(
        "full-range",
        "full-range Y rounded to uint8 (JPEG, OpenCV, Pillow)",
        "scoring",
        _of_y(_scoring(luma="full-range")),
    ),
    Deviation(
        "bt709", "Y of BT.709 (scikit-image's rgb2gray)", "scoring", _of_y(_scoring(luma="bt709"))
    ),
    Deviation(
        "mistyped",
        "a mistyped coefficient of Y (64.738 for 65.738)",
        "scoring",
        _of_y(_scoring(luma="mistyped")),
    ),
    Deviation("swap-sr", "SR in BGR order, HR in RGB", "scoring", _scoring(swap="sr")),
    Deviation("swap-both", "Y of BGR images taken as RGB", "scoring", _of_y(_scoring(swap="both"))),
    Deviation("gray-rgb", "gray images as RGB", "scoring", _of_y(_rule(gray="rgb"))),
    Deviation("gray-own-y", "a gray image is its own Y", "scoring", _of_y(_rule(gray="own-y"))),
)

_PLACE = (
    Deviation("crop-less", "a crop of one pixel less", "scoring", _crop(-1)),
    Deviation("crop-more", "a crop of one pixel more", "scoring", _crop(1)),
    Deviation("crop-none", "no crop", "scoring", _rule(crop=_NO_CROP)),
    Deviation("crop-scale", "a crop of scale", "scoring", _rule(crop=_SCALE)),
    Deviation("crop-scale-6", "a crop of scale + 6", "scoring", _rule(crop=_SCALE_6)),
    Deviation("half-shift", "SR half a pixel out of place", "scoring", _scoring(half_shift=True)),
)

_FORMULA = (
    Deviation(
        "ssim-mean", "SSIM as the mean over channels", "scoring", _scoring(ssim="mean"), "ssim"
    ),
    Deviation(
        "ssim-blue", "SSIM of the blue channel", "scoring", _of_rgb(_scoring(ssim="blue")), "ssim"
    ),
    Deviation(
        "ssim-downsampled",
        "SSIM of images shrunk to about 256 pixels",
        "scoring",
        _scoring(ssim="downsampled"),
        "ssim",
    ),
    Deviation(
        "ssim-volumetric",
        "SSIM over RGB as one volume",
        "scoring",
        _of_rgb(_scoring(ssim="volumetric")),
        "ssim",
    ),
    Deviation(
        "ssim-uniform",
        "SSIM with a flat 7 x 7 window (scikit-image's default)",
        "scoring",
        _scoring(ssim="uniform"),
        "ssim",
    ),
    Deviation("pool-mse", "PSNR of the set's mean MSE", "scoring", _of_one_range("mse"), "psnr"),
    Deviation(
        "identical-out",
        "identical images left out of the mean",
        "scoring",
        _scoring(pool="finite"),
        "psnr",
    ),
    Deviation(
        "identical-100",
        "identical images counted as 100 dB",
        "scoring",
        _scoring(pool="capped"),
        "psnr",
    ),
    Deviation(
        "range-spread",
        "a data range of max - min of each image (torchmetrics' default)",
        "scoring",
        _scoring(data_range="spread"),
    ),
    Deviation(
        "range-peak",
        "a data range of each image's largest value",
        "scoring",
        _scoring(data_range="peak"),
    ),
    Deviation(
        "range-1", "a data range of 1 for values of 0..255", "scoring", _scoring(data_range=1)
    ),
    Deviation(
        "range-2", "a data range of 2 for values of 0..1", "scoring", _scoring(data_range=510)
    ),
    Deviation(
        "range-half",
        "a data range of 1 for values of -1..1",
        "scoring",
        _scoring(data_range=127.5),
    ),
    Deviation("range-219", "a data range of 219", "scoring", _of_y(_scoring(data_range=219))),
)

_LR = (
    Deviation("round-each-pass", "LR rounded after each pass", "making", _lr(rounding="each-pass")),
    Deviation("round-once", "LR rounded once", "making", _lr(rounding="once")),
    Deviation("round-none", "LR not rounded", "making", _lr(rounding="none")),
    Deviation("border-replicate", "replicate border", "making", _lr(border="replicate")),
    Deviation("border-mirror", "mirror border", "making", _lr(border="mirror")),
    Deviation("modcrop-12", "HR cut to a multiple of 12", "making", _lr(modcrop=12)),
    Deviation("modcrop-scale", "HR cut to a multiple of scale", "making", _lr(modcrop="scale")),
    Deviation("lr-rgb", "LR made of RGB", "making", _lr(colour="rgb")),
    Deviation("lr-ycbcr", "LR made of Y, Cb and Cr", "making", _lr(colour="ycbcr")),
    Deviation("lr-torch", "LR by torch's or OpenCV's bicubic", "making", _making(lr="torch")),
    Deviation("lr-pillow", "LR by Pillow's bicubic", "making", _making(lr="pillow")),
    Deviation("lr-uncentred", "LR half a pixel out of place", "making", _making(lr="uncentred")),
)

_SR = (
    Deviation("ensemble", "with self-ensemble", "making", _making(ensemble=True)),
    Deviation("ensemble-none", "without self-ensemble", "making", _making(ensemble=False)),
    Deviation("up-torch", "enlarged by torch's bicubic", "making", _making(enlarger="torch")),
    Deviation("up-pillow", "enlarged by Pillow's bicubic", "making", _making(enlarger="pillow")),
    Deviation("sr-truncated", "SR truncated, not rounded", "making", _making(final="truncated")),
    Deviation("sr-float", "SR clipped but not rounded", "making", _making(final="clipped")),
    Deviation("sr-unclipped", "SR neither clipped nor rounded", "making", _making(final="float")),
    *(
        Deviation(f"weights-x{s}", f"weights trained for x{s}", "making", _making(weights=s))
        for s in (2, 3, 4)
    ),
)

DEVIATIONS: tuple[Deviation, ...] = (*_COLOUR, *_PLACE, *_FORMULA, *_LR, *_SR)
