"""One image under many ways of scoring: planes are made once, and every number once."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sr_bench.analysis.explain.planes import Plan, planes
from sr_bench.analysis.explain.similarity import similarity
from sr_bench.analysis.explain.way import Range, Way
from sr_bench.evaluation.metrics.psnr import psnr_unchecked
from sr_bench.imaging.degrade import modcrop
from sr_bench.imaging.images import Colour, Image

Planes = NDArray[np.generic]
Numbers = dict[Hashable, float | None]
_PLANS = 4  # of which planes are kept: they are large
CAP = 100.0  # dB, which some code returns where the MSE is 0


@dataclass(frozen=True)
class Made:
    """sr as it was made or read, and hr whole.

    Args:
        sr, hr: planes of sr, and uint8 hr before any cut.
        sr_colour: what sr's three planes are.
        numbers: what was measured so far; those who keep it measure nothing twice.
    """

    sr: Planes
    hr: Image
    sr_colour: Colour
    numbers: Numbers = field(default_factory=dict, compare=False, repr=False)
    _planes: dict[Hashable, tuple[Planes, Planes]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def value(self, way: Way, metric: str, *, scale: int) -> float | None:
        """``psnr`` or ``ssim`` of this image under a way.

        Returns:
            dB or similarity; ``None`` where the way doesn't go with the images, see
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
        if border < 0 or min(size) - 2 * border < _LEAST[metric]:
            return f"its border of {border} leaves too little of {size} for {metric}"
        plan = Plan.of(way)
        if self.sr.ndim == 2 and self.hr.ndim == 3 and (plan.gray_as_rgb or not plan.takes_y):
            return "sr is gray, and it scores colour"
        return ""

    def _value(self, way: Way, metric: str, scale: int) -> float | None:
        if self.refusal(way, metric, scale=scale):
            return None
        hr = modcrop(self.hr, way.degradation.multiple(scale))
        border, plan = way.protocol.crop.pixels(scale), Plan.of(way)
        both = self._both(hr, plan)
        height, width = hr.shape[:2]
        inside = np.s_[border : height - border, border : width - border]
        sr, true = both[0][inside], both[1][inside]
        peak = _data_range(way.scoring.data_range, sr, true, metric)
        if peak == 0:
            return None
        if metric == "psnr":
            return psnr_unchecked(sr, true, data_range=peak)
        return similarity(sr, true, way.scoring.ssim, data_range=peak)

    def _both(self, hr: Image, plan: Plan) -> tuple[Planes, Planes]:
        """The planes of a plan; those of the last few plans are kept."""
        if (key := (plan, hr.shape)) not in self._planes:
            while len(self._planes) >= _PLANS:
                self._planes.pop(next(iter(self._planes)))
            self._planes[key] = planes(self.sr, hr, self.sr_colour, plan)
        return self._planes[key]


def number_key(way: Way, metric: str) -> Hashable:
    """All that an image's number depends on once its sr is there."""
    s = way.scoring
    kind = s.ssim if metric == "ssim" else ""
    return metric, Plan.of(way), way.protocol.crop, way.degradation.modcrop, s.data_range, kind


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
