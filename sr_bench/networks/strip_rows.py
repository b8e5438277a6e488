"""Rows of a strip that wait for the next one: above a convolution's window, and in a residual."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import torch
from torch.nn import functional

from sr_bench.networks.steps import Convolution
from sr_bench.networks.taps import tap_convolution

_FEW = 3  # output channels: with more, oneDNN is faster than taps

Strip = tuple[torch.Tensor, bool]  # (B, h, W, C) rows of an image; whether they are the lowest


def called(function: Callable[[torch.Tensor], torch.Tensor], strip: Strip) -> Strip:
    """A function of (B, C, h, W) on a strip."""
    made = function(strip[0].permute(0, 3, 1, 2))  # (B, C, h, W)
    return made.permute(0, 2, 3, 1), strip[1]


def rectified(strip: Strip) -> Strip:
    """max(x, 0), written over the strip."""
    return strip[0].relu_(), strip[1]


class Waiting:
    """Rows that wait until what is added to them has come through a residual's layers."""

    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.rows: deque[torch.Tensor] = deque()

    def note(self, strip: Strip) -> Strip:
        """Let a strip wait."""
        self.rows.append(strip[0])
        return strip

    def add(self, strip: Strip) -> Strip:
        """What was made, scaled, plus the rows that waited for it; it is written over."""
        made, last = strip
        if self.scale != 1:
            made *= self.scale
        done = 0
        while done < made.shape[1]:
            rows = self.rows.popleft()
            here = made[:, done : done + rows.shape[1]]
            count = here.shape[1]
            here += rows[:, :count]
            if count < rows.shape[1]:
                rest = rows[:, count:].clone()  # a view would keep all of the strip in memory
                self.rows.appendleft(rest)
            done += count
        return made, last


class Window:
    """A layer that keeps the last rows of its input, with their padding, for the next strip."""

    def __init__(self, layer: Convolution, *, rectify: bool) -> None:
        self.layer, self.rectify = layer, rectify
        self.pad = layer.pad
        self.above: torch.Tensor | None = None  # (B, h, W + 2 pad, C)

    def convolve(self, strip: Strip) -> Strip | None:
        """Of a strip and the rows above it; None where these are too few for a row of output.

        The lowest strip gets the padding below the image at once: rows that came one by one from
        each layer would be as many calls as half the square of their number.
        """
        last = strip[1]
        if last and self.above is None and self.layer.width > _FEW:
            # All of the image: the layer pads it without a copy.
            return called(self.layer, rectified(strip) if self.rectify else strip)
        rows = self._padded(*strip)
        few = rows.shape[1] <= 2 * self.pad
        self.above = rows if few else rows[:, -2 * self.pad :].clone()
        return None if few else (_convolve(self.layer, rows), last)

    def _padded(self, strip: torch.Tensor, last: bool) -> torch.Tensor:
        """Its rows below those that are kept, with what is outside the image around them."""
        (batch, height, width, channels), pad = strip.shape, self.pad
        above = pad if self.above is None else self.above.shape[1]
        below = pad if last else 0
        rows = strip.new_empty((batch, above + height + below, width + 2 * pad, channels))
        added = rows[:, above : above + height]
        inside = added[:, :, pad:-pad]
        if self.rectify:
            torch.clamp_min(strip, 0, out=inside)
        else:
            inside.copy_(strip)
        self._fill(added[:, :, :pad], inside[:, :, :1])
        self._fill(added[:, :, -pad:], inside[:, :, -1:])
        self._fill(rows[:, above + height :], added[:, -1:])
        if self.above is None:
            self._fill(rows[:, :pad], added[:, :1])
        else:
            rows[:, :above] = self.above
        return rows

    def _fill(self, padding: torch.Tensor, nearest: torch.Tensor) -> None:
        if self.layer.replicate:
            padding.copy_(nearest)
        else:
            padding.zero_()


def _convolve(layer: Convolution, planes: torch.Tensor) -> torch.Tensor:
    """(B, h, w, C) without further padding -> (B, h', w', out)."""
    if layer.width > _FEW:
        made = functional.conv2d(planes.permute(0, 3, 1, 2), layer.weight, layer.bias)
        return made.permute(0, 2, 3, 1)
    made = tap_convolution(planes, layer.weight).permute(0, 2, 3, 1)
    return made if layer.bias is None else made.add_(layer.bias)
