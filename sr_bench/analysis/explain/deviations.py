"""The registry: ways in which published code departs from a protocol, each a change of one thing.

A deviation of kind ``scoring`` needs only sr and hr; one of kind ``making`` needs sr to be made
again. If the protocol or its degradation has a field for it, that field is changed; otherwise a
field of :class:`~sr_bench.analysis.explain.way.Scoring` or of
:class:`~sr_bench.analysis.explain.way.Making`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sr_bench.analysis.explain.deviation import Change, Deviation
from sr_bench.analysis.explain.step_deviations import STEPS
from sr_bench.analysis.explain.way import Pool, Way
from sr_bench.data.catalogue.protocols import Crop


def _rule(**fields: Any) -> Change:
    return lambda way: replace(way, protocol=way.protocol.model_copy(update=fields))


def _scoring(**fields: Any) -> Change:
    return lambda way: replace(way, scoring=replace(way.scoring, **fields))


def _seen(**fields: Any) -> Change:
    return lambda way: _scoring(seen=replace(way.scoring.seen, **fields))(way)


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


def _bicubic(change: Change) -> Change:
    """Of LR that is MATLAB's bicubic alone; what steps do is varied in ``step_deviations.py``."""
    return lambda way: None if way.degradation.steps else change(way)


def _ycbcr(change: Change) -> Change:
    """Of methods that make Y itself, not RGB."""
    return lambda way: change(way) if way.degradation.colour == "ycbcr" else None


def _made(name: str, text: str, change: Change) -> Deviation:
    return Deviation(name, text, change, kind="making")


_NO_CROP = Crop(times=0, plus=0)
_SCALE, _SCALE_6 = Crop(times=1, plus=0), Crop(times=1, plus=6)

_COLOUR = (
    Deviation("rgb", "RGB instead of Y", _of_y(_rule(colour="rgb"))),
    Deviation("y", "Y instead of RGB", _of_rgb(_rule(colour="y"))),
    Deviation("y-float", "Y not rounded", _of_y(_rule(y="float"))),
    Deviation("y-uint8", "Y rounded to uint8", _of_y(_rule(y="uint8"))),
    Deviation("yiq", "Y of YIQ, full range, not rounded", _of_y(_scoring(luma="yiq"))),
    Deviation(
        "full-range",
        "full-range Y rounded to uint8 (JPEG, OpenCV, Pillow)",
        _of_y(_scoring(luma="full-range")),
    ),
    Deviation("bt709", "Y of BT.709 (scikit-image's rgb2gray)", _of_y(_scoring(luma="bt709"))),
    Deviation(
        "mistyped",
        "a mistyped coefficient of Y (64.738 for 65.738)",
        _of_y(_scoring(luma="mistyped")),
    ),
    Deviation("swap-sr", "SR in BGR order, HR in RGB", _scoring(swap="sr")),
    Deviation("swap-both", "Y of BGR images taken as RGB", _of_y(_scoring(swap="both"))),
    Deviation("gray-rgb", "gray images as RGB", _of_y(_rule(gray="rgb"))),
    Deviation("gray-own-y", "a gray image is its own Y", _of_y(_rule(gray="own-y"))),
)

_CROP = (
    Deviation("crop-less", "a crop of one pixel less", _crop(-1)),
    Deviation("crop-more", "a crop of one pixel more", _crop(1)),
    Deviation("crop-none", "no crop", _rule(crop=_NO_CROP)),
    Deviation("crop-scale", "a crop of scale", _rule(crop=_SCALE)),
    Deviation("crop-scale-6", "a crop of scale + 6", _rule(crop=_SCALE_6)),
    Deviation("half-shift", "SR half a pixel out of place", _scoring(half_shift=True)),
)

