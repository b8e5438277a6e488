"""A chain of layers computed strip by strip: what lies between layers stays in cache.

Of a whole image, one layer's output is hundreds of megabytes (64 channels of 1280 x 720 float32
values: 236 MB) that go to fresh memory and come back for padding, ReLU and the next layer. Of some
rows it is a few, in buffers that are used again. Nothing is computed twice: each layer waits for
the rows that it needs. The result is that of the whole image, up to the order of float32 sums.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from sr_bench.taps import tap_convolution

_STRIP = 20_000  # pixels
_FEW = 3  # output channels: with more, oneDNN is faster than taps

Strips = Iterator[torch.Tensor]  # (B, h, W, C) rows of an image, from the top down


class Residual(nn.Sequential):
    """x + scale * f(x), f being its layers, one after the other."""

    def __init__(self, *layers: nn.Module, scale: float = 1.0) -> None:
        super().__init__(*layers)
        self.scale = scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> the same."""
        made = x
        for layer in self:
            made = layer(made)
        return torch.add(x, made, alpha=self.scale)


class Chain(nn.Module):
    """A network that is one step after the other.

    Attributes:
        in_strips: whether it may be computed in strips; see :func:`may_use_strips`.
    """

    in_strips = False

    def steps(self, *which: Any) -> Iterable[nn.Module]:
        """What is done to an image, in order; see :func:`through_strips` for what may be there."""
        raise NotImplementedError

    def forward(self, x: torch.Tensor, *which: Any) -> torch.Tensor:
        """(B, C, h, w) -> what the steps make of it."""
        steps = self.steps(*which)
        if may_use_strips(self, x):
            return through_strips(steps, x)
        for step in steps:
            x = step(x)
        return x


@contextmanager
def whole_images(network: nn.Module) -> Iterator[None]:
    """Compute a network without strips, as a plain PyTorch call does."""
    chains = [m for m in network.modules() if isinstance(m, Chain) and m.in_strips]
    for chain in chains:
        chain.in_strips = False
    try:
        yield
    finally:
        for chain in chains:
            chain.in_strips = True


def may_use_strips(chain: Chain, x: torch.Tensor) -> bool:
    """Whether this call is what strips are for: inference on a CPU, in the precision of ``x``."""
    return (
        chain.in_strips
        and x.device.type == "cpu"
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )


