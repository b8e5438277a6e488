"""``sr-bench upscale``: the SR images of a run, or anybody's photos."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from sr_bench.cli.show import (
    DeviceOption,
    JsonFlag,
    PrecisionOption,
    Skipped,
    count_progress,
    print_done,
)
from sr_bench.project.here import catalogue_here, methods_here, project_here
from sr_bench.project.lock import require_locked
from sr_bench.project.project import require_project
from sr_bench.support.errors import SrBenchError, WrongUse, printable, unknown
from sr_bench.support.parallel import all_named
from sr_bench.support.version import __version__

if TYPE_CHECKING:
    from sr_bench.evaluation.evaluating.candidate import Candidate
    from sr_bench.evaluation.upscaling.photos import Made
    from sr_bench.imaging.photos import Format
    from sr_bench.networks.device import Computing

_SMALLEST = 16  # lr pixels of a tile
_FORMATS = ("png", "tiff", "webp", "jpeg")


def upscale(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN | PHOTO...",
            help="A run of params.yaml; with --model: images, and folders of images.",
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(help="Upscale photos by this model: a file, file.py:function, or a run."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for upscaled photos.")] = None,
    scale: Annotated[
        int | None, typer.Option(min=2, max=8, help="Where the model's file doesn't say it.")
    ] = None,
    tile: Annotated[
        str | None,
        typer.Option(help="LR pixels a side that the model sees; default auto: by free memory."),
    ] = None,
    format: Annotated[
        str | None, typer.Option(help=f"{', '.join(_FORMATS)}; default: png.")
    ] = None,
    device: DeviceOption = None,
    precision: PrecisionOption = "float32",
    force: Annotated[
        bool, typer.Option("--force", help="Replace upscaled photos that are there.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Make the SR images of a run in build/sr/<run>/, or upscale photos into a folder.

    Photos may be gray or RGB, of 8 or 16 bits, with alpha, a palette, an EXIF orientation or a
    colour profile. Nothing is replaced without --force.
    """
    from sr_bench.networks.device import Computing, Precision, choose_device, in_precision

    computing = Computing(choose_device(device), cast(Precision, precision))
    in_precision(*computing)
    if model is None:
        if force or any(v is not None for v in (out, scale, tile, format)):
            raise WrongUse("--out, --scale, --tile, --format and --force are for photos: --model")
        _upscale_run(what, computing, json)
        return
    if out is None:
        raise WrongUse("photos need a folder for what comes out: --out DIR")
    asked = _Asked(model, out, scale, _tile(tile), _format(format), force)
    _upscale_photos([Path(name) for name in what], asked, computing, json)


@dataclass(frozen=True)
class _Asked:
    """What the command line says about photos."""

    model: str
    out: Path
    scale: int | None
    tile: int | None
    kind: Format
    force: bool


def _upscale_run(what: list[str], computing: Computing, json: bool) -> None:
    from sr_bench.evaluation.upscaling.upscale import upscale_run

    run = what[0]
    if len(what) > 1 or Path(run).is_file():
        raise WrongUse(
            f"{', '.join(what)}: without --model, upscale takes one run of params.yaml; photos "
            "need --model MODEL --out DIR"
        )
    project = require_locked(require_project())
    found = project.run(run)
    with count_progress(f"upscale {run}", project.images_of(found)) as advance:
        done = upscale_run(project, found, progress=advance, computing=computing)
    made = {name: count for name, count in done.made.items() if count}
    facts = {
        "run": run,
        "folders": [str(f) for f in done.folders],
        "upscaled": made,
        "kept": sum(done.kept.values()),
        **_computed(computing),
    }
    print_done(f"{run}: {_upscaled(made)}; {facts['kept']} images were there", facts, json=json)


def _computed(computing: Computing) -> dict[str, str]:
    return {"device": computing.device.type, "precision": computing.precision, **computing.facts}


def _upscaled(made: Mapping[str, int]) -> str:
    parts = ", ".join(f"{count} of {name}" for name, count in made.items())
    return f"upscaled {sum(made.values())} images ({parts})" if made else "nothing to upscale"


def _upscale_photos(named: list[Path], asked: _Asked, computing: Computing, json: bool) -> None:
    from sr_bench.evaluation.upscaling.photos import PhotoOptions, Photos, jobs_of
    from sr_bench.imaging.images import pixels_of

    skipped = Skipped()
    jobs = jobs_of(named, asked.out, kind=asked.kind, force=asked.force, skip=skipped)
    opened = _open(asked, computing)
    photos = Photos(opened.upscaler, PhotoOptions(asked.tile, asked.kind, computing.precision))
    total = sum(pixels_of(job.source) for job in jobs) or 1
    with count_progress(f"upscale x{opened.scale} (%)", 100) as advance:
        made, failed = photos.all(jobs, lambda pixels: advance(100 * pixels / total))
    facts = {
        "model": opened.name,
        "origin": opened.origin,
        "sha256": opened.sha256,
        "scale": opened.scale,
        "sr_bench": __version__,
        **_computed(computing),
        "photos": [_facts(one) for one in made],
        "failed": [{"photo": str(f.item), "reason": f.reason} for f in failed],
        "skipped": skipped.facts,
    }
    if made or json:
        print_done("\n".join(_line(one) for one in made), facts, json=json)
    if failed:
        raise SrBenchError(all_named(failed, len(jobs), "upscaled"))


def _open(asked: _Asked, computing: Computing) -> Candidate:
    """The model, said on stderr."""
    from sr_bench.evaluation.evaluating.candidate import CandidateOptions, open_candidates
    from sr_bench.networks.opened import OpenOptions

    project = project_here()
    known = catalogue_here().sources if project is None else project.catalogue.sources
    opening = OpenOptions(asked.scale, device=computing.device, sources=known)
    options = CandidateOptions(opening)
    opened, failed = open_candidates(
        [asked.model], project=project, methods=methods_here(project), options=options
    )
    if failed:
        raise SrBenchError(failed[0].reason)
    facts = [f"{opened[0].origin} x{opened[0].scale}", *opened[0].notes]
    print(printable(f"{opened[0].name}: {'; '.join(facts)}"), file=sys.stderr)
    return opened[0]


def _tile(text: str | None) -> int | None:
    if text is None or text == "auto":
        return None
    if not text.isascii() or not text.isdigit() or int(text) < _SMALLEST:
        raise WrongUse(
            f"--tile is '{text}', expected auto or a number of LR pixels from {_SMALLEST} up"
        )
    return int(text)


def _format(name: str | None) -> Format:
    if name is not None and name not in _FORMATS:
        raise unknown("format", name, _FORMATS, where="--format")
    return cast("Format", name or "png")


def _facts(made: Made) -> dict[str, Any]:
    height, width = made.size
    return {
        "photo": str(made.source),
        "written": str(made.target),
        "shape": [height, width],
        "bits": made.bits,
        "tile": made.tile,
        "notes": list(made.notes),
    }


def _line(made: Made) -> str:
    height, width = made.size
    kind = [f"{width} x {height}", *(["16 bits"] if made.bits == 16 else []), *made.notes]
    return f"{made.target}: {', '.join(kind)}"
