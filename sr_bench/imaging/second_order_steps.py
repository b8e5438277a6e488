"""The drawn steps of ``second-order-v1``: what each holds, and what it does to an image.

All of it is integer arithmetic, apart from JPEG, which is handed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sr_bench.imaging.noise import Integers
from sr_bench.imaging.second_order_resize import Mode, Pixels, resized

_ONE = 2**16  # what the weights of a kernel sum to
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


def applied(image: Pixels, draw: Drawn, jpeg: JpegAndBack) -> Pixels:
    """The image after one step."""
    if isinstance(draw, ResizeTo):
        return resized(image, height=draw.height, width=draw.width, mode=draw.mode)
    if isinstance(draw, DrawnNoise):
        return _noisy(image, draw)
    if isinstance(draw, DrawnJpeg):
        return jpeg(image, draw.quality)
    kernel = gaussian_kernel(draw) if isinstance(draw, GaussianBlur) else sinc_kernel(draw)
    return _filtered(image, kernel)


def _filtered(image: Pixels, kernel: NDArray[np.int64]) -> Pixels:
    """Products and sums are integers below 2^53: float64 holds each exactly, in any order."""
    from scipy.ndimage import correlate  # slow to import, and few degradations need it

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
