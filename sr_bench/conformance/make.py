"""Makes ``golden.json``: ``python -m sr_bench.conformance.make``.

For maintainers, after a change that is meant to change golden values. Colour values follow from
the constants that MATLAB documents; all others come from this package.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from pathlib import Path

from sr_bench.conformance import ours
from sr_bench.conformance.adapter import Planes, ScoreMetric
from sr_bench.conformance.golden import Case, Golden, ProtocolCase, ResizeCase, ScoreCase
from sr_bench.conformance.make_degradations import degradations, niqes
from sr_bench.conformance.pictures import Picture
from sr_bench.data.catalogue.protocols import Protocol, load_protocols
from sr_bench.evaluation.scoring.score import Pair, score_pair
from sr_bench.imaging.color import to_uint8
from sr_bench.imaging.crops import modcrop
from sr_bench.imaging.degrade import Degradation, degrade
from sr_bench.imaging.images import Image
from sr_bench.imaging.resize import Border, Rounding, imresize
from sr_bench.support.files import write_text
from sr_bench.support.version import __version__

TARGET = Path(__file__).with_name("golden.json")
_PROVENANCE = {
    "inputs": "made by the integer formulas of sr_bench/conformance/pictures.py",
    "resize, PSNR, SSIM, protocols": (
        "computed by sr-bench itself, not by MATLAB, since images made by MATLAB may not be "
        "redistributed. That sr-bench's imresize equals MATLAB's (each pass rounded, replicate "
        "border) is shown by tests/test_golden.py on 57 LR images made by MATLAB, 0 of 4,586,496 "
        "values different; the mirror border was compared with LR images of newer benchmark "
        "packages, and unrounded resizing only through the published scores that it gives "
        "(docs/protocols.md). PSNR and SSIM of unrounded Y equal MATLAB's per-image results of a "
        "published RCAN package to 1e-6 dB. That and the comparison of the mirror border were made "
        "once, outside of this repository"
    ),
    "degradations": (
        "computed by sr-bench itself. tests/test_degradations.py compares them with GNU Octave's "
        "fspecial, imfilter and imresize, OpenCV, torch in float64 and Pillow, and "
        "docs/degradations.md with RDN's published LR images. second-order-v1 has no case: its "
        "values depend on the version of a JPEG library"
    ),
    "NIQE": (
        "computed by sr-bench itself, whose value of the Y of Set14's baboon is MATLAB's to 1e-6 "
        "(docs/conformance.md)"
    ),
    "colour": (
        "by hand, from the coefficients that MATLAB's rgb2ycbcr documents: PSNR of two flat "
        "images is 20 log10(255 / |difference|) of their Y, Cb or Cr. The three ties of Y as uint8 "
        "are those of double precision with the coefficients scaled by 1 / 255 first. So rounded, "
        "Y gives 457 of 457 per-image PSNR and SSIM of bicubic in MATLAB's tables of the SelfExSR "
        "package (Set5, Set14, BSD100 at x2, x3, x4; Urban100 at x4; tests/test_golden.py)"
    ),
}
_FACTORS = ("1/2", "1/3", "1/4", "2", "3", "4")
_BORDERS: tuple[Border, ...] = ("replicate", "mirror")
_COEFFICIENTS = {  # of R, G, B; offset: MATLAB's documentation of rgb2ycbcr
    "y": ("65.481", "128.553", "24.966", 16),
    "cb": ("-37.797", "-74.203", "112.0", 128),
    "cr": ("112.0", "-93.786", "-18.214", 128),
}
# Ties of uint8: Y as MATLAB's double precision rounds it, which exact arithmetic does not give.
_TIES = {(0, 204, 68): 125, (2, 44, 141): 52, (4, 194, 109): 125}
_COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (200, 100, 50))
_SCENE = Picture(kind="scene", height=40, width=52)
_NOISY = Picture(kind="scene+noise", height=40, width=52)


def cases() -> Iterator[Case]:
    """All cases, with their expected values."""
    yield from _resizes()
    yield from _colours()
    yield from _scores()
    yield from _protocols()
    yield from degradations()
    yield from niqes()


def _resizes() -> Iterator[ResizeCase]:
    for border in _BORDERS:
        for scale in _FACTORS:
            fits = (24, 36) if "/" in scale else (7, 10)
            yield _resize(scale, "each-pass", border, fits)
            yield _resize(scale, "none", border, fits)
            if "/" in scale:  # sizes that no scale divides
                yield _resize(scale, "each-pass", border, (25, 37))
    yield _resize("1/3", "each-pass", "mirror", (24, 36), gray=False)
    yield _resize("3", "each-pass", "mirror", (5, 6), gray=False)
    for scale in _FACTORS[:3]:
        yield _resize(scale, "once", "mirror", (24, 36))


def _resize(
    scale: str, rounding: Rounding, border: Border, size: tuple[int, int], *, gray: bool = True
) -> ResizeCase:
    picture = Picture(kind="chirp", height=size[0], width=size[1], gray=gray)
    way = "down" if "/" in scale else "up"
    odd = " odd sizes" if size == (25, 37) else ""
    found = imresize(picture.array(), scale=Fraction(scale), rounding=rounding, border=border)
    mark = "" if gray else "-rgb"
    return ResizeCase(
        name=f"resize-{scale.replace('/', ':')}-{rounding}-{border}-{size[0]}x{size[1]}{mark}",
        group=f"resize {way}, {border}, {rounding}{odd}",
        picture=picture,
        scale=scale,
        rounding=rounding,
        border=border,
        expected=found.tolist(),
    )


def _colours() -> Iterator[ScoreCase]:
    for planes in ("y", "y-uint8", "cb-uint8", "cr-uint8"):
        for colour in _COLOURS:
            distance = _plane(planes, colour) - _plane(planes, (0, 0, 0))
            if distance:  # gray has no chroma: nothing to tell apart
                yield _colour(planes, colour, distance, f"rgb2ycbcr: {planes}")
    for colour, y in _TIES.items():
        yield _colour("y-uint8", colour, y - 16, "rgb2ycbcr: y-uint8, ties")


def _colour(
    planes: str, colour: tuple[int, int, int], distance: Fraction | int, group: str
) -> ScoreCase:
    """A flat image of a colour beside black: its PSNR tells the plane's distance."""
    return ScoreCase(
        name=f"colour-{planes}-{'.'.join(map(str, colour))}",
        group=group,
        sr=Picture(kind="flat", height=16, width=16, colour=colour),
        hr=Picture(kind="flat", height=16, width=16, colour=(0, 0, 0)),
        metric="psnr",
        planes=planes,
        crop=0,
        expected=20 * math.log10(255 / abs(float(distance))),
    )


