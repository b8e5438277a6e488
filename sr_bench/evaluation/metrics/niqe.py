"""NIQE (Mittal et al., 2013, doi:10.1109/LSP.2012.2227726): how unnatural an image is, by itself.

Three kinds are in use, which differ in the gray image that they look at; see :data:`GRAYS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d
from scipy.special import gamma

from sr_bench.imaging.color import rgb_to_y, to_uint8
from sr_bench.imaging.resize import imresize
from sr_bench.support.errors import SrBenchError

Array = NDArray[np.float64]
BLOCK = 96  # pixels of a block's side
_WINDOW, _SIGMA = 7, 7 / 6
_NOTHING = 1e-6  # a value of a flat region: rounding has its sign, which the features count
_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))
_RGB2GRAY = (0.298936021293775, 0.587043074451121, 0.114020904255103)  # MATLAB's


@dataclass(frozen=True)
class Gray:
    """What NIQE sees of RGB: ``y`` is rgb2ycbcr's, ``gray`` rgb2gray's, both rounded to uint8."""

    conversion: str
    border: int = 0  # pixels cut off at each side, beside what a protocol cuts

    def of(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(h, w, 3) or (h, w) uint8 -> (h, w) uint8, border cut off."""
        gray = image if image.ndim == 2 else to_uint8(self.values(image))
        height, width = gray.shape
        return gray[self.border : height - self.border, self.border : width - self.border]

    def values(self, image: NDArray[Any]) -> Array:
        """(h, w, 3) on 0..255 -> (h, w), unrounded, border and all."""
        return rgb_to_y(image) if self.conversion == "y" else np.asarray(image @ _RGB2GRAY)


GRAYS = {
    "niqe": Gray("y"),  # BasicSR, and the MATLAB release called with Y
    "niqe_gray": Gray("gray"),  # the MATLAB release called with RGB
    "niqe_pi": Gray("y", border=4),  # the PIRM 2018 challenge, whose PI has NIQE in it
}


@dataclass(frozen=True)
class Pristine:
    """The Gaussian model of features of good images."""

    mean: Array  # (36,)
    covariance: Array  # (36, 36)

    @classmethod
    def read(cls, path: Path) -> Pristine:
        """The model in an ``.npz`` file with ``mu_pris_param`` and ``cov_pris_param``.

        Raises:
            SrBenchError: where it holds something else.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                mean, covariance = file["mu_pris_param"].ravel(), file["cov_pris_param"]
        except (OSError, KeyError, ValueError) as error:
            raise SrBenchError(f"{path}: not a model of NIQE ({error}); fetch it again") from error
        if mean.shape != (36,) or covariance.shape != (36, 36):
            raise SrBenchError(f"{path}: {mean.shape} and {covariance.shape}, expected 36 features")
        return cls(mean.astype(np.float64), covariance.astype(np.float64))


def niqe(gray: NDArray[Any], pristine: Pristine) -> float:
    """The distance of an image's features from the pristine model; lower is better.

    Args:
        gray: (h, w) uint8, of which blocks of 96 x 96 from the upper left count; two at least.

    Raises:
        ValueError: for a smaller image.

    Equals MATLAB R2021a's 5.72957338 on the Y of Set14's baboon to 1e-6.
    """
    if (gray.shape[0] // BLOCK) * (gray.shape[1] // BLOCK) < 2:
        raise ValueError(
            f"sr is {gray.shape}, NIQE needs two blocks of {BLOCK} x {BLOCK} pixels; use larger "
            "images"
        )
    rows = features(gray)
    whole = rows[~np.isnan(rows).any(axis=1)]
    if len(whole) < 2:
        raise ValueError("sr is flat: NIQE needs two blocks with structure; score other images")
    inverse = np.linalg.pinv((pristine.covariance + np.cov(whole, rowvar=False)) / 2)
    distance = pristine.mean - np.nanmean(rows, axis=0)
    return float(np.sqrt(distance @ inverse @ distance))


def features(gray: NDArray[Any]) -> Array:
    """(blocks, 36): 18 features of each block at each of two scales."""
    across, down = gray.shape[1] // BLOCK, gray.shape[0] // BLOCK
    image = gray[: down * BLOCK, : across * BLOCK].astype(np.float64)
    table = []
    for scale in (1, 2):
        side, normalised = BLOCK // scale, _normalised(image)
        blocks = normalised.reshape(down, side, across, side).swapaxes(1, 2)
        table.append([_of_block(b) for b in blocks.reshape(-1, side, side)])
        if scale == 1:
            image = imresize(image, scale=Fraction(1, 2), rounding="none", border="mirror")
    return np.concatenate([np.array(t) for t in table], axis=1)


def _normalised(image: Array) -> Array:
    """Less its local mean, over its local deviation + 1 (Eq. 1)."""
    mean = _blurred(image)
    values = (image - mean) / (np.sqrt(np.abs(_blurred(image**2) - mean**2)) + 1)
    return np.where(np.abs(values) < _NOTHING, 0.0, values)


def _blurred(image: Array) -> Array:
    offsets = np.arange(_WINDOW) - _WINDOW // 2
    taps = np.exp(-(offsets**2) / (2 * _SIGMA**2))
    for axis in (0, 1):
        image = correlate1d(image, taps / taps.sum(), axis, mode="nearest")
    return image


def _of_block(block: Array) -> list[float]:
    alpha, left, right = _asymmetric(block)
    found = [alpha, (left + right) / 2]
    for shift in _SHIFTS:
        alpha, left, right = _asymmetric(block * np.roll(block, shift, axis=(0, 1)))
        mean = (right - left) * gamma(2 / alpha) / gamma(1 / alpha)  # Eq. 8
        found += [alpha, mean, left, right]
    return found


def _asymmetric(values: Array) -> tuple[float, float, float]:
    """An asymmetric generalised Gaussian fitted by its moments; NaN for a flat block (Eq. 7)."""
    below, above = values[values < 0], values[values > 0]
    if not len(below) or not len(above):
        return (np.nan,) * 3
    left, right = np.sqrt(np.mean(below**2)), np.sqrt(np.mean(above**2))
    ratio = left / right
    wanted = np.mean(np.abs(values)) ** 2 / np.mean(values**2)
    wanted *= (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    alphas, ratios = _table()
    alpha = float(alphas[np.argmin((ratios - wanted) ** 2)])
    scale = float(np.sqrt(gamma(1 / alpha) / gamma(3 / alpha)))
    return alpha, float(left) * scale, float(right) * scale


@lru_cache(maxsize=1)
def _table() -> tuple[Any, Any]:
    """Shapes from 0.2 to 10, and the ratio of moments that each has."""
    alphas = np.arange(0.2, 10.001, 0.001)
    return alphas, gamma(2 / alphas) ** 2 / (gamma(1 / alphas) * gamma(3 / alphas))
