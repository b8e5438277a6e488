"""A loaded model from lr planes to sr planes: colours, self-ensemble, tiles and checks.

Colour conversion, clamping and rounding happen here, once, for every method.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product
from typing import NamedTuple, TypeVar, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from sr_bench.imaging.color import gray_of_rgb, rgb_to_ycbcr, to_uint8, ycbcr_to_rgb
from sr_bench.imaging.degrade import Degradation
from sr_bench.imaging.images import Image
from sr_bench.imaging.resize import imresize
from sr_bench.networks.method import Model, ModelColour
from sr_bench.networks.modules import networks_of
from sr_bench.support.errors import SrBenchError

Planes = NDArray[np.float64]  # (h, w) or (h, w, 3), 0..255, unrounded
Unit = NDArray[np.float32]  # (C, h, w) in about [0, 1], as a model sees and returns it
Real = TypeVar("Real", np.float32, np.float64)

_SLACK = 1.0  # a model's values may leave [0, 1] by this much before they are called wrong
_CHANNELS = {"any": 1, "y": 1, "rgb": 3, "ycbcr": 3}
_THIN, _MORE = 5, 9  # lr pixels across a strip that tests `reach`; along it, twice the reach more
_CUTS = (1, 3)  # odd, so that strides and windows show
_NOISE = 5e-5  # in 0..1: more than float32 rounds by from size to size, 0.013 grey levels
_NO_CHROMA = 128.0  # Cb and Cr of a gray image
_TURNS = tuple(product(range(4), (False, True)))  # quarter turns, then mirrored or not


@dataclass(frozen=True)
class Upscaler:
    """A loaded model under one degradation: lr planes in, uint8 sr planes out.

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

    Raises:
        SrBenchError: for a model of unknown colour or in training mode, or a tile and a model that
            has no ``reach``.
    """

    name: str
    model: Model
    degradation: Degradation
    scale: int
    ensemble: bool = False
    tile: int | None = None
    untrained: bool = False

    def __post_init__(self) -> None:
        require_model(self.name, self.model)
        if self.tile is not None:
            self._reach(self.tile)

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
        """
        return to_uint8(self.unrounded(lr))

    def unrounded(self, lr: NDArray[np.generic]) -> Planes:
        """The same before rounding and clamping: float64, about 0..255."""
        planes = np.asarray(lr, dtype=np.float64)
        by_colour = {"any": self._apply, "y": self._y, "ycbcr": self._ycbcr, "rgb": self._rgb}
        return by_colour[self.model.colour](planes)

    def _rgb(self, lr: Planes) -> Planes:
        if lr.ndim == 2:
            sr = self._apply(np.repeat(lr[..., None], 3, axis=2))
            return sr if self.degradation.colour == "rgb" else gray_of_rgb(sr)
        if self.degradation.colour == "rgb":
            return self._apply(lr)
        return rgb_to_ycbcr(self._apply(ycbcr_to_rgb(lr)))

    def _ycbcr(self, lr: Planes) -> Planes:
        if lr.ndim == 2:
            chroma = np.full_like(lr, _NO_CHROMA)
            return self._apply(np.stack([lr, chroma, chroma], axis=-1))[..., 0]
        if self.degradation.colour == "ycbcr":
            return self._apply(lr)
        return ycbcr_to_rgb(self._apply(rgb_to_ycbcr(lr)))

    def _y(self, lr: Planes) -> Planes:
        """Y through the model, Cb and Cr by bicubic, as the SRCNN paper does."""
        if lr.ndim == 2:
            return self._apply(lr)
        ycbcr = lr if self.degradation.colour == "ycbcr" else rgb_to_ycbcr(lr)
        border = self.degradation.border
        sr = imresize(ycbcr, scale=self.scale, rounding="none", border=border).astype(np.float64)
        sr[..., 0] = self._apply(ycbcr[..., 0])
        return sr if self.degradation.colour == "ycbcr" else ycbcr_to_rgb(sr)

    def _apply(self, lr: Planes) -> Planes:
        """The model, with self-ensemble and tiles where asked for, on (h, w) or (h, w, C)."""
        unit = (np.atleast_3d(lr).transpose(2, 0, 1) / 255).astype(np.float32)  # (C, h, w)
        values = self._averaged(unit) if self.ensemble else self._enlarged(unit)
        sr = values.transpose(1, 2, 0).astype(np.float64) * 255  # (H, W, C)
        return np.asarray(sr.reshape(sr.shape[:2] + lr.shape[2:]))

    def _averaged(self, lr: Unit) -> Planes:
        """(C, h, w) -> (C, H, W), the mean over the 8 flips and rotations."""
        total = np.zeros(self._shape(lr))
        for turns, mirrored in _TURNS:
            total += _turned_back(self._enlarged(_turned(lr, turns, mirrored)), turns, mirrored)
        return total / len(_TURNS)

    def _enlarged(self, lr: Unit) -> Unit:
        """(C, h, w) -> (C, H, W): the model, tile by tile where the run is tiled."""
        if self.tile is None:
            return self.called(lr)
        sr = np.empty(self._shape(lr), np.float32)
        for rows, columns in _pieces(lr.shape[1:], self.tile, self._reach(self.tile)):
            piece = self.called(lr[:, rows.seen, columns.seen])
            kept = piece[:, rows.kept(self.scale), columns.kept(self.scale)]
            sr[:, rows.made(self.scale), columns.made(self.scale)] = kept
        return sr

    def _reach(self, tile: int) -> int:
        reach = getattr(self.model, "reach", None)
        if type(reach) is not int or reach < 0:
            raise SrBenchError(
                f"{self.name}: tile is {tile}, but the model's reach is {reach!r}; set `reach` in "
                "the method's file to how many lr pixels away an output pixel still depends on "
                "(methods/README.md), or take `tile` out of the run"
            )
        return reach

    def called(self, lr: Unit) -> Unit:
        """One call of the model, (C, h, w) -> (C, H, W), its output checked.

        Raises:
            SrBenchError: if the model fails, or what it returned has the wrong shape, type or
                range, or NaN in it.
        """
        own = lr.copy()  # contiguous: lr may be a view, and is used by other calls
        with torch.inference_mode():
            out = self.own_call(torch.from_numpy(own)[None])
        self._check_layout(out, (1, *self._shape(lr)))
        values: Unit = out.numpy()[0]
        self._check_values(values)
        return values

    def own_call(self, lr: torch.Tensor) -> torch.Tensor:
        """The model's own call; its errors name the run and the image's size."""
        try:
            return self.model(lr)
        except (SrBenchError, MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            what = " ".join(str(error).split())
            raise SrBenchError(
                f"{self.name}: the model fails on an lr image of {tuple(lr.shape)} with "
                f"{type(error).__name__}: {what}; mend the method's file"
            ) from error

    def require_reach(self) -> None:
        """Compare a strip of noise with the same strip cut off, along both sides.

        What lies further from the cut than ``reach`` has to be the same.

        Raises:
            SrBenchError: if it isn't: tiles would give another image than the whole one.
        """
        if self.tile is None:
            return
        reach = self._reach(self.tile)
        channels = _CHANNELS[self.model.colour]
        whole = np.random.default_rng(0).random((channels, _THIN, 2 * reach + _MORE), np.float32)
        for strip in (whole, whole.transpose(0, 2, 1)):
            off = max(self._cut_off(strip, reach, cut) for cut in _CUTS)
            if off > _NOISE * max(1.0, float(np.abs(self.called(strip)).max())):
                raise SrBenchError(
                    f"{self.name}: reach is {reach} lr pixels, but cutting the image changes "
                    f"pixels further away by {off * 255:.3g} grey levels (rounding alone: "
                    f"{_NOISE * 255:.2g}); correct `reach` in the method's file, or take it out "
                    "if pixels depend on the whole image or on where they lie"
                )

    def _cut_off(self, strip: Unit, reach: int, cut: int) -> float:
        """The largest difference beyond ``reach`` without the first, and the last, ``cut``."""
        axis = 2 if strip.shape[2] > strip.shape[1] else 1
        beyond = self.scale * (cut + reach)
        whole = np.moveaxis(self.called(strip), axis, 0)
        size = strip.shape[axis]
        later = self.called(np.take(strip, range(cut, size), axis))
        earlier = self.called(np.take(strip, range(size - cut), axis))
        later, earlier = (np.moveaxis(part, axis, 0) for part in (later, earlier))
        kept = self.scale * size - beyond
        after = later[self.scale * reach :] - whole[beyond:]
        before = earlier[:kept] - whole[:kept]
        return float(max(np.abs(after).max(), np.abs(before).max()))

    def _shape(self, lr: Unit) -> tuple[int, ...]:
        channels, height, width = lr.shape
        return channels, height * self.scale, width * self.scale

    def _check_layout(self, out: object, shape: tuple[int, ...]) -> None:
        if not isinstance(out, torch.Tensor):
            raise SrBenchError(
                f"{self.name}: returned {type(out).__name__}, expected a tensor of {shape}"
            )
        if tuple(out.shape) != shape or out.dtype != torch.float32:
            raise SrBenchError(
                f"{self.name}: returned {tuple(out.shape)} {out.dtype}, expected {shape} "
                "torch.float32; a method returns its lr's layout at scale times the size"
            )

    def _check_values(self, values: Unit) -> None:
        bad = int(values.size - np.isfinite(values).sum())
        if bad:
            raise SrBenchError(
                f"{self.name}: {bad} of {values.size} returned values are NaN or infinite; "
                "check the weights and the input's range, [0, 1]"
            )
        low, high = float(values.min()), float(values.max())
        if not self.untrained and (low < -_SLACK or high > 1 + _SLACK):
            raise SrBenchError(
                f"{self.name}: returned values span {low:.3g} .. {high:.3g}, expected about "
                "[0, 1]; undo the method's own value range before returning"
            )


def require_model(name: str, model: object) -> None:
    """Refuse what isn't a model, and a model in training mode.

    Raises:
        SrBenchError: naming what is wrong, and the remedy.
    """
    if not callable(model):
        raise SrBenchError(
            f"{name}: load returned {type(model).__name__}, expected a model that can be called"
        )
    colour, known = getattr(model, "colour", None), get_args(ModelColour)
    if colour not in known:
        raise SrBenchError(
            f"{name}: the model's colour is {colour!r}, expected one of {known}; set `colour` in "
            "its class (methods/README.md)"
        )
    for network in networks_of(model).values():
        training = [n or type(m).__name__ for n, m in network.named_modules() if m.training]
        if training:
            raise SrBenchError(
                f"{name}: {training[0]} is in training mode, where Dropout and BatchNorm give "
                "other numbers; return model.eval() from load"
            )


class _Cut(NamedTuple):
    """Rows or columns ``start:stop`` of lr, made by a model that sees ``low:high``."""

    start: int
    stop: int
    low: int
    high: int

    @property
    def seen(self) -> slice:
        return slice(self.low, self.high)

    def made(self, scale: int) -> slice:
        """Where they lie in the whole sr."""
        return slice(scale * self.start, scale * self.stop)

    def kept(self, scale: int) -> slice:
        """Where they lie in the sr of what the model saw."""
        return slice(scale * (self.start - self.low), scale * (self.stop - self.low))


def _pieces(size: tuple[int, ...], tile: int, reach: int) -> Iterator[tuple[_Cut, _Cut]]:
    """Rows and columns of each tile of an lr image of (h, w)."""
    height, width = size
    return product(_cuts(height, tile, reach), _cuts(width, tile, reach))


def _cuts(size: int, tile: int, reach: int) -> list[_Cut]:
    """``size`` pixels in pieces of at most ``tile``, as equal as can be: no thin rest at the end.

    A piece stops at the image's edge, so that the model's own padding acts there as it does on the
    whole image.
    """
    count = math.ceil(size / tile)
    edges = (size * i // count for i in range(count + 1))
    return [_Cut(a, b, max(0, a - reach), min(size, b + reach)) for a, b in pairwise(edges)]


def _turned(planes: NDArray[Real], turns: int, mirrored: bool) -> NDArray[Real]:
    """(C, h, w) mirrored left to right, then turned by ``turns`` quarters."""
    return np.rot90(planes[..., ::-1] if mirrored else planes, turns, axes=(1, 2))


def _turned_back(planes: NDArray[Real], turns: int, mirrored: bool) -> NDArray[Real]:
    back = np.rot90(planes, -turns, axes=(1, 2))
    return back[..., ::-1] if mirrored else back
