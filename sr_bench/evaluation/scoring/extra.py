"""Metrics beyond the protocols' own: MS-SSIM, LPIPS, DISTS, NIQE and pyiqa's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from sr_bench.data.catalogue.plugins import PACKAGED, Plugin, usable
from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.evaluation.metrics.ms_ssim import ms_ssim_unchecked
from sr_bench.evaluation.metrics.perceptual import NEEDS, load_perceptual
from sr_bench.evaluation.scoring.planes import ComparedPlanes, as_rgb, three
from sr_bench.evaluation.scoring.score import (
    ROW,
    Done,
    Job,
    Pair,
    Row,
    Scored,
    compared_planes,
    ignored,
    score_by,
)
from sr_bench.imaging import images
from sr_bench.support.errors import SrBenchError, WrongUse, about
from sr_bench.support.parallel import Failure, outcomes
from sr_bench.support.version import __version__

EXTRA = ("ms_ssim", *NEEDS)


@dataclass(frozen=True)
class Extra:
    """An extra metric under a protocol."""

    function: Callable[[ComparedPlanes], float]
    signature: str


def load_extra(metric: str, protocol: Protocol, device: str | None = None) -> Extra:
    """The metric, and the protocol's signature with the metric's own appended.

    Raises:
        SrBenchError: "not run" and the reason, where its library or weights can't be had.
        WrongUse: for an unknown metric.
    """
    signature = f"{protocol.signature}|metric:{metric}"
    if metric == "ms_ssim":
        return Extra(lambda v: ms_ssim_unchecked(*v.main, data_range=255), f"{signature}+wang-2003")
    brought = _plugins()
    if metric in brought:
        plugin, function = brought[metric]
        return Extra(lambda v: float(function(*v.rgb)), f"{signature}+{plugin.origin}")
    loaded = load_perceptual(metric, device)
    return Extra(lambda v: loaded(*v.rgb), f"{signature}+{loaded.signature}")


def known_metrics() -> dict[str, str]:
    """The metrics beyond the protocols' own, each with who brings it."""
    own = dict.fromkeys(EXTRA, PACKAGED)
    return own | {name: plugin.origin for name, (plugin, _) in _plugins().items()}


def needs_of(metric: str) -> str:
    """``pair``, or ``sr`` for a metric that looks at sr alone."""
    return NEEDS.get(metric, "pair")


def brought_lower_is_better(metric: str) -> bool:
    """Whether a plug-in brings that metric and says ``higher_is_better = False`` of it."""
    _, function = _plugins().get(metric, (None, None))
    return not getattr(function, "higher_is_better", True)


@lru_cache(maxsize=1)
def _plugins() -> dict[str, tuple[Plugin, Callable[..., float]]]:
    """Metrics of installed packages: functions of sr and hr, uint8 RGB without the border."""

    def checked(plugin: Plugin, function: object) -> Callable[..., float]:
        if plugin.name in EXTRA or not callable(function):
            raise SrBenchError(f"{plugin.name} is a metric of sr-bench already, or no function")
        return function

    return {p.name: (p, function) for p, function in usable("sr_bench.metrics", checked)}


def score_extra(
    jobs: Iterable[Job],
    *,
    metric: str,
    protocol: Protocol,
    scale: int,
    device: str | None = None,
    done: Done = ignored,
) -> Scored:
    """Score many pairs by one extra metric; a bad image doesn't cost the scores of the others.

    MS-SSIM is of the planes that the protocol scores, LPIPS, DISTS and NIQE of RGB.
    """
    extra = load_extra(metric, protocol, device)

    def rows_of(pair: Pair) -> list[Row]:
        value = extra.function(compared_planes(pair, protocol, scale=scale))
        return [(protocol.name, metric, value, extra.signature)]

    return score_by(rows_of, list(jobs), workers=1, done=done)


def score_alone(
    files: Sequence[Path],
    metric: str,
    *,
    device: str | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Scored:
    """Score SR images that have no hr, whole, by a metric that needs none.

    Raises:
        WrongUse: for a metric that compares sr with hr, or an unknown one.
        SrBenchError: "not run" and the reason, where its library or weights can't be had.
    """
    if needs_of(metric) == "pair" and metric in known_metrics():
        alone = ", ".join(name for name, needs in NEEDS.items() if needs == "sr")
        raise WrongUse(f"{metric} compares SR with HR; add --hr DIR, or choose one of {alone}")
    loaded = load_perceptual(metric, device)
    signature = f"protocol:none|score:rgb.uint8+crop.0|sr-bench:{__version__}|metric:{metric}+"

    def value(path: Path) -> float:
        sr, colour = images.read_tagged(path)
        progress(1)
        with about(path):
            return loaded(np.asarray(three(as_rgb(sr, colour)), np.uint8))

    found = outcomes(value, files, workers=1)
    made = [(p.stem, "none", metric, v, signature + loaded.signature) for p, v in found.done]
    failed = [Failure(f.item.stem, f.reason) for f in found.failed]
    return Scored(pd.DataFrame(made, columns=ROW), failed, len(files))
