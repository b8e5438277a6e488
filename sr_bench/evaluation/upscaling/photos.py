"""Photos of anybody's, upscaled: every kind in, PNG out, in as little memory as tiles take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.evaluation.upscaling.photo_tiles import BICUBIC_REACH, Tiler, Tiling
from sr_bench.imaging import images
from sr_bench.imaging.color import gray_of_rgb
from sr_bench.imaging.degrade import Degradation
from sr_bench.imaging.photos import Format, Photo, check_format, read_photo, write_photo
from sr_bench.imaging.png import Header
from sr_bench.imaging.resize import imresize
from sr_bench.networks.device import Precision
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.tiles import Cut, cuts
from sr_bench.support.errors import SrBenchError, WrongUse, about
from sr_bench.support.parallel import Failure, ahead

SUFFIXES: dict[Format, str] = {"png": ".png", "tiff": ".tif", "webp": ".webp", "jpeg": ".jpg"}
_STEP = {8: 1, 16: 257}  # of a file's levels on 0..255


@dataclass(frozen=True)
class Job:
    """A photo, and where it goes."""

    source: Path
    target: Path

    def __str__(self) -> str:
        return str(self.source)


@dataclass(frozen=True)
class PhotoOptions:
    """How photos are upscaled.

    Args:
        tile: lr pixels a side that the model sees; ``None``: as memory allows.
        kind: the format of what is written.
        precision: of the model.
    """

    tile: int | None = None
    kind: Format = "png"
    precision: Precision = "float32"


def jobs_of(
    named: Sequence[Path],
    out: Path,
    *,
    kind: Format = "png",
    force: bool = False,
    skip: images.Skip | None = None,
) -> list[Job]:
    """The photos that files and folders name, each with its target, which is free.

    Args:
        named: images, and folders whose images are meant.
        out: the folder of what is written.
        kind: its format.
        force: whether what is there may be replaced; a photo that is read never is.
        skip: called with what in a folder isn't an image.

    Raises:
        WrongUse: if two photos have one target, or a target is there already.
        SrBenchError: for a file or folder that isn't there.
    """
    sources: list[Path] = []
    for path in named:
        sources += images.listing(path, skip=skip) if path.is_dir() else [path]
    jobs = [Job(s, out / f"{s.stem}{SUFFIXES[kind]}") for s in dict.fromkeys(sources)]
    _require_one_each(jobs)
    read = {source.resolve() for source in sources}
    own = [job.target for job in jobs if job.target.resolve() in read]
    if own:
        raise WrongUse(f"{own[0]}: is one of the photos; name another folder than {out}")
    there = [job.target for job in jobs if job.target.exists()]
    if there and not force:
        more = f", and {len(there) - 1} more are" if there[1:] else ""
        raise WrongUse(f"{there[0]}: is there already{more}; --force replaces what is there")
    return jobs


def _require_one_each(jobs: Sequence[Job]) -> None:
    first: dict[str, Job] = {}
    for job in jobs:
        other = first.setdefault(job.target.name.casefold(), job)
        if other is not job:
            raise WrongUse(
                f"{other.source} and {job.source} would both become {job.target}; rename one"
            )


@dataclass(frozen=True)
class Made:
    """A photo that was upscaled: sizes as (height, width), and what was done, for people."""

    source: Path
    target: Path
    size: tuple[int, int]
    bits: int
    tile: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Photos:
    """Photos to upscale with one model.

    Args:
        upscaler: builds it for lr of a degradation.
        options: how.
    """

    upscaler: Callable[[Degradation], Upscaler]
    options: PhotoOptions = PhotoOptions()

    def all(
        self, jobs: Sequence[Job], progress: Callable[[int], None]
    ) -> tuple[list[Made], list[Failure[Job]]]:
        """Upscale each; a bad one doesn't cost the others.

        Args:
            jobs: what :func:`jobs_of` returned.
            progress: called with the number of lr pixels that were done.

        Returns:
            What was made, and each that failed with the reason.
        """
        models: dict[int, Tiler] = {}
        made: list[Made] = []
        failed: list[Failure[Job]] = []
        for job, photo in zip(jobs, ahead(map(_read, jobs))):
            try:
                if isinstance(photo, SrBenchError):
                    raise photo
                made.append(self._one(job, photo, models, progress))
            except SrBenchError as error:
                reason = str(error)
                failed.append(Failure(job, reason if str(job) in reason else f"{job}: {reason}"))
        return made, failed

    def _one(
        self,
        job: Job,
        photo: Photo,
        models: dict[int, Tiler],
        progress: Callable[[int], None],
    ) -> Made:
        check_format(job.source, photo, self.options.kind)
        with about(job.source):
            if photo.bits not in models:
                upscaler = self.upscaler(_lr_of(photo.bits))
                models[photo.bits] = Tiler(replace(upscaler, precision=self.options.precision))
            tiler, notes = models[photo.bits], list(photo.notes)
            if photo.bits == 16 and rounds_to_8_bits(tiler.upscaler):
                notes.append("the model rounds to 8 bits: it is written with 8")
                photo = _in_8_bits(photo)
            if photo.alpha is not None:
                notes.append("alpha by bicubic interpolation")
            tiling = tiler.tiling(photo.pixels, self.options.tile)
            header = _header(photo, tiler.upscaler.scale)
            made = bands(tiler.upscaler, photo, tiling, progress)
            write_photo(job.target, header, ahead(made), self.options.kind)
        return Made(job.source, job.target, header.size, photo.bits, tiling.side, tuple(notes))


def _lr_of(bits: int) -> Degradation:
    """What methods that enlarge lr inside are told: 8 bits round as edsr-2017's lr, 16 don't."""
    rule = find_protocol("edsr-2017").degradation
    return rule if bits == 8 else rule.model_copy(update={"rounding": "none"})


def _read(job: Job) -> Photo | SrBenchError:
    try:
        return read_photo(job.source)
    except SrBenchError as error:
        return error


def _header(photo: Photo, scale: int) -> Header:
    height, width = photo.pixels.shape[:2]
    channels = (1 if photo.pixels.ndim == 2 else 3) + (photo.alpha is not None)
    return Header((height * scale, width * scale), channels, photo.bits, photo.icc)


def bands(
    upscaler: Upscaler, photo: Photo, tiling: Tiling, progress: Callable[[int], None]
) -> Iterator[NDArray[Any]]:
    """The upscaled photo from the top down, (rows, W, channels), a row of tiles at a time."""
    height, width = photo.pixels.shape[:2]
    header, scale = _header(photo, upscaler.scale), upscaler.scale
    for rows in cuts(height, tiling.side, tiling.margin):
        size = (scale * (rows.stop - rows.start), header.size[1], header.channels)
        band = np.empty(size, photo.pixels.dtype)
        for columns in cuts(width, tiling.side, tiling.margin):
            part = band[:, columns.made(scale)]
            kept = (rows.kept(scale), columns.kept(scale))
            seen = photo.pixels[rows.seen, columns.seen]
            part[..., : _planes(photo)] = _upscaled(upscaler, seen)[kept]
            if photo.alpha is not None:
                part[..., -1] = _alpha(photo.alpha, rows, columns, scale)
            progress((rows.stop - rows.start) * (columns.stop - columns.start))
        yield band


def _planes(photo: Photo) -> int:
    return 1 if photo.pixels.ndim == 2 else 3


def _upscaled(upscaler: Upscaler, pixels: NDArray[Any]) -> NDArray[Any]:
    """(h, w[, 3]) of 8 or 16 bits -> (H, W, 1 or 3) of as many; gray stays gray."""
    step = _STEP[pixels.dtype.itemsize * 8]
    sr = upscaler.unrounded(pixels / step)
    if pixels.ndim == 2:
        sr = (gray_of_rgb(sr) if sr.ndim == 3 else sr)[..., None]
    return _rounded(sr, pixels.dtype)


def _rounded(values: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """0..255 to the levels of a type, half up."""
    most = np.iinfo(dtype).max
    values = values * _STEP[dtype.itemsize * 8]
    values += 0.5
    return np.clip(np.floor(values, out=values), 0, most, out=values).astype(dtype)


def _alpha(alpha: NDArray[Any], rows: Cut, columns: Cut, scale: int) -> NDArray[Any]:
    """The alpha of a tile, by bicubic interpolation."""
    around = [
        c._replace(low=max(0, c.start - BICUBIC_REACH), high=c.stop + BICUBIC_REACH)
        for c in (rows, columns)
    ]
    seen = alpha[around[0].seen, around[1].seen] / _STEP[alpha.dtype.itemsize * 8]
    made = imresize(seen, scale=scale, rounding="none", border="mirror")
    return _rounded(made[around[0].kept(scale), around[1].kept(scale)], alpha.dtype)


def rounds_to_8_bits(upscaler: Upscaler) -> bool:
    """Whether a model makes 8-bit values of others; then 16 bits would be a promise too much."""
    lr = 255 * np.random.default_rng(0).random((8, 8, 3))
    sr = replace(upscaler, untrained=True).unrounded(lr)
    return bool(np.abs(sr - np.round(sr)).max() < 1e-3)


def _in_8_bits(photo: Photo) -> Photo:
    def rounded(samples: NDArray[Any]) -> NDArray[np.uint8]:
        return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)

    alpha = None if photo.alpha is None else rounded(photo.alpha)
    return replace(photo, pixels=rounded(photo.pixels), alpha=alpha)
