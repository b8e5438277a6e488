"""The cases of degradations and of NIQE in ``golden.json``; see ``make.py``."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sr_bench.conformance import ours
from sr_bench.conformance.golden import DegradeCase, NiqeCase
from sr_bench.conformance.pictures import Picture
from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.imaging.degrade import Degradation, degrade


def degradations() -> Iterator[DegradeCase]:
    """Those of steps that need no library's JPEG: gray at each scale, RGB at the first."""
    for name, rule in load_protocols().degradations.items():
        if not rule.steps or not rule.made or rule.draws:
            continue
        scales = rule.scales or (2, 3, 4)
        yield _degradation(name, rule, scales[0], gray=False)
        for scale in scales:
            yield _degradation(name, rule, scale, gray=True)


def _degradation(name: str, rule: Degradation, scale: int, *, gray: bool) -> DegradeCase:
    picture = Picture(kind="chirp", height=24, width=48, gray=gray)
    lr = degrade(picture.array(), rule, scale=scale)
    return DegradeCase(
        name=f"degrade-{name}-x{scale}" + ("" if gray else "-rgb"),
        group=f"degradation {name}",
        picture=picture,
        degradation=name,
        scale=scale,
        floats=bool(lr.dtype != np.uint8),
        expected=lr.tolist(),
    )


def niqes() -> Iterator[NiqeCase]:
    """Each kind of NIQE on two pictures.

    Raises:
        NotImplementedError: where its model can't be had.
    """
    pictures = (
        Picture(kind="scene+noise", height=192, width=288),
        Picture(kind="chirp", height=200, width=203),
    )
    for picture in pictures:
        for metric in ("niqe", "niqe_gray", "niqe_pi"):
            yield NiqeCase(
                name=f"{metric}-{picture.kind}",
                group=f"NIQE: {metric}",
                picture=picture,
                metric=metric,
                expected=ours.niqe(picture.array(), kind=metric),
            )
