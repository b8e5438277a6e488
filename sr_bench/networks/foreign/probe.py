"""A foreign model is called on a smooth image: what it takes, what it returns, its scale."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch.nn import functional

from sr_bench.networks.foreign.conventions import ForeignModel
from sr_bench.networks.opened import OpenOptions
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.support.scale import SCALES

SIZES = ((24, 32), (48, 64), (64, 64), (128, 128), (256, 256))
_ODD = (25, 35)
_MULTIPLES = (2, 4, 8, 16, 32, 64)
_ALIKE = 0.1  # root mean square, in 0..1, between sr and lr enlarged
_SLACK = 1.0  # sr may leave [0, 1] by this much


class Seen(NamedTuple):
    """What a model made of the smooth image."""

    model: ForeignModel
    scale: int
    distance: float  # of sr from lr enlarged
    low: float
    high: float


@dataclass(frozen=True)
class Probed:
    """The way of calling a model that works, its scale, and what there is to tell."""

    model: ForeignModel
    scale: int
    notes: tuple[str, ...]


def probe(
    name: str,
    ways: Iterable[ForeignModel],
    options: OpenOptions,
    *,
    sizes: Iterable[tuple[int, int]] = SIZES,
    any_size: bool = True,
) -> Probed:
    """The first way of calling a model whose sr looks like lr; else the first that works at all.

    Args:
        name: of the model, for errors.
        ways: to be tried in turn.
        options: what the user said of it.
        sizes: of the smooth image; the first that works will do.
        any_size: whether it has to take images of odd sides too.

    Raises:
        SrBenchError: if none works, or sr isn't an image of about [0, 1].
        WrongUse: for another scale than the one that is asked for.
    """
    found, failures = _tried(list(ways), list(sizes))
    if not found:
        raise SrBenchError(f"{name}: can't be called on an image: {failures[0]}")
    best = next((seen for seen in found if seen.distance < _ALIKE), found[0])
    _check_scale(name, best.scale, options)
    _check_values(name, best)
    if any_size:
        _check_sizes(name, best)
    return Probed(best.model, best.scale, _notes(best))


def smooth(channels: int, height: int, width: int) -> torch.Tensor:
    """(1, C, h, w): slow waves, each channel lighter than the one before."""
    y = torch.linspace(0, 3, height)[:, None]
    x = torch.linspace(0, 3, width)[None]
    planes = [0.3 + 0.15 * c + 0.15 * torch.sin(y + c) * torch.cos(x - c) for c in range(channels)]
    return torch.stack(planes)[None]


def _tried(ways: list[ForeignModel], sizes: list[tuple[int, int]]) -> tuple[list[Seen], list[str]]:
    failures: list[str] = []
    for size in sizes:
        found = []
        for model in ways:
            seen = _seen(model, size)
            if isinstance(seen, Seen):
                found.append(seen)
                if seen.distance < _ALIKE:
                    return found, failures
            else:
                failures.append(seen)
        if found:
            return found, failures
    return [], failures


def _seen(model: ForeignModel, size: tuple[int, int]) -> Seen | str:
    """What a model makes of the smooth image, or why it can't."""
    lr = smooth(1 if model.colour == "y" else 3, *size)
    try:
        with torch.inference_mode():
            sr = model(lr)
    except Exception as error:  # whatever a foreign model raises
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    if not isinstance(sr, torch.Tensor):
        return f"it returns {type(sr).__name__}, expected an array of the image"
    scale = _scale(lr, sr)
    if isinstance(scale, str):
        return scale
    sr = sr.float().cpu()
    if not torch.isfinite(sr).all():
        return f"{int((~torch.isfinite(sr)).sum())} of {sr.numel()} values are NaN or infinite"
    enlarged = functional.interpolate(lr, size=sr.shape[2:], mode="bicubic", align_corners=False)
    distance = float((sr - enlarged).square().mean().sqrt())
    return Seen(model, scale, distance, float(sr.min()), float(sr.max()))


def _scale(lr: torch.Tensor, sr: torch.Tensor) -> int | str:
    """The factor between two images, or what is wrong with the second."""
    shapes = f"of (1, C, h, w) = {tuple(lr.shape)} it makes {tuple(sr.shape)}"
    if sr.ndim != 4 or sr.shape[:2] != lr.shape[:2]:
        return f"{shapes}, expected (1, {lr.shape[1]}, scale * h, scale * w)"
    if tuple(sr.shape) == tuple(lr.shape):
        return f"{shapes}: the same size, so that it doesn't upscale"
    factors = {a / b for a, b in zip(sr.shape[2:], lr.shape[2:])}
    scale = next(iter(factors))
    if len(factors) > 1 or scale not in SCALES:
        low, high = SCALES[0], SCALES[-1]
        return f"{shapes}: not {low} to {high} times the size, the same factor for both sides"
    return int(scale)


def _check_scale(name: str, scale: int, options: OpenOptions) -> None:
    if options.scale not in (None, scale):
        raise WrongUse(
            f"{name}: enlarges by {scale}, but the scale asked for is {options.scale}; ask for "
            f"{scale}, or name a model of x{options.scale}"
        )


def _check_values(name: str, seen: Seen) -> None:
    if seen.low >= -_SLACK and seen.high <= 1 + _SLACK:
        return
    white = seen.model.value_range
    remedy = f"tell its value range: --range {255 if white == 1 else 1}"
    raise SrBenchError(
        f"{name}: of an image between 0 and {white:g} it makes values from {seen.low * white:.4g} "
        f"to {seen.high * white:.4g}; {remedy}, or undo its own range before it returns"
    )


def _check_sizes(name: str, seen: Seen) -> None:
    """Refuse a model that takes some sizes only, where no padding was told.

    Raises:
        SrBenchError: with the multiple that works.
    """
    odd = _seen(seen.model, _ODD)
    if isinstance(odd, Seen) and odd.scale == seen.scale:
        return
    why = odd if isinstance(odd, str) else f"it enlarges by {odd.scale} there"
    fitting = (m for m in _MULTIPLES if isinstance(_seen(seen.model, _sides(m)), Seen))
    multiple = next(fitting, None)
    what = f"sides that are multiples of {multiple}" if multiple else "a few sizes"
    told = f"multiple of {multiple or 64} and a way to pad (--multiple-of, --pad)"
    raise SrBenchError(
        f"{name}: takes {what} only ({_ODD[0]} x {_ODD[1]} fails: {why}); tell it: {told}"
    )


def _sides(multiple: int) -> tuple[int, int]:
    """Two sides that no greater power of 2 divides."""
    return multiple * (24 // multiple | 1), multiple * (36 // multiple | 1)


def _notes(seen: Seen) -> tuple[str, ...]:
    if seen.distance < _ALIKE:
        return ()
    return (
        f"of a smooth image it makes another one (root mean square {seen.distance:.2g} of white): "
        "untrained weights, or another value range or order of colours than told",
    )
