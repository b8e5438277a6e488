"""One image under many ways of scoring: planes are made once, and every number once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sr_bench.degrade import modcrop
from sr_bench.explain.planes import Plan, planes
from sr_bench.explain.similarity import similarity
from sr_bench.explain.way import Way
from sr_bench.images import Colour, Image
from sr_bench.metrics.psnr import psnr_unchecked

Planes = NDArray[np.generic]
T = TypeVar("T")


@dataclass(frozen=True)
class Made:
    """sr as it was made or read, and hr whole."""

    sr: Planes
    hr: Image
    sr_colour: Colour
    _known: dict[Hashable, object] = field(default_factory=dict, compare=False, repr=False)

    def value(self, way: Way, metric: str, *, scale: int) -> float | None:
        """``psnr`` or ``ssim`` of this image under a way.

        Returns:
            dB or similarity; ``None`` where the way doesn't go with the images: hr cut as it says
            isn't sr's size, its crop is negative or leaves too little, or sr is gray where RGB
            is scored of a colour image.
        """
        hr = self._fitting(way, scale)
        border = way.rule.crop.pixels(scale)
        plan = Plan.of(way)
        if hr is None or border < 0 or min(hr.shape[:2]) - 2 * border < _LEAST[metric]:
            return None
        if self.sr.ndim == 2 and hr.ndim == 3 and (plan.gray_as_rgb or not plan.takes_y):
            return None
        s = way.scoring
        key = (metric, plan, border, s.data_range, s.ssim if metric == "ssim" else "")
        return self._once(key, lambda: self._value(hr, plan, border, way, metric))

    def _fitting(self, way: Way, scale: int) -> Image | None:
        multiple = way.degradation.multiple(scale)
        if min(self.hr.shape[:2]) < multiple:
            return None
        hr = modcrop(self.hr, multiple)
        return hr if hr.shape[:2] == self.sr.shape[:2] else None

    def _value(self, hr: Image, plan: Plan, border: int, way: Way, metric: str) -> float:
        both = self._once(plan, lambda: planes(self.sr, hr, self.sr_colour, plan))
        height, width = hr.shape[:2]
        inside = np.s_[border : height - border, border : width - border]
        sr, true = both[0][inside], both[1][inside]
        s = way.scoring
        if metric == "psnr":
            return psnr_unchecked(sr, true, data_range=s.data_range)
        return similarity(sr, true, s.ssim, data_range=s.data_range)

    def _once(self, key: Hashable, make: Callable[[], T]) -> T:
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]  # type: ignore[return-value]  # what make returned


_LEAST = {"psnr": 1, "ssim": 11}  # pixels of a side


def pooled(values: Iterable[float], way: Way, metric: str) -> float:
    """A set's number: the mean of its images', or the PSNR of their mean MSE."""
    numbers = np.asarray(list(values))
    if metric != "psnr" or way.scoring.pool == "images":
        return float(numbers.mean())
    return float(-10 * np.log10(np.mean(10 ** (-numbers / 10))))  # data ranges are equal