def through_strips(steps: Iterable[nn.Module], x: torch.Tensor) -> torch.Tensor:
    """(B, C, H, W) to what the steps make of it, float32.

    Args:
        steps: convolutions of stride 1 with odd square kernels that keep the image's size, with
            zeros or replication outside it; :class:`Residual` and ``nn.Sequential`` of steps; all
            else must act on each pixel by itself, as ReLU and PixelShuffle do. Weights in
            channels_last are fastest.
        x: what the first step sees.
    """
    planes = x.permute(0, 2, 3, 1)  # (B, H, W, C)
    rows = max(_STRIP // x.shape[3], 1)
    strips = _through(steps, iter(torch.split(planes, rows, dim=1)))
    return torch.cat(list(strips), dim=1).permute(0, 3, 1, 2)


def _through(steps: Iterable[nn.Module], strips: Strips) -> Strips:
    """What a list of steps makes of the strips.

    A ReLU between two convolutions is left to the second, which copies its input anyway.
    """
    rectify, before = False, None
    for step in steps:
        if isinstance(step, nn.Conv2d):
            strips = _convolved(step, strips, rectify=rectify)
            rectify = False
        else:
            strips = map(torch.relu_, strips) if rectify else strips
            rectify = isinstance(step, nn.ReLU) and isinstance(before, nn.Conv2d)
            strips = strips if rectify else _stepped(step, strips)
        before = step
    return map(torch.relu_, strips) if rectify else strips


def _stepped(step: nn.Module, strips: Strips) -> Strips:
    if isinstance(step, Residual):
        return _added(step, strips)
    if isinstance(step, nn.Sequential):
        return _through(step, strips)
    return _mapped(step, strips)


def _mapped(step: nn.Module, strips: Strips) -> Strips:
    for strip in strips:
        yield step(strip.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def _added(residual: Residual, strips: Strips) -> Strips:
    """The rows wait until what is added to them has come through the layers."""
    waiting: deque[torch.Tensor] = deque()

    def noted() -> Strips:
        for strip in strips:
            waiting.append(strip)
            yield strip

    for made in _through(residual, noted()):
        if residual.scale != 1:
            made *= residual.scale
        done = 0
        while done < made.shape[1]:
            strip = waiting.popleft()
            here = made[:, done : done + strip.shape[1]]
            here += strip[:, : here.shape[1]]
            if here.shape[1] < strip.shape[1]:
                waiting.appendleft(strip[:, here.shape[1] :])
            done += here.shape[1]
        yield made


def _convolved(layer: nn.Conv2d, strips: Strips, *, rectify: bool) -> Strips:
    """What a layer makes of (B, h, W, C) strips: as many rows in all.

    Where ``rectify``, it sees their negative values as 0, and may write that into them.
    """
    if layer.kernel_size == (1, 1):
        for strip in strips:
            seen = strip.relu_() if rectify else strip
            yield functional.linear(seen, layer.weight[..., 0, 0], layer.bias)
        return
    window: _Window | None = None
    for strip in strips:
        window = window or _Window(strip, layer)
        window.append(strip, rectify=rectify)
        if window.complete:
            yield _convolve(layer, window.rows)
            window.forget()
    if window is not None:
        window.close()
        yield _convolve(layer, window.rows)


def _convolve(layer: nn.Conv2d, planes: torch.Tensor) -> torch.Tensor:
    """(B, h, w, C) without further padding -> (B, h', w', out)."""
    if layer.out_channels > _FEW:
        made = functional.conv2d(planes.permute(0, 3, 1, 2), layer.weight, layer.bias)
        return made.permute(0, 2, 3, 1)
    made = tap_convolution(planes, layer.weight).permute(0, 2, 3, 1)
    return made if layer.bias is None else made.add_(layer.bias)


class _Window:
    """The newest rows of a layer's input with their padding, and older ones that are still needed.

    Args:
        like: a strip, (B, h, W, C).
        layer: what the rows are for.
    """

    def __init__(self, like: torch.Tensor, layer: nn.Conv2d) -> None:
        batch, _, width, channels = like.shape
        self.pad = layer.kernel_size[0] // 2
        self.replicate = layer.padding_mode == "replicate"
        self.planes = like.new_empty((batch, 0, width + 2 * self.pad, channels))  # (B, H, W, C)
        self.count = 0  # rows that are filled

    @property
    def rows(self) -> torch.Tensor:
        """The filled rows with their padding, (B, h, W, C)."""
        return self.planes[:, : self.count]

    @property
    def complete(self) -> bool:
        """Whether there are rows enough for a row of output."""
        return self.count > 2 * self.pad

    def append(self, strip: torch.Tensor, *, rectify: bool) -> None:
        """Add (B, h, W, C) rows, negative values as 0 where ``rectify``."""
        pad, first = self.pad, self.count == 0
        start = pad if first else self.count
        self.count = start + strip.shape[1]
        self._make_room(self.count + pad)
        added = self.planes[:, start : self.count]
        inside = added[:, :, pad:-pad]
        if rectify:
            torch.clamp_min(strip, 0, out=inside)
        else:
            inside.copy_(strip)
        self._fill(added[:, :, :pad], inside[:, :, :1])
        self._fill(added[:, :, -pad:], inside[:, :, -1:])
        if first:
            self._fill(self.planes[:, :pad], added[:, :1])

    def close(self) -> None:
        """Add the padding below the last row."""
        below = self.planes[:, self.count : self.count + self.pad]
        self._fill(below, self.planes[:, self.count - 1 : self.count])
        self.count += self.pad

    def forget(self) -> None:
        """Drop the rows that no later row of output needs."""
        needed = self.planes[:, self.count - 2 * self.pad : self.count].clone()
        self.count = 2 * self.pad
        self.planes[:, : self.count] = needed

    def _make_room(self, rows: int) -> None:
        batch, there, width, channels = self.planes.shape
        if rows > there:
            grown = self.planes.new_empty((batch, rows, width, channels))
            grown[:, :there] = self.planes
            self.planes = grown

    def _fill(self, padding: torch.Tensor, nearest: torch.Tensor) -> None:
        if self.replicate:
            padding.copy_(nearest)
        else:
            padding.zero_()
