"""The steps of a network's forward pass, found by calling it once on a tensor without values.

The tensor records what is done to it. A network is a list of steps if it is made of convolutions of
stride 1 that keep the image's size, ReLU, PixelShuffle, sums and products with constants, and sums
``x + scale * f(x)`` in which f is such a list too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Convolution:
    """A convolution with an odd square kernel and half of it as padding."""

    weight: torch.Tensor  # (out, in, k, k)
    bias: torch.Tensor | None  # (out,), or `None`
    replicate: bool  # whether the image's edge is repeated outside it; else there are zeros

    @property
    def pad(self) -> int:
        """Pixels on each side."""
        return int(self.weight.shape[2]) // 2

    @property
    def width(self) -> int:
        """Channels that it makes."""
        return int(self.weight.shape[0])

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in, h, w) -> (B, out, h, w)."""
        if self.replicate:
            x = functional.pad(x, (self.pad,) * 4, mode="replicate")
        pad = 0 if self.replicate else self.pad
        return functional.conv2d(x, self.weight, self.bias, padding=pad)


@dataclass(frozen=True)
class Relu:
    """max(x, 0)."""


@dataclass(frozen=True)
class Pixelwise:
    """A function of (B, C, h, w) that makes each output pixel from one input pixel."""

    function: Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Residual:
    """x + scale * f(x), f being some steps."""

    steps: tuple[Step, ...]
    scale: float = 1.0


Step = Convolution | Relu | Pixelwise | Residual


class NoSteps(Exception):
    """The forward pass does something that isn't a step."""


@dataclass(frozen=True, eq=False)
class _Value:
    """What a step made of another value; the input has neither."""

    channels: int
    factor: int = 1  # times the input's height and width
    step: Step | None = None
    source: _Value | None = None
    padded: int = 0  # pixels by which the edge was repeated: a convolution has to follow

    def then(self, step: Step, *, channels: int | None = None, factor: int = 1) -> _Value:
        if self.padded:
            raise NoSteps
        return _Value(channels or self.channels, factor * self.factor, step, self)


class _Recorder(torch.Tensor):
    """A tensor without values; operations on it become steps."""

    value: _Value

    @classmethod
    def holding(cls, value: _Value) -> _Recorder:
        made = torch.empty(0).as_subclass(cls)
        made.value = value
        return made

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> _Recorder:
        record = _RECORDED.get(func)
        if record is None:  # shapes and values too: they may decide what is done
            raise NoSteps
        return record(*args, **(kwargs or {}))


def steps_of(
    forward: Callable[[torch.Tensor], torch.Tensor], channels: int
) -> tuple[Step, ...] | None:
    """The steps of a forward pass on (B, channels, h, w); ``None`` if it does anything else."""
    first = _Value(channels)
    try:
        made = forward(_Recorder.holding(first))
    except Exception:  # of any kind: the pass may have looked at what isn't there
        return None
    return _path(first, made.value) if isinstance(made, _Recorder) else None


def _path(start: _Value, end: _Value) -> tuple[Step, ...] | None:
    """The steps from one value to another; ``None`` where none lead there."""
    steps: list[Step] = []
    value = end
    while value is not start:
        if value.step is None or value.source is None or value.padded:
            return None
        steps.append(value.step)
        value = value.source
    return tuple(reversed(steps))


def _convolution(
    x: Any,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> _Recorder:
    value, pads = x.value, {*_pair(padding)}
    replicate = value.padded > 0
    if replicate and pads == {0}:
        pads, value = {value.padded}, value.source
    kernel = weight.shape[2]
    plain = {*_pair(stride), *_pair(dilation), groups} == {1}
    same_size = weight.shape[3] == kernel and kernel % 2 == 1 and pads == {kernel // 2}
    if not (plain and same_size and weight.shape[1] == value.channels):
        raise NoSteps
    step = Convolution(weight, bias, replicate)
    return _Recorder.holding(value.then(step, channels=weight.shape[0]))


def _pair(size: Any) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else tuple(size)


def _padding(x: Any, pad: Any, mode: str = "constant", value: float | None = None) -> _Recorder:
    (width,) = set(pad) if len(pad) == 4 and mode == "replicate" else (None,)
    if width == 0:
        return _Recorder.holding(x.value)
    if width is None or x.value.padded:
        raise NoSteps
    channels, factor = x.value.channels, x.value.factor
    return _Recorder.holding(_Value(channels, factor, source=x.value, padded=width))


def _relu(x: Any, inplace: bool = False) -> _Recorder:
    made = x.value.then(Relu())
    if inplace:
        x.value = made
    return x if inplace else _Recorder.holding(made)


def _shuffle(x: Any, upscale_factor: int) -> _Recorder:
    step = Pixelwise(partial(torch.pixel_shuffle, upscale_factor=upscale_factor))
    channels = x.value.channels // upscale_factor**2
    return _Recorder.holding(x.value.then(step, channels=channels, factor=upscale_factor))


def _add(x: Any, other: Any, *, alpha: float = 1) -> _Recorder:
    """Of a value and a constant, or of two values of which one was made from the other."""
    if not (isinstance(x, _Recorder) and isinstance(other, _Recorder)):
        return _with_constant(torch.add, x, other, alpha)
    orders = [(x.value, other.value), (other.value, x.value)]
    for skipped, made in orders if alpha == 1 else orders[:1]:
        steps = _path(skipped, made)
        if steps and _alike(skipped, made):
            return _Recorder.holding(skipped.then(Residual(steps, alpha)))
    raise NoSteps


def _alike(one: _Value, other: _Value) -> bool:
    return (one.channels, one.factor) == (other.channels, other.factor)


def _sub(x: Any, other: Any, *, alpha: float = 1) -> _Recorder:
    return _with_constant(torch.sub, x, other, alpha)


def _mul(x: Any, other: Any) -> _Recorder:
    return _with_constant(torch.mul, x, other)


def _with_constant(
    operation: Callable[..., torch.Tensor], x: Any, other: Any, alpha: float = 1
) -> _Recorder:
    if not isinstance(x, _Recorder) and alpha == 1 and operation is not torch.sub:
        x, other = other, x
    if not isinstance(x, _Recorder) or not _is_constant(other, x.value.channels):
        raise NoSteps
    keywords = {"other": other} if alpha == 1 else {"other": other, "alpha": alpha}
    return _Recorder.holding(x.value.then(Pixelwise(partial(operation, **keywords))))


def _is_constant(value: Any, channels: int) -> bool:
    """Whether it is one number, or one for each channel."""
    if not isinstance(value, torch.Tensor) or value.ndim == 0:
        return isinstance(value, (int, float, torch.Tensor))
    shape = (1,) * (4 - value.ndim) + tuple(value.shape)
    return shape in ((1, channels, 1, 1), (1, 1, 1, 1)) and not isinstance(value, _Recorder)


_RECORDED: dict[Callable[..., Any], Callable[..., _Recorder]] = {
    torch.conv2d: _convolution,
    functional.pad: _padding,
    functional.relu: _relu,
    torch.relu: _relu,
    torch.Tensor.relu: _relu,
    torch.pixel_shuffle: _shuffle,
    torch.add: _add,
    torch.Tensor.add: _add,
    torch.sub: _sub,
    torch.Tensor.sub: _sub,
    torch.mul: _mul,
    torch.Tensor.mul: _mul,
}
