"""One case against one adapter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sr_bench.conformance.adapter import Adapter, Planes, ScoreMetric
from sr_bench.conformance.golden import (
    Case,
    DegradeCase,
    NiqeCase,
    ProtocolCase,
    ResizeCase,
    ScoreCase,
)
from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.imaging.color import to_uint8
from sr_bench.imaging.degrade import hr_planes
from sr_bench.imaging.images import Image

Status = Literal["agrees", "differs", "not offered", "not run", "fails"]
Unit = Literal["levels", "dB", "SSIM", "NIQE"]
# What float32 arithmetic may add, and less than any digit that papers print. uint8 has none.
TOLERANCE: dict[Unit, float] = {"levels": 0.001, "dB": 0.0005, "SSIM": 0.00005, "NIQE": 0.001}


@dataclass(frozen=True)
class CaseResult:
    """What came of a case; ``not run`` where its files or the adapter's library aren't there.

    ``difference`` is adapter minus golden for a score, and the largest of any value, without sign,
    for an image; ``share`` is the part of an image's values that differ.
    """

    case: str
    group: str
    status: Status
    detail: str
    difference: float | None = None
    unit: Unit | None = None
    share: float | None = None


def run_case(case: Case, adapter: Adapter) -> CaseResult:
    """Run one case.

    Returns:
        ``agrees``, ``differs`` (by how much), ``not offered`` (the adapter raised
        ``NotImplementedError``) or ``fails`` (it raised anything else).
    """
    if isinstance(case, ResizeCase):
        return result_of(case.name, case.group, lambda: _resized(case, adapter))
    if isinstance(case, DegradeCase):
        return result_of(case.name, case.group, lambda: _degraded(case, adapter))
    if isinstance(case, NiqeCase):
        return result_of(case.name, case.group, lambda: _niqe(case, adapter))
    measure = _scored if isinstance(case, ScoreCase) else _under_protocol
    return result_of(case.name, case.group, lambda: _number(case, measure(case, adapter)))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Agreement:
    """How an output compares with what was expected."""

    agrees: bool
    detail: str
    difference: float | None = None
    unit: Unit | None = None
    share: float | None = None


def result_of(name: str, group: str, measure: Callable[[], Agreement]) -> CaseResult:
    """Turn a measurement, which runs an adapter's code, into a result."""
    try:
        found = measure()
    except NotImplementedError as error:
        return CaseResult(name, group, "not offered", str(error) or "not implemented")
    except Exception as error:  # foreign code: whatever it raises is what is to be reported
        return CaseResult(name, group, "fails", f"{type(error).__name__}: {error}")
    status: Status = "agrees" if found.agrees else "differs"
    return CaseResult(name, group, status, found.detail, found.difference, found.unit, found.share)


def compare_images(found: NDArray[Any], expected: NDArray[Any]) -> Agreement:
    """uint8 must be equal in every value, floats within the tolerance."""
    if found.shape != expected.shape:
        return Agreement(False, f"shape is {found.shape}, expected {expected.shape}")
    exact = expected.dtype == np.uint8
    if exact and found.dtype != np.uint8:
        return Agreement(False, f"dtype is {found.dtype}, expected uint8")
    distance = np.abs(found.astype(np.float64) - expected)
    wrong = ~(distance <= (0 if exact else TOLERANCE["levels"]))  # NaN is wrong too
    largest, share = float(distance.max()), float(wrong.mean())
    detail = f"{share:.1%} of values differ, by up to {largest:.3g} levels"
    return Agreement(not wrong.any(), detail if share else "equal", largest, "levels", share)


def _resized(case: ResizeCase, adapter: Adapter) -> Agreement:
    image = case.picture.array()
    options = {"scale": case.ratio, "rounding": case.rounding, "border": case.border}
    return compare_images(adapter.resize(image, **options), case.array())  # type: ignore[arg-type]


def _degraded(case: DegradeCase, adapter: Adapter) -> Agreement:
    hr = case.picture.array()
    found = adapter.degrade(hr, degradation=case.degradation, scale=case.scale)
    return compare_images(found, case.array())


def _niqe(case: NiqeCase, adapter: Adapter) -> Agreement:
    return _near(adapter.niqe(case.picture.array(), kind=case.metric), case.expected, "NIQE")


def _scored(case: ScoreCase, adapter: Adapter) -> float:
    return adapter.score(
        case.sr.array(), case.hr.array(), metric=case.metric, planes=case.planes, crop=case.crop
    )


def _under_protocol(case: ProtocolCase, adapter: Adapter) -> float:
    """The harness does modcrop, 8-bit rounding, gray and the border; the adapter does the rest."""
    rule = find_protocol(case.protocol)
    degradation = rule.degradation
    hr: Image = hr_planes(case.hr.array(), degradation, case.scale)
    planes: Planes = "y" if rule.colour == "y" else "rgb"
    if degradation.colour == "ycbcr" and hr.ndim == 3:
        hr = hr[..., 0]
    if hr.ndim == 2 and rule.gray == "own-y":
        planes = "gray"
    options: dict[str, Any] = {"rounding": degradation.rounding, "border": degradation.border}
    lr = adapter.resize(hr, scale=Fraction(1, case.scale), **options)
    sr = to_uint8(adapter.resize(lr, scale=Fraction(case.scale), **options))
    metric: ScoreMetric = "psnr" if case.metric == "psnr" else "ssim"
    if planes != "gray" and hr.ndim == 2:
        sr, hr = (np.repeat(image[..., None], 3, axis=2) for image in (sr, hr))
    if case.metric == "ssim_blue":
        sr, hr, planes = sr[..., 2], hr[..., 2], "gray"
    crop = rule.crop.pixels(case.scale)
    return adapter.score(sr, hr, metric=metric, planes=planes, crop=crop)


def _number(case: ScoreCase | ProtocolCase, found: float) -> Agreement:
    return _near(found, case.expected, "dB" if case.metric == "psnr" else "SSIM")


def _near(found: float, expected: float, unit: Unit) -> Agreement:
    if found == expected:  # inf - inf is NaN
        return Agreement(True, "equal", 0.0, unit)
    difference = found - expected
    detail = f"{found:.6f}, expected {expected:.6f} {unit}"
    return Agreement(abs(difference) <= TOLERANCE[unit], detail, difference, unit)
