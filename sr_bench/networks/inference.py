"""A loaded model from lr planes to sr planes: colours, self-ensemble, tiles, device and checks.

Colour conversion, clamping and rounding happen here, once, for every method.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from sr_bench.imaging.degrade import Degradation
from sr_bench.imaging.images import Image
from sr_bench.networks.device import CPU, Precision, in_precision, placed, set_up
from sr_bench.networks.enlarger import Enlarger, Units
from sr_bench.networks.method import Model
from sr_bench.networks.model_checks import require_model
from sr_bench.networks.planes import Made, Planes, Through
from sr_bench.support.notices import notice

Real = TypeVar("Real", np.float32, np.float64)

_TURNS = tuple(product(range(4), (False, True)))  # quarter turns, then mirrored or not


@dataclass(frozen=True)
class Upscaler:
    """A loaded model under one degradation: lr planes in, uint8 sr planes out.

    Where memory doesn't suffice, batches are halved, and then tiles, until it does; that is said.

    Args:
        name: the run, which errors name.
        model: what the method's ``load`` returned.
        degradation: how lr was made.
        scale: 2 to 8.
        ensemble: whether to average the model over the 8 flips and rotations of lr, before
            anything is rounded or clamped (Timofte et al. 2016, doi:10.1109/CVPR.2016.206; Lim et
            al. 2017, doi:10.1109/CVPRW.2017.151, section 3.4). It concerns the planes that the
            model makes, not Cb and Cr where bicubic makes them.
        tile: run the model on at most this many lr pixels a side, and what it needs around them;
            ``None`` is the whole image at once. The result is the same.
        untrained: whether the weights are made up, so that values may lie anywhere.
        device: where the model takes its lr; see :meth:`on`.
        precision: what the model computes in; ``bf16`` and ``fp16`` by autocast.

    Attributes:
        enlarger: the model alone, from lr to sr in about 0..1, each call checked.

    Raises:
        SrBenchError: for a model of unknown colour or in training mode, or a tile and a model that
            has no ``reach``.
        WrongUse: for a precision that the device hasn't.
    """

    name: str
    model: Model
    degradation: Degradation
    scale: int
    ensemble: bool = False
    tile: int | None = None
    untrained: bool = False
    device: torch.device = CPU
    precision: Precision = "float32"
    enlarger: Enlarger = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_model(self.name, self.model)
        in_precision(self.device, self.precision)
        set_up(self.device, deterministic=True)
        parts = (self.name, self.model, self.scale, self.tile, self.untrained)
        enlarger = Enlarger(*parts, self.device, self.precision)
        object.__setattr__(self, "enlarger", enlarger)

    def on(self, device: torch.device, precision: Precision = "float32") -> Upscaler:
        """The same on another device; on the CPU where the model has no network to move."""
        model, there = placed(self.model, device)
        if there != device:
            notice(Path(self.name), f"has no network to move: it runs on {there}, not on {device}")
        return replace(self, model=model, device=there, precision=precision)

    def __call__(self, lr: NDArray[np.generic]) -> Image:
        """lr as :func:`~sr_bench.imaging.degrade.degrade` makes it -> uint8 sr in the same planes.

        ============  ==============================  ==========================================
        the model's   colour lr                       gray lr
        ============  ==============================  ==========================================
        ``any``       each plane as it is             the plane as it is
        ``y``         Y; Cb and Cr by bicubic         the plane is Y; a gray sr
        ``ycbcr``     Y, Cb, Cr                       Y with Cb = Cr = 128; a gray sr, its Y
        ``rgb``       R, G, B                         three equal channels; all three are kept, or
                                                      become gray where the planes are Y, Cb, Cr
        ============  ==============================  ==========================================

        Planes are converted to those that the model sees and back, unrounded.

        Raises:
            SrBenchError: if the model's output has the wrong shape, type or range, or NaN in it.
            MemoryError: if memory doesn't suffice for the smallest tile, or for the whole image
                and the model has no ``reach``.
        """
        return self._rounded([lr])[0]

    def together(self, lrs: Sequence[NDArray[np.generic]]) -> list[Image]:
        """As a call with each; the model sees all of them at once, as far as memory goes.

        Args:
            lrs: lr images of one shape, for a model with ``batches``.

        Raises:
            SrBenchError: as a call; it doesn't say which of the images it is about.
            MemoryError: as a call.
        """
        return self._rounded(lrs)

    def unrounded(self, lr: NDArray[np.generic]) -> Planes:
        """As a call, before rounding and clamping: float64, about 0..255."""
        through = self._through
        planes = np.asarray(lr, dtype=np.float64)
        (made,) = self._made([through.seen(planes)])
        return through.back(planes, made.astype(np.float64) * 255)

    def _rounded(self, lrs: Sequence[NDArray[np.generic]]) -> list[Image]:
        through = self._through
        planes = [np.asarray(lr, dtype=np.float64) for lr in lrs]
        made = self._made([through.seen(lr) for lr in planes])
        return [through.rounded(lr, sr) for lr, sr in zip(planes, made)]

    @property
    def _through(self) -> Through:
        return Through(self.model.colour, self.degradation, self.scale)

    def _made(self, lrs: list[Planes]) -> list[Made]:
        """The model, with self-ensemble and tiles where asked for, on each (h, w) or (h, w, C).

        Returns:
            (H, W) or (H, W, C) on 0..1.
        """
        each = [(np.atleast_3d(lr).transpose(2, 0, 1) / 255).astype(np.float32) for lr in lrs]
        units = each[0][None] if len(each) == 1 else np.stack(each)  # (B, C, h, w)
        values = self._averaged(units) if self.ensemble else self.enlarger(units)
        srs = (sr.transpose(1, 2, 0) for sr in values)  # (H, W, C)
        return [sr if lr.ndim == 3 else sr[..., 0] for sr, lr in zip(srs, lrs)]

    def _averaged(self, lrs: Units) -> Planes:
        """(B, C, h, w) -> (B, C, H, W), the mean over the 8 flips and rotations."""
        total = np.zeros(self.enlarger.shape(lrs))
        for turns, mirrored in _TURNS:
            total += _turned_back(self.enlarger(_turned(lrs, turns, mirrored)), turns, mirrored)
        return total / len(_TURNS)


def _turned(planes: NDArray[Real], turns: int, mirrored: bool) -> NDArray[Real]:
    """(..., h, w) mirrored left to right, then turned by ``turns`` quarters."""
    return np.rot90(planes[..., ::-1] if mirrored else planes, turns, axes=(-2, -1))


def _turned_back(planes: NDArray[Real], turns: int, mirrored: bool) -> NDArray[Real]:
    back = np.rot90(planes, -turns, axes=(-2, -1))
    return back[..., ::-1] if mirrored else back
