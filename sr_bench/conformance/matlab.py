"""The cases that MATLAB itself made: LR images of the SelfExSR package, where they are fetched."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sr_bench.conformance.adapter import Adapter
from sr_bench.conformance.run import Agreement, CaseResult, compare_images, result_of
from sr_bench.data.catalogue.sources import Source, find_source
from sr_bench.imaging import images
from sr_bench.imaging.crops import modcrop

GROUP = "images made by MATLAB: down, replicate, each-pass"
_DATASETS = ("Set5", "Set14")
_SCALES = (2, 3, 4)


def run_matlab(adapter: Adapter, data: Path) -> Iterator[CaseResult]:
    """Resize Set5 and Set14 as MATLAB did, and compare every value: a result a set and scale."""
    for dataset in _DATASETS:
        for scale in _SCALES:
            yield _run_set(adapter, data, dataset, scale)


def _run_set(adapter: Adapter, data: Path, dataset: str, scale: int) -> CaseResult:
    golden = f"{dataset}-matlab-lr-x{scale}"
    hrs, lrs = (_paths(find_source(name), data) for name in (dataset, golden))
    missing = [p for p in (*hrs, *lrs) if not p.is_file()]
    if missing:
        reason = f"{missing[0]} is not there: sr-bench fetch {dataset} {golden}"
        return CaseResult(golden, GROUP, "not run", reason)
    # SelfExSR numbers its images in the alphabetical order of the HR names.
    pairs = list(zip(sorted(hrs, key=lambda p: p.stem), sorted(lrs)))
    return result_of(golden, GROUP, lambda: _merged([_compare(adapter, *p, scale) for p in pairs]))


def _paths(source: Source, data: Path) -> list[Path]:
    return [data / source.folder / file.name for file in source.files]


def _compare(adapter: Adapter, hr: Path, lr: Path, scale: int) -> Agreement:
    expected: NDArray[Any] = images.read(lr)
    whole = modcrop(images.read(hr), scale)
    found = adapter.resize(
        whole, scale=Fraction(1, scale), rounding="each-pass", border="replicate"
    )
    if found.ndim == 2 and expected.ndim == 3:  # gray, stored as three equal channels
        found = np.repeat(found[..., None], 3, axis=2)
    return compare_images(found, expected)


def _merged(found: list[Agreement]) -> Agreement:
    """One finding for a set: its largest difference, the mean share of its images."""
    strange = [f for f in found if f.difference is None or f.share is None]
    if strange:
        return strange[0]
    largest = max(f.difference or 0.0 for f in found)
    share = float(np.mean([f.share for f in found if f.share is not None]))
    wrong = sum(not f.agrees for f in found)
    detail = f"{wrong} of {len(found)} images, {share:.1%} of values differ, by up to {largest:g}"
    return Agreement(not wrong, detail if wrong else "equal", largest, "levels", share)
