"""What a foreign model expects of its input, and the model behind it as a method's model."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from sr_bench.networks.method import ModelColour
from sr_bench.networks.opened import OpenOptions, Pad

Call = Callable[[torch.Tensor], torch.Tensor]  # (1, C, h, w) float32 in the model's own range


@dataclass(frozen=True)
class Padding:
    """How lr grows, at the right and the bottom, to a size that the model takes."""

    multiple: int = 1
    minimum: tuple[int, int] = (1, 1)
    mode: Pad = "reflect"

    def side(self, side: int, minimum: int) -> int:
        """The side of the image that the model sees."""
        more = 1 if self.mode == "flip-next" else 0
        return math.ceil(max(side + more, minimum) / self.multiple) * self.multiple

    def __call__(self, lr: torch.Tensor) -> torch.Tensor:
        """(1, C, h, w) -> the same with more rows and columns, where it needs them."""
        height, width = lr.shape[2:]
        rows = self.side(height, self.minimum[0])
        columns = self.side(width, self.minimum[1])
        if (rows, columns) == (height, width):
            return lr
        if self.mode == "zero":
            return functional.pad(lr, (0, columns - width, 0, rows - height))
        rows_of = _sources(height, rows, self.mode).to(lr.device)
        columns_of = _sources(width, columns, self.mode).to(lr.device)
        return lr[:, :, rows_of][:, :, :, columns_of]

    @property
    def option(self) -> tuple[str, ...]:
        """What stands in the signature."""
        return (f"pad:{self.mode}.{self.multiple}",) if self.multiple > 1 else ()


def _sources(size: int, target: int, mode: Pad) -> torch.Tensor:
    """Which row of ``size`` stands in each of ``target`` rows."""
    index = torch.arange(target)
    if mode == "replicate" or size == 1:
        return index.clamp(max=size - 1)
    period = 2 * size if mode == "flip-next" else 2 * size - 2
    index = index % period
    last = period - 1 if mode == "flip-next" else period
    return torch.where(index < size, index, last - index)


def padding_of(
    options: OpenOptions, *, multiple: int = 1, minimum: int = 1, author: Pad = "reflect"
) -> Padding:
    """The padding that is asked for, and what the model itself needs.

    Args:
        author: what the authors of the network do.
    """
    mode = author if options.pad == "author" else options.pad
    return Padding(math.lcm(multiple, options.multiple_of), (minimum, minimum), mode)


class ForeignModel(nn.Module):
    """A model as the harness calls it: float32 (1, C, h, w) in [0, 1], whatever it wants inside.

    Args:
        call: the foreign model's own call: a partial of the network, where there is one, so that a
            copy of the model calls its own.
        network: the PyTorch network behind it, where there is one.
        colour: ``y`` where it takes one plane, else ``rgb``.
        value_range: what white is for it.
        padding: of lr; sr is cropped.
        options: what the user said.
    """

    colour: ModelColour

    def __init__(
        self,
        call: Call,
        colour: ModelColour,
        value_range: float,
        padding: Padding,
        options: OpenOptions,
        *,
        network: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.call, self.colour, self.value_range = call, colour, value_range
        self.padding, self.device = padding, options.device
        self.white_told, self.bgr = options.value_range, options.bgr and colour == "rgb"
        if network is not None:
            self.network = network
        self.eval()

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """(1, C, h, w) -> (1, C, scale * h, scale * w), on lr's device."""
        seen = self.padding(lr.to(self._device()))
        sr = self.call(self._own(seen) * self.value_range)
        if not isinstance(sr, torch.Tensor) or sr.ndim != 4:
            return sr
        (height, width), (rows, columns) = lr.shape[2:], seen.shape[2:]
        cropped = sr[:, :, : height * sr.shape[2] // rows, : width * sr.shape[3] // columns]
        return (self._own(cropped) / self.value_range).to(lr.device)

    def _own(self, planes: torch.Tensor) -> torch.Tensor:
        """R, G, B to the model's order, and back."""
        return planes.flip(1) if self.bgr else planes

    def _device(self) -> torch.device:
        parameter = next(self.parameters(), None)
        return self.device if parameter is None else parameter.device

    @property
    def options(self) -> tuple[str, ...]:
        """What was told, or is known of its authors, that changes its numbers."""
        own = [f"range:{self.white_told:g}"] if self.white_told != 1 else []
        own += ["order:bgr"] if self.bgr else []
        return (*own, *self.padding.option)
