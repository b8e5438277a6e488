"""Held-out training images: which they are, and the PSNR of a network on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sr_bench.evaluation.metrics.psnr import psnr_unchecked
from sr_bench.evaluation.scoring.planes import Luma, cut
from sr_bench.imaging.degrade import Degradation, degrade, hr_planes
from sr_bench.imaging.images import Image
from sr_bench.networks.method import Model

HELD_OUT = 8
LARGEST = 480  # pixels of a side: larger images are cut to their middle


def held_out(count: int) -> list[int]:
    """Which of ``count`` images, in order, are kept from training: evenly spread ones.

    A tenth of them, at least one and at most :data:`HELD_OUT`.
    """
    kept = min(HELD_OUT, max(1, count // 10))
    return [round((i + 0.5) * count / kept) for i in range(kept)]


class Clamped:
    """A model whose values are kept near [0, 1], where the harness refuses them: it may be new.

    It is computed on ``device`` where it is a network: its lr comes from the CPU, its sr goes back.
    """

    def __init__(self, model: Model, device: torch.device | None = None) -> None:
        self.colour = model.colour
        self.device = device if device and isinstance(model, nn.Module) else torch.device("cpu")
        self.model = model.to(self.device) if isinstance(model, nn.Module) else model

    def __call__(self, lr: torch.Tensor) -> torch.Tensor:
        """(1, C, h, w) -> (1, C, scale * h, scale * w)."""
        return self.model(lr.to(self.device)).clamp(-0.5, 1.5).cpu()


@dataclass(frozen=True)
class Validation:
    """Held-out images: PSNR on the luminance, ``scale`` pixels cut from each side."""

    images: Sequence[Image]
    degradation: Degradation

    def psnr(self, upscale: Callable[[NDArray[np.generic]], Image], scale: int) -> float:
        """Mean PSNR in dB of what ``upscale`` makes of each image's lr."""
        return fmean(self._psnr(image, upscale, scale) for image in self.images)

    def _psnr(
        self, image: Image, upscale: Callable[[NDArray[np.generic]], Image], scale: int
    ) -> float:
        hr = self._y(hr_planes(image, self.degradation, scale))
        sr = self._y(upscale(degrade(image, self.degradation, scale=scale)))
        return psnr_unchecked(cut(sr, scale), cut(hr, scale), data_range=255)

    def _y(self, planes: Image) -> NDArray[np.generic]:
        """Gray is its own Y among planes of YCbCr, three equal channels among those of RGB."""
        colour = self.degradation.colour
        return Luma()(planes, colour, gray_as_rgb=colour == "rgb")
