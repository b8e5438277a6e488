"""``second-order-v1``: a chain of degradations drawn for each image, the same on every machine.

Blur, resize, noise and JPEG, twice, as Real-ESRGAN's training does (Wang et al., 2021,
doi:10.1109/ICCVW54120.2021.00217), made a fixed test set. All that decides a pixel is integer
arithmetic, apart from JPEG, whose library the signature names. docs/degradations.md states each
draw in its order; changing any of it makes another recipe.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate

from sr_bench.imaging.noise import Integers

Pixels = NDArray[np.uint8]
Mode = Literal["area", "bilinear", "bicubic"]
_MODES: tuple[Mode, ...] = ("area", "bilinear", "bicubic")
_ONE = 2**16  # what the weights of a kernel sum to
_PHASES, _WEIGHT, _BETWEEN = 2**11, 2**14, 2**8  # of a resize: steps of a pixel, weights, passes
_DIGITS = 80  # of decimal arithmetic, which every machine does alike


@dataclass(frozen=True)
class GaussianBlur:
    """A Gaussian along (p, q) with ``sigma`` hundredths of a pixel, and ``across`` it another."""

    size: int
    sigma: int
    across: int
    p: int
    q: int
    step: str = "gaussian-blur"


@dataclass(frozen=True)
class SincBlur:
    """A circular low-pass with a cut-off of ``omega`` / 100 radians a pixel."""

    size: int
    omega: int
    step: str = "sinc-blur"


@dataclass(frozen=True)
class ResizeTo:
    """To ``height`` x ``width`` by ``mode``, without antialiasing unless it is ``area``."""

    height: int
    width: int
    mode: Mode
    step: str = "resize"


@dataclass(frozen=True)
class DrawnNoise:
    """``gaussian``: sigma is ``amount`` / 100 levels; ``shot``: that times sqrt(level)."""

    kind: Literal["gaussian", "shot"]
    amount: int
    gray: bool  # one plane of noise for all channels
    seed: str
    step: str = "noise"


@dataclass(frozen=True)
class DrawnJpeg:
    """JPEG and back."""

    quality: int
    step: str = "jpeg"


Drawn = GaussianBlur | SincBlur | ResizeTo | DrawnNoise | DrawnJpeg
JpegAndBack = Callable[[Pixels, int], Pixels]


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
        lr = _applied(lr, draw, jpeg)
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


def _applied(image: Pixels, draw: Drawn, jpeg: JpegAndBack) -> Pixels:
    if isinstance(draw, ResizeTo):
        return _resized(image, draw)
    if isinstance(draw, DrawnNoise):
        return _noisy(image, draw)
    if isinstance(draw, DrawnJpeg):
        return jpeg(image, draw.quality)
    kernel = gaussian_kernel(draw) if isinstance(draw, GaussianBlur) else sinc_kernel(draw)
    return _filtered(image, kernel)


def _filtered(image: Pixels, kernel: NDArray[np.int64]) -> Pixels:
    """Products and sums are integers below 2^53: float64 holds each exactly, in any order."""
    weights = kernel.astype(np.float64)
    planes = np.moveaxis(np.atleast_3d(image), -1, 0).astype(np.float64)
    sums = np.stack([correlate(p, weights, mode="mirror") for p in planes], axis=-1)
    levels = np.clip(np.floor((sums + _ONE // 2) / _ONE), 0, 255).astype(np.uint8)
    return levels.reshape(image.shape)


@lru_cache(maxsize=64)
def gaussian_kernel(draw: GaussianBlur) -> NDArray[np.int64]:
    """(size, size) integers that sum to 2^16."""
    half, length = draw.size // 2, draw.p**2 + draw.q**2

    def value(y: int, x: int) -> Decimal:
        along, across = draw.p * x + draw.q * y, draw.p * y - draw.q * x
        power = Decimal(along**2) / draw.sigma**2 + Decimal(across**2) / draw.across**2
        return (-power * 10_000 / (2 * length)).exp()

    return _integers(value, half)


@lru_cache(maxsize=64)
def sinc_kernel(draw: SincBlur) -> NDArray[np.int64]:
    """J1(omega r) / r, omega / 2 in the middle, as integers that sum to 2^16."""
    omega, known = Decimal(draw.omega) / 100, {}

    def value(y: int, x: int) -> Decimal:
        square = x * x + y * y
        if square not in known:
            root = Decimal(square).sqrt()
            known[square] = _bessel(omega * root) / root if square else omega / 2
        return known[square]

    return _integers(value, draw.size // 2)


def _bessel(x: Decimal) -> Decimal:
    """J1 by its power series."""
    term = total = x / 2
    k = 0
    while abs(term) > Decimal(10) ** -40:
        k += 1
        term = -term * (x / 2) ** 2 / (k * (k + 1))
        total += term
    return total


def _integers(value: Callable[[int, int], Decimal], half: int) -> NDArray[np.int64]:
    """Weights in units of 2^-16, rounded half even; what is left over goes to the middle."""
    around = range(-half, half + 1)
    with localcontext() as context:
        context.prec = _DIGITS
        values = [[value(y, x) for x in around] for y in around]
        total = sum((v for row in values for v in row), Decimal(0))
        kernel = np.array(
            [[int((v * _ONE / total).to_integral_value()) for v in r] for r in values]
        )
    kernel[half, half] += _ONE - kernel.sum()
    return kernel.astype(np.int64)


def _resized(image: Pixels, draw: ResizeTo) -> Pixels:
    """Rows, then columns, with 8 bits behind the point between the two."""
    tall = _pass(image.astype(np.int64) * _BETWEEN, draw.height, draw.mode)
    wide = np.moveaxis(_pass(np.moveaxis(tall, 1, 0), draw.width, draw.mode), 0, 1)
    return np.clip((wide + _BETWEEN // 2) // _BETWEEN, 0, 255).astype(np.uint8)


def _pass(values: NDArray[np.int64], outputs: int, mode: Mode) -> NDArray[np.int64]:
    index, weights = _taps(len(values), outputs, mode)
    total = np.zeros((outputs, *values.shape[1:]), np.int64)
    for tap in range(index.shape[1]):
        shape = (outputs,) + (1,) * (values.ndim - 1)
        total += weights[:, tap].reshape(shape) * values[index[:, tap]]
    return (total + _WEIGHT // 2) // _WEIGHT


@lru_cache(maxsize=64)
def _taps(size: int, outputs: int, mode: Mode) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which inputs each output is made of, and their weights, which sum to 2^14."""
    rows = [_area(i, size, outputs) if mode == "area" else _point(i, size, outputs, mode)
            for i in range(outputs)]  # fmt: skip
    most = max(len(row) for row in rows)
    padded = [row + [(0, 0)] * (most - len(row)) for row in rows]
    table = np.array(padded, dtype=np.int64)
    return np.clip(table[..., 0], 0, size - 1), table[..., 1]


