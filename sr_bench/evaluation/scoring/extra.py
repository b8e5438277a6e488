"""Metrics beyond the protocols' own: MS-SSIM, LPIPS, DISTS, NIQE."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from sr_bench.data.catalogue.plugins import PACKAGED, Plugin, usable
from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.evaluation.metrics.ms_ssim import ms_ssim_unchecked
from sr_bench.evaluation.metrics.perceptual import load_perceptual
from sr_bench.evaluation.scoring.planes import ComparedPlanes
from sr_bench.evaluation.scoring.score import Job, Pair, Row, Scored, compared_planes, score_by
from sr_bench.support.errors import SrBenchError

EXTRA = ("ms_ssim", "lpips", "dists", "niqe")


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
) -> Scored:
    """Score many pairs by one extra metric; a bad image doesn't cost the scores of the others.

    MS-SSIM is of the planes that the protocol scores, LPIPS, DISTS and NIQE of RGB.
    """
    extra = load_extra(metric, protocol, device)

    def rows_of(pair: Pair) -> list[Row]:
        value = extra.function(compared_planes(pair, protocol, scale=scale))
        return [(protocol.name, metric, value, extra.signature)]

    return score_by(rows_of, list(jobs), workers=1)
