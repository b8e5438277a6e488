"""A model on as much at once as memory holds: batches, tiles, and each call checked."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sr_bench.networks.device import (
    CPU,
    Precision,
    free_memory,
    from_device,
    in_precision,
    is_out_of_memory,
    to_device,
    turn,
)
from sr_bench.networks.method import Model
from sr_bench.networks.model_checks import require_layout, require_values
from sr_bench.networks.room import PROBE, Fitting, Probe
from sr_bench.networks.tiles import Unit, pieces, reach_of, require_reach
from sr_bench.support.errors import SrBenchError
from sr_bench.support.notices import notice

Units = NDArray[np.float32]  # (B, C, h, w): several of one size

_SMALLEST = 16  # lr pixels of a tile's side: where these don't fit, nothing will


@dataclass(frozen=True)
class Enlarger:
    """A model from lr to sr, both (B, C, h, w) in about 0..1; the fields are those of an Upscaler.

    Where memory doesn't suffice, batches are halved, and then tiles, until it does; that is said.
    """

    name: str
    model: Model
    scale: int
    tile: int | None = None
    untrained: bool = False
    device: torch.device = CPU
    precision: Precision = "float32"
    _fitting: Fitting = field(default_factory=Fitting, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.tile is not None:
            self._reach(self.tile)

    def __call__(self, lrs: Units) -> Units:
        """(B, C, h, w) -> (B, C, H, W): the model, on as much at once as memory holds."""
        made: list[Units] = []
        while (done := sum(map(len, made))) < len(lrs):
            part = lrs[done : done + self._at_once(lrs)]
            limits = (self.tile, self._fitting.tile, max(lrs.shape[2:]))
            tile = min(limit for limit in limits if limit is not None)
            srs = self._attempt(part, tile)
            if srs is not None:
                made.append(srs)
                continue
            # Outside of what caught the error, which holds on to all that the call had made.
            free_memory(self.device)
            if len(part) > 1:
                self._halve_batch(part)
            else:
                self._halve(part[0], tile)
        return made[0] if len(made) == 1 else np.concatenate(made)

    def _at_once(self, lrs: Units) -> int:
        """How many of them the model sees at once."""
        most = self._fitting.pixels
        return len(lrs) if most is None else max(1, most // math.prod(lrs.shape[2:]))

    def _attempt(self, lrs: Units, tile: int) -> Units | None:
        """``None`` where memory doesn't suffice."""
        if not self._has_room(lrs, tile):
            return None
        try:
            if tile >= max(lrs.shape[2:]) and self.tile is None:
                return self._called(lrs)
            return self._in_tiles(lrs, tile)
        except MemoryError:
            return None

    def _has_room(self, lrs: Units, tile: int) -> bool:
        """Whether memory holds a call on so large a tile."""
        height, width = (min(side, tile) for side in lrs.shape[2:])
        part = lrs[:1, :, :PROBE, :PROBE]
        probe = Probe(partial(self._called, part), math.prod(part.shape[2:]))
        return self._fitting.has_room(self.device, len(lrs) * height * width, probe)

    def _in_tiles(self, lrs: Units, tile: int) -> Units:
        srs = np.empty(self.shape(lrs), np.float32)
        for rows, columns in pieces(lrs.shape[2:], tile, self._reach(tile)):
            piece = self._called(lrs[..., rows.seen, columns.seen])
            kept = piece[..., rows.kept(self.scale), columns.kept(self.scale)]
            srs[..., rows.made(self.scale), columns.made(self.scale)] = kept
        return srs

    def _halve_batch(self, lrs: Units) -> None:
        """Take half as many images at once from now on."""
        half = len(lrs) // 2
        pixels = half * math.prod(lrs.shape[2:])
        with self._fitting.lock:
            self._fitting.pixels = min(pixels, self._fitting.pixels or pixels)
        what = f"{self._too_little(lrs[0])} of {len(lrs)} images at once"
        notice(Path(self.name), f"{what}: goes on with {half}")

    def _too_little(self, lr: Unit) -> str:
        return f"out of memory on {self.device} with {lr.shape[2]} x {lr.shape[1]} lr pixels"

    def _halve(self, lr: Unit, tile: int) -> None:
        """Take tiles of half the size from now on.

        Raises:
            MemoryError: if there are none.
            SrBenchError: if the model's reach is wrong.
        """
        what = self._too_little(lr)
        if reach_of(self.model) is None:
            raise MemoryError(
                f"{self.name}: {what}, and the model has no `reach`, so it can't be run in tiles; "
                "take a smaller image or another device (--device cpu), or set `reach` in the "
                "method's file"
            )
        if tile <= _SMALLEST:
            raise MemoryError(f"{self.name}: {what} in tiles of {tile}; take another device")
        half = max(_SMALLEST, tile // 2)
        with self._fitting.lock:
            if self.tile is None and self._fitting.tile is None:
                self.require_tiles()
            self._fitting.tile = min(half, self._fitting.tile or half)
        notice(Path(self.name), f"{what}: goes on in tiles of {half}")

    def _reach(self, tile: int) -> int:
        reach = reach_of(self.model)
        if reach is None:
            declared = getattr(self.model, "reach", None)
            raise SrBenchError(
                f"{self.name}: tile is {tile}, but the model's reach is {declared!r}; set `reach` "
                "in the method's file to how many lr pixels away an output pixel still depends on "
                "(methods/README.md), or take `tile` out of the run"
            )
        return reach

    def called(self, lr: Unit) -> Unit:
        """One call of the model, (C, h, w) -> (C, H, W), its output checked.

        Raises:
            SrBenchError: if the model fails, or what it returned has the wrong shape, type or
                range, or NaN in it.
            MemoryError: if the device has too little of it.
        """
        sr: Unit = self._called(lr[None])[0]
        return sr

    def _called(self, lrs: Units) -> Units:
        """The same of (B, C, h, w)."""
        own = lrs.copy()  # contiguous: lrs may be a view, and is used by other calls
        with torch.inference_mode(), turn(self.device):
            out = self.own_call(torch.from_numpy(own))
            require_layout(self.name, out, self.shape(lrs))
        values: Units = from_device(out)
        require_values(self.name, values, untrained=self.untrained)
        return values

    def own_call(self, lr: torch.Tensor) -> torch.Tensor:
        """The model's own call on its device; its errors name the run and the image's size."""
        try:
            with in_precision(self.device, self.precision):
                sr = self.model(to_device(lr, self.device))
            return sr if self.precision == "float32" else sr.float()
        except SrBenchError:
            raise
        except Exception as error:
            what = " ".join(str(error).split())
            if is_out_of_memory(error):
                raise MemoryError(what) from None
            raise SrBenchError(
                f"{self.name}: the model fails on an lr image of {tuple(lr.shape)} with "
                f"{type(error).__name__}: {what}; mend the method's file"
            ) from error

    def require_reach(self) -> None:
        """Compare tiles with the whole image, where the run is tiled.

        Raises:
            SrBenchError: if they differ: see :func:`sr_bench.networks.tiles.require_reach`.
        """
        if self.tile is not None:
            self.require_tiles()

    def require_tiles(self) -> None:
        """The same for a model that may be run in tiles, and has a reach."""
        free = replace(self, untrained=True)  # networks overshoot on noise
        require_reach(self.name, self.model, free.called, self.scale)

    def shape(self, lrs: Units) -> tuple[int, ...]:
        """Of the sr."""
        *before, height, width = lrs.shape
        return *before, height * self.scale, width * self.scale
