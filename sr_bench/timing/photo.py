"""A made-up picture with a photo's statistics, the same on every machine: no download."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sr_bench.imaging.images import Image


def photo(height: int, width: int, *, seed: int) -> Image:
    """(height, width, 3) uint8: a 1/f spectrum, sharp outlines, channels that go together.

    PNG and SSIM treat it much as they treat a photo; of plain noise they'd see a worst case.
    """
    rng = np.random.default_rng(seed)
    shapes = np.sign(_pink(rng, height, width, power=2.0))
    light = 0.7 * _pink(rng, height, width, power=1.2) + 0.6 * shapes
    tint = np.stack([_pink(rng, height, width, power=1.8) for _ in range(3)], axis=-1)
    return np.clip(120 + 45 * light[..., None] + 18 * tint, 0, 255).astype(np.uint8)


def _pink(
    rng: np.random.Generator, height: int, width: int, *, power: float
) -> NDArray[np.float64]:
    """A random field of amplitude 1 / frequency^power, mean 0, standard deviation 1."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((height, width))) / frequency**power
    field = np.fft.irfft2(spectrum, s=(height, width))
    return np.asarray((field - field.mean()) / field.std())
