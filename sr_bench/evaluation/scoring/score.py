"""The score stage: one pair of images under one protocol, a folder of them, a run.

Everything here works on uint8 images and needs no network code; it is what ``sr-bench score`` of an
installed wheel runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from sr_bench.data.catalogue.protocols import Metric, Protocol
from sr_bench.evaluation.metrics.checks import require_uint8
from sr_bench.evaluation.metrics.psnr import psnr_unchecked
from sr_bench.evaluation.metrics.ssim import ssim_padded_unchecked, ssim_unchecked
from sr_bench.evaluation.scoring.planes import ComparedPlanes, Luma
from sr_bench.imaging import images
from sr_bench.imaging.crops import modcrop
from sr_bench.imaging.images import Colour, Image, Planes
from sr_bench.support.errors import SrBenchError, about
from sr_bench.support.parallel import Failure, Map, all_named, outcomes, strips_mapper


@dataclass(frozen=True)
class Pair:
    """One sr and its hr, read and ready: uint8, gray or three planes of a stated colour."""

    sr: Image
    hr: Image
    sr_colour: Colour
    origin: str = "sr"  # sr's file, for messages


def score_pair(
    pair: Pair, protocol: Protocol, *, scale: int, mapper: Map = map
) -> dict[Metric, float]:
    """Every metric of one protocol on one pair of images.

    Args:
        pair: ``sr`` at the size of ``hr`` after the protocol's modcrop; ``hr`` RGB or gray, whole
            or already cut.
        protocol: how hr is cut, what is compared, and which metrics there are.
        scale: the factor that sr was enlarged by: modcrop and border follow from it.
        mapper: see :func:`sr_bench.evaluation.metrics.ssim`.

    Returns:
        metric -> dB or similarity. Metrics of colour are left out where hr is gray.

    Raises:
        ValueError: if sizes or channels don't go together, or an image isn't uint8, (h, w) or
            (h, w, 3): floats, 16 bits, transparency and channels first are never converted.
    """
    seen = compared_planes(pair, protocol, scale=scale)
    return {m: _METRICS[m](seen, mapper) for m in seen.rule.metrics if seen.has(m)}


def compared_planes(pair: Pair, protocol: Protocol, *, scale: int) -> ComparedPlanes:
    """What a protocol's metrics look at: hr after modcrop, and the border cut off both.

    Raises:
        ValueError: if sizes or channels don't go together.
    """
    _require_arrays(pair, scale)
    hr = modcrop(pair.hr, protocol.degradation.multiple(scale))
    _require_fit(pair.sr, hr, pair.hr, protocol)
    border = protocol.crop.pixels(scale)
    if min(hr.shape[:2]) <= 2 * border:
        raise ValueError(
            f"hr is {hr.shape[:2]}, {protocol} crops {border} from each side and leaves nothing; "
            "use larger images"
        )
    return ComparedPlanes(pair.sr, hr, pair.sr_colour, protocol, border, Luma.of(protocol))


def _require_arrays(pair: Pair, scale: int) -> None:
    """A pair is what files hold: nothing is converted, since that would be a guess."""
    require_uint8("sr", pair.sr)
    require_uint8("hr", pair.hr)
    if pair.sr_colour not in get_args(Colour):
        raise ValueError(
            f"sr_colour is {pair.sr_colour!r}, expected {' or '.join(get_args(Colour))}; "
            "turn BGR round first: sr[..., ::-1]"
        )
    if isinstance(scale, bool) or not isinstance(scale, (int, np.integer)) or scale < 1:
        raise ValueError(f"scale is {scale!r}, expected a whole number from 2 to 8")


def _psnr(planes: tuple[Planes, Planes]) -> float:
    return psnr_unchecked(*planes, data_range=255)


def _ssim(planes: tuple[Planes, Planes], mapper: Map) -> float:
    return ssim_unchecked(*planes, data_range=255, mapper=mapper)


def _ssim_padded(planes: tuple[Planes, Planes], mapper: Map) -> float:
    return ssim_padded_unchecked(*planes, data_range=255, mapper=mapper)


def _channel(planes: tuple[Planes, Planes], index: int) -> tuple[Planes, Planes]:
    return planes[0][..., index], planes[1][..., index]


_METRICS: dict[Metric, Callable[[ComparedPlanes, Map], float]] = {
    "psnr": lambda v, _: _psnr(v.main_rows),
    "ssim": lambda v, mapper: _ssim(v.main_rows, mapper),
    "ssim_blue": lambda v, mapper: _ssim(_channel(v.rgb, 2), mapper),
    "ssim_padded": lambda v, mapper: _ssim_padded(v.main, mapper),
    "psnr_y": lambda v, _: _psnr(v.y_rows),
    "psnr_cb": lambda v, _: _psnr(_channel(v.ycbcr, 1)),
    "psnr_cr": lambda v, _: _psnr(_channel(v.ycbcr, 2)),
    "psnr_ycbcr": lambda v, _: _psnr(v.ycbcr),
    "psnr_rgb": lambda v, _: _psnr(v.rgb),
}


def _require_fit(sr: Image, hr: Image, whole: Image, protocol: Protocol) -> None:
    if sr.shape[:2] != hr.shape[:2]:
        cut = "" if hr.shape == whole.shape else f" after {protocol} cut {whole.shape[:2]}"
        raise ValueError(
            f"sr is {sr.shape[:2]}, hr is {hr.shape[:2]}{cut}; upscale an lr made from hr under "
            f"{protocol} (sr-bench degrade), and check the scale"
        )
    y_only = protocol.degradation.colour == "ycbcr"
    if sr.ndim == 2 and hr.ndim == 3 and not y_only:
        raise ValueError(
            f"sr is gray, hr is RGB; {protocol} scores the RGB output of a method: save sr as RGB"
        )


Job = tuple[str, Callable[[], Pair]]  # an image's name, and what reads its pair
Row = tuple[str, str, float, str]  # protocol, metric, value, signature
ROW = ["image", "protocol", "metric", "value", "signature"]
Done = Callable[[str, list[Row] | None], object]  # told of each image; None: it has no scores


def ignored(image: str, rows: list[Row] | None) -> None:
    """What is told of each image, where nobody asks."""


@dataclass(frozen=True)
class Scored:
    """Scores of many images: those that could be had, and every image without."""

    rows: pd.DataFrame  # columns: ROW
    failed: list[Failure[str]]  # by the image's name
    total: int  # images, with and without scores

    def whole(self) -> pd.DataFrame:
        """The rows of all images.

        Raises:
            SrBenchError: naming every image that has no score.
        """
        if self.failed:
            raise SrBenchError(self.refusal)
        return self.rows

    @property
    def refusal(self) -> str:
        """The images without scores, each with the reason."""
        return all_named(self.failed, self.total, "scored")


def score_images(jobs: Iterable[Job], protocols: Sequence[Protocol], *, scale: int) -> pd.DataFrame:
    """Score many pairs under several protocols: all of them, or it is an error.

    Args:
        jobs: (image name, a function that reads the pair); read and scored in threads.

    Returns:
        One row per image x protocol x metric: image, protocol, metric, value, signature.

    Raises:
        SrBenchError: naming every image that can't be read or scored.
    """
    return score_each(jobs, protocols, scale=scale).whole()


def score_each(
    jobs: Iterable[Job],
    protocols: Sequence[Protocol],
    *,
    scale: int,
    at_once: int | None = None,
    done: Done = ignored,
) -> Scored:
    """As :func:`score_images`, but a bad image doesn't cost the scores of the others.

    Args:
        at_once: how many images are scored at once; ``None``: one a core.
        done: called with each image's name and rows.
    """
    listed = list(jobs)
    mapper, strips = strips_mapper(min(len(listed), at_once or len(listed)))
    with strips:
        return score_by(_rows(protocols, scale, mapper), listed, workers=at_once, done=done)


def score_in_turn(jobs: Iterable[Job], protocols: Sequence[Protocol], *, scale: int) -> Scored:
    """The same on one core, one image after the other."""
    return score_by(_rows(protocols, scale, map), list(jobs), workers=1)


def _rows(protocols: Sequence[Protocol], scale: int, mapper: Map) -> Callable[[Pair], list[Row]]:
    def rows_of(pair: Pair) -> list[Row]:
        values = [(p, score_pair(pair, p, scale=scale, mapper=mapper)) for p in protocols]
        return [(p.name, m, v, p.signature) for p, found in values for m, v in found.items()]

    return rows_of


def score_by(
    rows_of: Callable[[Pair], list[Row]],
    jobs: Sequence[Job],
    *,
    workers: int | None = None,
    done: Done = ignored,
) -> Scored:
    """Read and score many pairs, each by one call of ``rows_of``; ``workers``: threads."""

    def score_one(job: Job) -> list[tuple[str, str, str, float, str]]:
        name, read = job
        rows: list[Row] | None = None
        try:
            with about(name):
                pair = read()
            with about(f"{name} ({pair.origin})"):
                rows = rows_of(pair)
        finally:
            done(name, rows)
        return [(name, *row) for row in rows]

    found = outcomes(score_one, jobs, workers=workers)
    rows = pd.DataFrame([row for _, rows in found.done for row in rows], columns=ROW)
    failed = [Failure(f.item[0], f.reason) for f in found.failed]
    return Scored(rows, failed, len(jobs))


def read_pair(sr: Path, hr: Path) -> Pair:
    """Read both images; three planes of sr are RGB unless its PNG says otherwise."""
    image, colour = images.read_tagged(sr)
    return Pair(image, images.read(hr), colour, str(sr))
