"""``second-order-v1``: a chain of degradations drawn for each image, the same on every machine.

Blur, resize, noise and JPEG, twice, as Real-ESRGAN's training does (Wang et al., 2021,
doi:10.1109/ICCVW54120.2021.00217), made a fixed test set. All that decides a pixel is integer
arithmetic, apart from JPEG, whose library the signature names. docs/degradations.md states each
draw in its order; changing any of it makes another recipe.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from sr_bench.imaging.noise import Integers
from sr_bench.imaging.second_order_resize import Mode, Pixels
from sr_bench.imaging.second_order_steps import (
    Drawn,
    DrawnJpeg,
    DrawnNoise,
    GaussianBlur,
    JpegAndBack,
    ResizeTo,
    SincBlur,
    applied,
)

_MODES: tuple[Mode, ...] = ("area", "bilinear", "bicubic")


@dataclass(frozen=True)
class SecondOrderLr:
    """lr, and how it was made: the content of a manifest's entry."""

    lr: Pixels
    seed: str
    draws: tuple[Drawn, ...] = field(default=())

    def manifest(self) -> dict[str, Any]:
        """For JSON: the seed, each draw, and the sha256 of lr's pixels."""
        lr = hashlib.sha256(np.ascontiguousarray(self.lr).tobytes()).hexdigest()
        return {"seed": self.seed, "draws": [asdict(d) for d in self.draws], "lr_sha256": lr}


def second_order(hr: Pixels, *, scale: int, jpeg: JpegAndBack) -> SecondOrderLr:
    """lr of an image: (h, w) or (h, w, 3) uint8, whose sides are multiples of the scale."""
    height, width = hr.shape[:2]
    layout = "x".join(map(str, hr.shape))
    pixels = hashlib.sha256(np.ascontiguousarray(hr).tobytes()).hexdigest()
    seed = f"second-order-v1 x{scale} {layout} {pixels}"
    draws = _drawn(Integers(seed), height, width, scale, seed)
    lr = hr
    for draw in draws:
        lr = applied(lr, draw, jpeg)
    return SecondOrderLr(lr, seed, draws)


def _drawn(numbers: Integers, height: int, width: int, scale: int, seed: str) -> tuple[Drawn, ...]:
    small = (height // scale, width // scale)
    first = [
        _blur(numbers, 20, 300),
        _resize(numbers, (height, width), (20, 70, 10), (15, 150)),
        _noise(numbers, (100, 3000), (5, 300), f"{seed} noise 1"),
        DrawnJpeg(numbers.between(30, 95)),
    ]
    second: list[Drawn] = [_blur(numbers, 20, 150)] if numbers.below(100) < 80 else []
    second.append(_resize(numbers, small, (30, 40, 30), (30, 120)))
    second.append(_noise(numbers, (100, 2500), (5, 250), f"{seed} noise 2"))
    last: list[Drawn] = [ResizeTo(*small, _MODES[numbers.below(3)])]
    if numbers.below(100) < 80:
        last.append(_sinc(numbers))
    packed = DrawnJpeg(numbers.between(30, 95))
    second += [*last, packed] if numbers.below(2) else [packed, *last]
    return (*first, *second)


def _blur(numbers: Integers, low: int, high: int) -> Drawn:
    """A sinc filter one time in ten; else a Gaussian, round in six of ten."""
    if numbers.below(100) < 10:
        return _sinc(numbers)
    size, sigma = 2 * numbers.between(3, 10) + 1, numbers.between(low, high)
    if numbers.below(100) < 60:
        return GaussianBlur(size, sigma, sigma, 1, 0)
    across, p, q = numbers.between(low, high), numbers.between(1, 64), numbers.between(-64, 64)
    return GaussianBlur(size, sigma, across, p, q)


def _sinc(numbers: Integers) -> SincBlur:
    size = 2 * numbers.between(3, 10) + 1
    return SincBlur(size, numbers.between(105 if size < 13 else 63, 314))


def _resize(
    numbers: Integers, base: tuple[int, int], odds: tuple[int, int, int], percent: tuple[int, int]
) -> ResizeTo:
    """Enlarged, shrunk or kept, with these chances in a hundred; never below 8 pixels."""
    chance, factor = numbers.below(100), 100
    if chance < odds[0]:
        factor = numbers.between(100, percent[1])
    elif chance < odds[0] + odds[1]:
        factor = numbers.between(percent[0], 100)
    height, width = (max(min(8, n), n * factor // 100) for n in base)
    return ResizeTo(height, width, _MODES[numbers.below(3)])


def _noise(
    numbers: Integers, gaussian: tuple[int, int], shot: tuple[int, int], seed: str
) -> DrawnNoise:
    kind: Literal["gaussian", "shot"] = "gaussian" if numbers.below(2) else "shot"
    amount = numbers.between(*(gaussian if kind == "gaussian" else shot))
    return DrawnNoise(kind, amount, numbers.below(100) < 40, seed)