_FORMULA = (
    Deviation("ssim-mean", "SSIM as the mean over channels", _scoring(ssim="mean"), "ssim"),
    Deviation("ssim-blue", "SSIM of the blue channel", _of_rgb(_scoring(ssim="blue")), "ssim"),
    Deviation(
        "ssim-padded",
        "SSIM at every pixel, edges repeated: MATLAB's own ssim",
        _scoring(ssim="padded"),
        "ssim",
    ),
    Deviation(
        "ssim-downsampled",
        "SSIM of images shrunk to about 256 pixels",
        _scoring(ssim="downsampled"),
        "ssim",
    ),
    Deviation(
        "ssim-volumetric",
        "SSIM over RGB as one volume",
        _of_rgb(_scoring(ssim="volumetric")),
        "ssim",
    ),
    Deviation(
        "ssim-uniform",
        "SSIM with a flat 7 x 7 window (scikit-image's default)",
        _scoring(ssim="uniform"),
        "ssim",
    ),
    Deviation("pool-mse", "PSNR of the set's mean MSE", _of_one_range("mse"), "psnr"),
    Deviation(
        "identical-out", "identical images left out of the mean", _scoring(pool="finite"), "psnr"
    ),
    Deviation(
        "identical-100", "identical images counted as 100 dB", _scoring(pool="capped"), "psnr"
    ),
    Deviation(
        "range-spread",
        "a data range of max - min of each image (torchmetrics' default)",
        _scoring(data_range="spread"),
    ),
    Deviation(
        "range-peak", "a data range of each image's largest value", _scoring(data_range="peak")
    ),
    Deviation("range-1", "a data range of 1 for values of 0..255", _scoring(data_range=1)),
    Deviation("range-2", "a data range of 2 for values of 0..1", _scoring(data_range=510)),
    Deviation("range-half", "a data range of 1 for values of -1..1", _scoring(data_range=127.5)),
    Deviation("range-219", "a data range of 219", _of_y(_scoring(data_range=219))),
)

_SEEN = (
    Deviation("lpips-vgg", "LPIPS by VGG, not AlexNet", _seen(network="vgg"), "lpips"),
    Deviation("lpips-squeeze", "LPIPS by SqueezeNet", _seen(network="squeeze"), "lpips"),
    Deviation("lpips-unit", "LPIPS of values on 0..1, not -1..1", _seen(values="unit"), "lpips"),
    Deviation("lpips-levels", "LPIPS of values on 0..255", _seen(values="levels"), "lpips"),
    Deviation("lpips-swapped", "LPIPS of HR and SR, not SR and HR", _seen(swapped=True), "lpips"),
    Deviation("niqe-gray", "NIQE of rgb2gray", _seen(gray="gray"), "niqe"),
    Deviation("niqe-y", "NIQE of rgb2ycbcr's Y", _seen(gray="y"), "niqe"),
    Deviation("niqe-float", "NIQE of an unrounded gray image", _seen(unrounded=True), "niqe"),
    Deviation("niqe-border-4", "NIQE with 4 more pixels cut off", _seen(border=4), "niqe"),
)

_LR = (
    _made("round-each-pass", "LR rounded after each pass", _bicubic(_lr(rounding="each-pass"))),
    _made("round-once", "LR rounded once", _bicubic(_lr(rounding="once"))),
    _made("round-none", "LR not rounded", _bicubic(_lr(rounding="none"))),
    _made("border-replicate", "replicate border", _bicubic(_lr(border="replicate"))),
    _made("border-mirror", "mirror border", _bicubic(_lr(border="mirror"))),
    _made("modcrop-12", "HR cut to a multiple of 12", _lr(modcrop=12)),
    _made("modcrop-scale", "HR cut to a multiple of scale", _lr(modcrop="scale")),
    _made("lr-rgb", "LR made of RGB", _lr(colour="rgb")),
    _made("lr-ycbcr", "LR made of Y, Cb and Cr", _lr(colour="ycbcr")),
    _made("lr-torch", "LR by torch's or OpenCV's bicubic", _bicubic(_making(lr="torch"))),
    _made("lr-pillow", "LR by Pillow's bicubic", _bicubic(_making(lr="pillow"))),
    _made("lr-uncentred", "LR half a pixel out of place", _bicubic(_making(lr="uncentred"))),
)

_SR = (
    _made("ensemble", "with self-ensemble", _making(ensemble=True)),
    _made("ensemble-none", "without self-ensemble", _making(ensemble=False)),
    _made("up-torch", "enlarged by torch's bicubic", _making(enlarger="torch")),
    _made("up-pillow", "enlarged by Pillow's bicubic", _making(enlarger="pillow")),
    _made(
        "up-limited",
        "enlarged Y clipped to 16..235 (VDSR's table)",
        _ycbcr(_making(limited=True)),
    ),
    _made("up-unlimited", "enlarged Y not clipped to 16..235", _ycbcr(_making(limited=False))),
    _made("sr-truncated", "SR truncated, not rounded", _making(final="truncated")),
    _made("sr-float", "SR clipped but not rounded", _making(final="clipped")),
    _made("sr-unclipped", "SR neither clipped nor rounded", _making(final="float")),
    *(_made(f"weights-x{s}", f"weights trained for x{s}", _making(weights=s)) for s in (2, 3, 4)),
)

DEVIATIONS: tuple[Deviation, ...] = (*_COLOUR, *_CROP, *_FORMULA, *_SEEN, *_LR, *STEPS, *_SR)
