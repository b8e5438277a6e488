"""Deviations of degradations that are composed of steps: another kernel, phase, border, noise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from sr_bench.analysis.explain.deviation import Change, Deviation
from sr_bench.analysis.explain.way import Way
from sr_bench.imaging.degradation_steps import Blur, ImResize, Noise, Subsample

_SIZES = (5, 7, 9, 11, 12, 13, 15, 21)
_SIGMAS = (1.0, 1.2, 1.3, 1.5, 1.6, 2.0, 2.4)
_LEVELS = (10, 15, 25, 50)
_BICUBIC = ImResize(step="imresize", kernel="bicubic", rounding="each-pass", border="replicate")


def _of(kind: Any, **fields: Any) -> Change:
    """The steps of that kind with other fields."""
    return _instead(kind, lambda step: step.model_copy(update=fields))


def _instead(kind: Any, change: Any, **of_rule: Any) -> Change:
    """The steps of that kind changed, and fields of the degradation itself."""

    def changed(way: Way) -> Way | None:
        steps = way.degradation.steps
        if not any(isinstance(step, kind) for step in steps):
            return None
        made = tuple(change(step) if isinstance(step, kind) else step for step in steps)
        rule = way.degradation.model_copy(update={"steps": made, **of_rule})
        return replace(way, protocol=way.protocol.model_copy(update={"degradation": rule}))

    return changed


def _kept(name: str, text: str, change: Change) -> Deviation:
    return Deviation(name, text, change, kind="making")


def _rounded(rounding: Literal["uint8", "none"]) -> Change:
    """LR of a blur, rounded or not; bicubic as a method then enlarges so too."""

    def blur(step: Blur) -> Blur:
        return step.model_copy(update={"rounding": rounding})

    return _instead(Blur, blur, rounding="none" if rounding == "none" else "each-pass")


STEPS: tuple[Deviation, ...] = (
    *(_kept(f"blur-{n}", f"a kernel of {n} x {n}", _of(Blur, size=n)) for n in _SIZES),
    *(
        _kept(f"sigma-{s:g}", f"a sigma of {s:g}", _of(Blur, sigma=s, truncate=None))
        for s in _SIGMAS
    ),
    _kept("blur-replicate", "blurred with a replicated border", _of(Blur, border="replicate")),
    _kept("blur-mirror", "blurred with a mirrored border", _of(Blur, border="mirror")),
    _kept(
        "blur-reflect",
        "blurred with a border reflected without the edge pixel",
        _of(Blur, border="reflect"),
    ),
    _kept(
        "blur-zero", "blurred with a black border (imfilter's default)", _of(Blur, border="zero")
    ),
    _kept("blur-after", "an even kernel's centre after the middle", _of(Blur, centre="after")),
    _kept("blur-none", "not blurred", _of(Blur, size=1)),
    _kept("blur-uint8", "LR rounded to 8 bits after the blur", _rounded("uint8")),
    _kept("blur-float", "LR of the blur never rounded", _rounded("none")),
    _kept("phase-first", "the first pixel of each block kept", _of(Subsample, phase="first")),
    _kept(
        "phase-before-middle",
        "the pixel before the middle of each block kept",
        _of(Subsample, phase="before-middle"),
    ),
    _kept("phase-middle", "the middle pixel of each block kept", _of(Subsample, phase="middle")),
    _kept(
        "blur-bicubic",
        "shrunk by bicubic after the blur, not subsampled",
        _instead(Subsample, lambda _: _BICUBIC),
    ),
    *(_kept(f"noise-{n}", f"noise of level {n}", _of(Noise, sigma=float(n))) for n in _LEVELS),
    _kept("noise-none", "no noise", _of(Noise, sigma=1e-9)),
    _kept("noisy-mirror", "noise on LR with a mirrored border", _of(ImResize, border="mirror")),
)