def _area(i: int, size: int, outputs: int) -> list[tuple[int, int]]:
    """Equal weights of all inputs that output i touches."""
    first, last = i * size // outputs, math.ceil((i + 1) * size / outputs)
    each, left = divmod(_WEIGHT, last - first)
    return [(x, each + (x - first < left)) for x in range(first, last)]


def _point(i: int, size: int, outputs: int, mode: Mode) -> list[tuple[int, int]]:
    """Bilinear, or Keys' cubic with a = -0.75, at the position rounded down to 1/2048 pixel."""
    position = ((2 * i + 1) * size - outputs) * _PHASES // (2 * outputs)
    left, t = divmod(position, _PHASES)
    if mode == "bilinear":
        part = t * _WEIGHT // _PHASES
        return [(left, _WEIGHT - part), (left + 1, part)]
    outer, inner, right = (_cubic(d) for d in (_PHASES + t, t, _PHASES - t))
    taps = [outer, inner, right]
    return [(left - 1 + n, w) for n, w in enumerate([*taps, _WEIGHT - sum(taps)])]


def _cubic(distance: int) -> int:
    """Keys' kernel at ``distance`` / 2048, in units of 2^-14, rounded down."""
    d, one = distance, _PHASES
    if d <= one:
        value = 5 * d**3 - 9 * d**2 * one + 4 * one**3
    else:
        value = -3 * (d**3 - 5 * d**2 * one + 8 * d * one**2 - 4 * one**3)
    return value * _WEIGHT // (4 * one**3)


def _noisy(image: Pixels, draw: DrawnNoise) -> Pixels:
    shape = image.shape[:2] if draw.gray or image.ndim == 2 else image.shape
    numbers = Integers(draw.seed).normal_q16(math.prod(shape)).reshape(shape)
    gray = image.ndim == 3 and len(shape) == 2
    amount = numbers * draw.amount
    if draw.kind == "shot":
        levels = image.astype(np.int64).sum(axis=2) // 3 if gray else image
        roots = np.array([math.isqrt(v << 16) for v in range(256)], dtype=np.int64)
        amount = (amount * roots[levels]) >> 8
    noise = (amount + 50 * _ONE) // (100 * _ONE)
    noisy = image.astype(np.int64) + (noise[..., None] if gray else noise)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)
