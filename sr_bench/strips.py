"""A chain of convolutions computed strip by strip: what lies between layers stays in cache.

Of a whole image, one layer of SRCNN is hundreds of megabytes (64 channels of 1280 x 720 float32
values: 236 MB) that go to fresh memory and come back for padding, ReLU and the next layer. Of some
rows it is a few, in buffers that are used again. Nothing is computed twice: each layer waits for
the rows that it needs. The result is that of the whole image, up to the order of float32 sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn import functional

from sr_bench.taps import tap_convolution

_STRIP = 30_000  # pixels
_FEW = 3  # output channels: with more, oneDNN is faster than taps


class Chain(nn.Module):
    """A network of convolutions with ReLU between them, each of which keeps the image's size.

    Attributes:
        in_strips: whether it may be computed in strips; see :func:`may_use_strips`.
    """

    in_strips = False


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


def through_strips(layers: Sequence[nn.Conv2d], x: torch.Tensor) -> torch.Tensor:
    """conv, ReLU, conv, ..., conv: (B, C, H, W) to (B, out, H, W), float32.

    Args:
        layers: of stride 1, with odd square kernels, padded by half a kernel with zeros or by
            replication; weights in channels_last are fastest.
        x: what the first layer sees.
    """
    planes = x.permute(0, 2, 3, 1)  # (B, H, W, C)
    rows = max(_STRIP // x.shape[3], max(layer.kernel_size[0] for layer in layers))
    strips: Iterator[torch.Tensor] = iter(torch.split(planes, rows, dim=1))
    for i, layer in enumerate(layers):
        strips = _through(layer, strips, rows, rectify=i > 0)
    return torch.cat(list(strips), dim=1).permute(0, 3, 1, 2)


def _through(
    layer: nn.Conv2d, strips: Iterator[torch.Tensor], rows: int, *, rectify: bool
) -> Iterator[torch.Tensor]:
    """What a layer makes of (B, h, W, C) strips of at most ``rows`` rows: as many rows in all."""
    if layer.kernel_size == (1, 1):
        for strip in strips:
            seen = strip.relu_() if rectify else strip
            yield functional.linear(seen, layer.weight[..., 0, 0], layer.bias)
        return
    window: _Window | None = None
    for strip in strips:
        window = window or _Window(strip, layer, rows)
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
        rows: of the largest strip.
    """

    def __init__(self, like: torch.Tensor, layer: nn.Conv2d, rows: int) -> None:
        batch, _, width, channels = like.shape
        self.pad = layer.kernel_size[0] // 2
        self.replicate = layer.padding_mode == "replicate"
        size = (batch, rows + 2 * self.pad, width + 2 * self.pad, channels)
        self.planes = like.new_empty(size)  # (B, H, W, C)
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

    def _fill(self, padding: torch.Tensor, nearest: torch.Tensor) -> None:
        if self.replicate:
            padding.copy_(nearest)
        else:
            padding.zero_()
