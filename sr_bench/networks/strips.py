"""A network in inference, computed strip by strip: what lies between its layers stays in cache.

The output of one layer on a whole image takes hundreds of megabytes (64 channels of 1280 x 720
float32 values: 236 MB), which are written to memory and read again by the next layer. The output of
some rows takes a few, and is freed as soon as the next layer has read it. Nothing is computed
twice: each layer waits for the rows that it needs. The result equals that of the whole image, up to
the order of float32 sums.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeGuard, cast

import torch
from torch import nn
from torch.nn import functional

from sr_bench.networks.method import ModelColour
from sr_bench.networks.steps import Convolution, Pixelwise, Relu, Residual, Step, steps_of
from sr_bench.networks.strip_rows import Strip, Waiting, Window, called, rectified

_STRIP = 20_000  # pixels

Strips = Iterator[Strip]  # from the top down


class InferenceNetwork(nn.Module):
    """A network in inference mode. On a CPU, large images are computed strip by strip.

    That takes less time and memory. It needs a forward pass that is a list of steps
    (:mod:`sr_bench.networks.steps`); any other is computed on whole images, as is all that isn't
    plain inference on a CPU. Weights become channels_last, which wide convolutions of oneDNN and
    cuDNN are fastest in.

    Args:
        network: taken over. Its ``colour``, ``reach`` and ``batches`` are this one's too.
    """

    colour: ModelColour
    reach: int
    batches: bool

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.in_strips = True
        for name in ("colour", "reach", "batches"):
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
            strips = map(rectified, strips) if rectify else strips
            rectify = isinstance(step, Relu) and isinstance(before, Convolution)
            strips = strips if rectify else _stepped(step, strips)
        before = step
    return map(rectified, strips) if rectify else strips


# Steps are maps and filters of strips, not loops over them: a generator's local variable would keep
# its strip while the next step works on what came of it, which was half of all memory.


def _stepped(step: Step, strips: Strips) -> Strips:
    if isinstance(step, Residual):
        waiting = Waiting(step.scale)
        return map(waiting.add, _through(step.steps, map(waiting.note, strips)))
    function = step.function if isinstance(step, Pixelwise) else torch.relu
    made = map(partial(called, function), strips)
    return itertools.chain.from_iterable(map(_pieces, made))


def _convolved(layer: Convolution, strips: Strips, *, rectify: bool) -> Strips:
    """What a layer makes of strips: as many rows in all.

    Where ``rectify``, it sees their negative values as 0, and may write that into them.
    """
    if layer.pad == 0:
        strips = map(rectified, strips) if rectify else strips
        return map(partial(_linear, layer), strips)
    window = Window(layer, rectify=rectify)
    return filter(_is_there, map(window.convolve, strips))


def _linear(layer: Convolution, strip: Strip) -> Strip:
    return functional.linear(strip[0], layer.weight[..., 0, 0], layer.bias), strip[1]


def _is_there(made: Strip | None) -> TypeGuard[Strip]:
    return made is not None
