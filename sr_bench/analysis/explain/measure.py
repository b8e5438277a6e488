"""One image under many ways of scoring: planes are made once, and every number once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sr_bench.analysis.explain.perceived import PERCEIVED, perceived, too_small
from sr_bench.analysis.explain.resizers import half_shifted
from sr_bench.analysis.explain.similarity import similarity
from sr_bench.analysis.explain.way import Range, Way
from sr_bench.evaluation.metrics.psnr import psnr_unchecked
from sr_bench.evaluation.scoring.planes import ComparedPlanes, Luma, as_rgb, cut
from sr_bench.imaging.crops import modcrop
from sr_bench.imaging.images import Colour, Image, Planes

WeightedSum = Callable[[Planes], Planes]
Numbers = dict[Hashable, float | None]
_KEPT = 4  # kinds of planes: they are large
CAP = 100.0  # dB, which some code returns where the MSE is 0


@dataclass(frozen=True)
class Made:
    """sr as it was made or read, and hr whole."""

    sr: Planes
    hr: Image  # uint8, before any cut
    sr_colour: Colour  # what sr's three planes are
    # what was measured so far; those who keep it measure nothing twice
    numbers: Numbers = field(default_factory=dict, compare=False, repr=False)
    _planes: dict[Hashable, tuple[Planes, Planes]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def value(self, way: Way, metric: str, *, scale: int) -> float | None:
        """``psnr``, ``ssim``, ``lpips`` or a kind of ``niqe`` of this image under a way.

        Returns:
            The number; ``None`` where the way doesn't go with the images, see
            :meth:`refusal`, or takes its data range from an image that is flat.
        """
        if (key := number_key(way, metric)) not in self.numbers:
            self.numbers[key] = self._value(way, metric, scale)
        return self.numbers[key]

    def refusal(self, way: Way, metric: str, *, scale: int) -> str:
        """Why a way doesn't go with these images, with both facts; empty if it does."""
        multiple, whole = way.degradation.multiple(scale), self.hr.shape[:2]
        size = tuple(n // multiple * multiple for n in whole)
        if size != self.sr.shape[:2]:
            return f"it cuts hr {whole} to {size}, sr is {self.sr.shape[:2]}"
        border = way.protocol.crop.pixels(scale)
        inside = tuple(n - 2 * border for n in size)
        small = min(inside) < _LEAST.get(metric, 1) or too_small(inside, metric, way.scoring.seen)
        if border < 0 or small:
            return f"its border of {border} leaves too little of {size} for {metric}"
        takes_y = metric not in PERCEIVED and _takes_y(way)
        if self.sr.ndim == 2 and self.hr.ndim == 3 and not takes_y:
            return "sr is gray, and it scores colour"
        return ""

    def _value(self, way: Way, metric: str, scale: int) -> float | None:
        if self.refusal(way, metric, scale=scale):
            return None
        hr = modcrop(self.hr, way.degradation.multiple(scale))
        border = way.protocol.crop.pixels(scale)
        sr, true = (cut(planes, border) for planes in self._both(hr, compared_by(way, metric)))
        if metric in PERCEIVED:
            return perceived(sr, true, metric, way.scoring.seen)
        peak = _data_range(way.scoring.data_range, sr, true, metric)
        if peak == 0:
            return None
        if metric == "psnr":
            return psnr_unchecked(sr, true, data_range=peak)
        return similarity(sr, true, way.scoring.ssim, data_range=peak)

    def _both(self, hr: Image, way: Way) -> tuple[Planes, Planes]:
        """What the way compares; the last few are kept."""
        if (key := (way.planes_key, hr.shape)) not in self._planes:
            while len(self._planes) >= _KEPT:
                self._planes.pop(next(iter(self._planes)))
            self._planes[key] = planes(self.sr, hr, self.sr_colour, way)
        return self._planes[key]


def planes(sr: Planes, hr: Image, colour: Colour, way: Way) -> tuple[Planes, Planes]:
    """What a way compares, before its crop: scoring's own planes of images read as the way does."""
    rule, luma, swap = way.protocol, way.scoring.luma, way.scoring.swap
    if way.scoring.half_shift:
        sr = half_shifted(sr)
    if luma != "matlab" or swap != "none":
        sr, colour = as_rgb(sr, colour), "rgb"
    own_y = rule.colour == "y" and rule.gray == "own-y" and hr.ndim == 2
    if swap != "none" and not own_y:
        sr = _bgr(sr)
    if swap == "both":
        hr = _bgr(hr)
    return ComparedPlanes(sr, hr, colour, rule, 0, _LUMAS.get(luma, Luma.of(rule))).main


def compared_by(way: Way, metric: str) -> Way:
    """The way as far as planes go: LPIPS and NIQE look at RGB, whatever the protocol scores."""
    if metric not in PERCEIVED:
        return way
    rule = way.protocol.model_copy(update={"colour": "rgb", "gray": "rgb", "y": "float"})
    return replace(way, protocol=rule, scoring=replace(way.scoring, luma="matlab"))


def _bgr(image: Any) -> Any:
    return image[..., ::-1] if image.ndim == 3 else image


def _takes_y(way: Way) -> bool:
    """Whether a gray sr serves, of an hr with colour: it is the Y that is compared."""
    rule, scoring = way.protocol, way.scoring
    plain = (scoring.luma, scoring.swap) == ("matlab", "none")
    return rule.colour == "y" and rule.gray == "own-y" and plain


def _weighted(red: float, green: float, blue: float, offset: float = 0.0) -> WeightedSum:
    return lambda rgb: np.asarray(rgb @ np.array([red, green, blue]) + offset)


_YIQ = _weighted(0.299, 0.587, 0.114)
_LUMAS = {
    "yiq": Luma(_YIQ),
    "full-range": Luma(_YIQ, rounded=True),
    "bt709": Luma(_weighted(0.2125, 0.7154, 0.0721)),
    "mistyped": Luma(_weighted(64.738 / 256, 129.057 / 256, 25.064 / 256, 16.0)),
}


def number_key(way: Way, metric: str) -> Hashable:
    """All that an image's number depends on once its sr is there."""
    s, cut_off = way.scoring, (way.protocol.crop, way.degradation.modcrop)
    if metric in PERCEIVED:
        return metric, compared_by(way, metric).planes_key, *cut_off, s.seen
    kind = s.ssim if metric == "ssim" else ""
    return metric, way.planes_key, *cut_off, s.data_range, kind


def _data_range(data_range: float | Range, sr: Planes, hr: Planes, metric: str) -> float:
    """The number, or what torchmetrics and others take from the images."""
    if data_range == "peak":
        return float(hr.max())
    if data_range == "spread":
        own = float(hr.max()) - float(hr.min())
        return own if metric == "psnr" else max(own, float(sr.max()) - float(sr.min()))
    return float(data_range)


_LEAST = {"psnr": 1, "ssim": 11}  # pixels of a side


def pooled(values: Iterable[float], way: Way, metric: str) -> float:
    """A set's number: the mean of its images', or what :class:`~.way.Scoring` names."""
    numbers, pool = np.asarray(list(values)), way.scoring.pool
    if metric != "psnr" or pool == "images":
        return float(numbers.mean())
    if pool == "mse":  # data ranges are equal
        mean = np.mean(10 ** (-numbers / 10))
        return float("inf") if mean == 0 else float(-10 * np.log10(mean))
    if pool == "capped":
        return float(np.where(np.isinf(numbers), CAP, numbers).mean())
    finite = numbers[np.isfinite(numbers)]
    return float(finite.mean()) if finite.size else float("inf")
