"""A network in inference, computed strip by strip: what lies between its layers stays in cache.

The output of one layer on a whole image takes hundreds of megabytes (64 channels of 1280 x 720
float32 values: 236 MB), which are written to memory and read again by the next layer. The output of
some rows takes a few, and is freed as soon as the next layer has read it. Nothing is computed
twice: each layer waits for the rows that it needs. The result equals that of the whole image, up to
the order of float32 sums.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeGuard, cast

import torch
from torch import nn
from torch.nn import functional

from sr_bench.networks.method import ModelColour
from sr_bench.networks.steps import Convolution, Pixelwise, Relu, Residual, Step, steps_of
from sr_bench.networks.taps import tap_convolution

_STRIP = 20_000  # pixels
_FEW = 3  # output channels: with more, oneDNN is faster than taps

Strip = tuple[torch.Tensor, bool]  # (B, h, W, C) rows of an image; whether they are the lowest
Strips = Iterator[Strip]  # from the top down


class InferenceNetwork(nn.Module):
    """A network in inference mode. On a CPU, large images are computed strip by strip.

    That takes less time and memory. It needs a forward pass that is a list of steps
    (:mod:`sr_bench.networks.steps`); any other is computed on whole images, as is all that isn't
    plain inference on a CPU. Weights become channels_last, which wide convolutions of oneDNN and
    cuDNN are fastest in.

    Args:
        network: taken over. Where it has a ``colour`` and a ``reach``, this has them too.
    """

    colour: ModelColour
    reach: int

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.in_strips = True
        for name in ("colour", "reach"):
            if hasattr(network, name):
                setattr(self, name, getattr(network, name))
        self.eval()
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> the network's output."""
        steps = steps_of(self.network, x.shape[1]) if self.uses_strips(x) else None
        if steps is None:
            return cast(torch.Tensor, self.network(x))
        return through_strips(steps, x)

    def uses_strips(self, x: torch.Tensor) -> bool:
        """True for CPU inference without gradients, autocast or torch.compile."""
        return (
            self.in_strips
            and x.ndim == 4
            and x.device.type == "cpu"
            and not torch.is_grad_enabled()
            and not torch.is_autocast_enabled("cpu")
            and not torch.compiler.is_compiling()
        )


@contextmanager
def whole_images(network: nn.Module) -> Iterator[None]:
    """Compute a network without strips, as a plain PyTorch call does."""
    found = [m for m in network.modules() if isinstance(m, InferenceNetwork) and m.in_strips]
    for each in found:
        each.in_strips = False
    try:
        yield
    finally:
        for each in found:
            each.in_strips = True


def through_strips(steps: Iterable[Step], x: torch.Tensor) -> torch.Tensor:
    """The steps on (B, C, H, W), in strips."""
    planes = x.permute(0, 2, 3, 1)  # (B, H, W, C)
    strips = _through(steps, iter(_pieces((planes, True))))
    return _image_of(strips, planes).permute(0, 3, 1, 2)


def _image_of(strips: Strips, planes: torch.Tensor) -> torch.Tensor:
    """What became of (B, H, W, C) planes, in one piece.

    Each strip is copied at once: small ones that stay would leave holes in the heap into which the
    large ones that come and go no longer fit.
    """
    first = next(strips)
    batch, _, width, channels = first[0].shape
    height = planes.shape[1] * width // planes.shape[2]
    image, done = first[0].new_empty((batch, height, width, channels)), 0
    for rows, _ in itertools.chain([first], strips):
        image[:, done : done + rows.shape[1]] = rows
        done += rows.shape[1]
    return image


def _pieces(strip: Strip) -> Sequence[Strip]:
    """A whole image, or a strip that a shuffle has enlarged, as strips of the usual size."""
    rows, last = strip
    *upper, lowest = torch.split(rows, max(_STRIP // rows.shape[2], 1), dim=1)
    return [*((piece, False) for piece in upper), (lowest, last)]


def _through(steps: Iterable[Step], strips: Strips) -> Strips:
    """What a list of steps makes of the strips.

    A ReLU between two convolutions is left to the second, which copies its input anyway.
    """
    rectify, before = False, None
    for step in steps:
        if isinstance(step, Convolution):
            strips = _convolved(step, strips, rectify=rectify)
            rectify = False
        else:
            strips = map(_rectified, strips) if rectify else strips
            rectify = isinstance(step, Relu) and isinstance(before, Convolution)
            strips = strips if rectify else _stepped(step, strips)
        before = step
    return map(_rectified, strips) if rectify else strips


# Steps are maps and filters of strips, not loops over them: a generator's local variable would keep
# its strip while the next step works on what came of it, which was half of all memory.


def _stepped(step: Step, strips: Strips) -> Strips:
    if isinstance(step, Residual):
        waiting = _Waiting(step.scale)
        return map(waiting.add, _through(step.steps, map(waiting.note, strips)))
    function = step.function if isinstance(step, Pixelwise) else torch.relu
    made = map(partial(_called, function), strips)
    return itertools.chain.from_iterable(map(_pieces, made))


def _convolved(layer: Convolution, strips: Strips, *, rectify: bool) -> Strips:
    """What a layer makes of strips: as many rows in all.

    Where ``rectify``, it sees their negative values as 0, and may write that into them.
    """
    if layer.pad == 0:
        strips = map(_rectified, strips) if rectify else strips
        return map(partial(_linear, layer), strips)
    window = _Window(layer, rectify=rectify)
    return filter(_is_there, map(window.convolve, strips))


def _called(function: Callable[[torch.Tensor], torch.Tensor], strip: Strip) -> Strip:
    made = function(strip[0].permute(0, 3, 1, 2))  # (B, C, h, W)
    return made.permute(0, 2, 3, 1), strip[1]


def _rectified(strip: Strip) -> Strip:
    return strip[0].relu_(), strip[1]


def _linear(layer: Convolution, strip: Strip) -> Strip:
    return functional.linear(strip[0], layer.weight[..., 0, 0], layer.bias), strip[1]


class _Waiting:
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


class _Window:
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
            return _called(self.layer, _rectified(strip) if self.rectify else strip)
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


def _is_there(made: Strip | None) -> TypeGuard[Strip]:
    return made is not None


def _convolve(layer: Convolution, planes: torch.Tensor) -> torch.Tensor:
    """(B, h, w, C) without further padding -> (B, h', w', out)."""
    if layer.width > _FEW:
        made = functional.conv2d(planes.permute(0, 3, 1, 2), layer.weight, layer.bias)
        return made.permute(0, 2, 3, 1)
    made = tap_convolution(planes, layer.weight).permute(0, 2, 3, 1)
    return made if layer.bias is None else made.add_(layer.bias)