def _plane(planes: str, colour: tuple[int, int, int]) -> Fraction | int:
    """Y, Cb or Cr of one colour, exactly; rounded half up where the planes are uint8."""
    *weights, offset = _COEFFICIENTS[planes.removesuffix("-uint8")]
    total = sum((Fraction(w) * c for w, c in zip(weights, colour)), Fraction(0)) / 255
    value = total + Fraction(offset)
    return math.floor(value + Fraction(1, 2)) if planes.endswith("uint8") else value


def _scores() -> Iterator[ScoreCase]:
    sr, hr = _NOISY.array(), _SCENE.array()
    kinds: tuple[Planes, ...] = ("gray", "rgb", "y", "y-uint8")
    metrics: tuple[ScoreMetric, ...] = ("psnr", "ssim")
    for crop, planes, metric in product((0, 3), kinds, metrics):
        pair = (sr[..., 0], hr[..., 0]) if planes == "gray" else (sr, hr)
        value = ours.score(*pair, metric=metric, planes=planes, crop=crop)
        yield _score(metric, planes, crop, value)
    yield _score("psnr", "rgb", 0, math.inf, same=True)
    yield _score("ssim", "rgb", 0, 1.0, same=True)


def _score(
    metric: ScoreMetric, planes: Planes, crop: int, expected: float, *, same: bool = False
) -> ScoreCase:
    gray = {"gray": planes == "gray"}
    return ScoreCase(
        name=f"{metric}-{planes}-crop{crop}" + ("-identical" if same else ""),
        group=f"{metric.upper()}" + (", identical images" if same else f" on {planes}"),
        sr=(_SCENE if same else _NOISY).model_copy(update=gray),
        hr=_SCENE.model_copy(update=gray),
        metric=metric,
        planes=planes,
        crop=crop,
        expected=expected,
    )


def _protocols() -> Iterator[ProtocolCase]:
    picture = Picture(kind="scene", height=75, width=86)  # every modcrop cuts something
    bicubic = [p for p in load_protocols().protocols.values() if not p.degradation.steps]
    for protocol in bicubic:  # adapters offer a resize, which makes lr of these
        for scale in (2, 3, 4):
            yield from _protocol(protocol, scale, picture)
        yield from _protocol(protocol, 2, picture.model_copy(update={"gray": True}))


def _protocol(protocol: Protocol, scale: int, picture: Picture) -> Iterator[ProtocolCase]:
    values = score_pair(
        _bicubic(picture.array(), protocol.degradation, scale), protocol, scale=scale
    )
    mark, of = ("-gray", " of a gray image") if picture.gray else ("", "")
    for metric in ("psnr", "ssim", "ssim_blue"):
        if metric in values:
            yield ProtocolCase(
                name=f"protocol-{protocol}-x{scale}-{metric}{mark}",
                group=f"protocol {protocol}: {'PSNR' if metric == 'psnr' else 'SSIM'}{of}",
                protocol=protocol.name,
                scale=scale,
                hr=picture,
                metric=metric,
                expected=values[metric],
            )


def _bicubic(hr: Image, rule: Degradation, scale: int) -> Pair:
    """hr and its bicubic sr, as ``sr-bench upscale`` and ``score`` make and read them."""
    lr = degrade(hr, rule, scale=scale)
    sr = to_uint8(imresize(lr, scale=scale, rounding=rule.rounding, border=rule.border))
    return Pair(sr, modcrop(hr, rule.multiple(scale)), rule.colour)


def main() -> None:
    """Write ``golden.json``."""
    provenance = _PROVENANCE | {"made by": f"sr-bench {__version__}, sr_bench/conformance/make.py"}
    golden = Golden(provenance=provenance, cases=tuple(cases()))
    lines = ",\n".join(c.model_dump_json(exclude_none=True) for c in golden.cases)
    head = json.dumps(golden.provenance, indent=1)
    write_text(TARGET, f'{{"provenance": {head},\n"cases": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
