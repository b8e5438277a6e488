"""``sr-bench upscale``: the SR images of a run, or anybody's photos."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from sr_bench.cli.executing import (
    LOCAL,
    ExecutorOption,
    SchedulerOption,
    WorkersOption,
    executor_options,
)
from sr_bench.cli.show import (
    DeviceOption,
    JsonFlag,
    PrecisionOption,
    Skipped,
    count_progress,
    print_done,
)
from sr_bench.cli.upscale_runs import RunsAsked, computed, upscale_runs
from sr_bench.project.here import catalogue_here, methods_here, project_here
from sr_bench.project.run_part import RunPart
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
        list[str] | None,
        typer.Argument(
            metavar="RUN... | PHOTO...",
            help="Runs of params.yaml; with --model: images, and folders of images.",
        ),
    ] = None,
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
    dataset: Annotated[
        list[str] | None,
        typer.Option(help="Only this dataset of the run; can be given several times."),
    ] = None,
    protocol: Annotated[
        list[str] | None,
        typer.Option(help="Only for this protocol of the run; can be given several times."),
    ] = None,
    all_runs: Annotated[
        bool, typer.Option("--all", help="All runs; those whose images are there cost nothing.")
    ] = False,
    executor: ExecutorOption = "local",
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    device: DeviceOption = None,
    precision: PrecisionOption = "float32",
    force: Annotated[
        bool, typer.Option("--force", help="Replace upscaled photos that are there.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Make the SR images of runs in build/sr/<run>/, or upscale photos into a folder.

    Photos may be gray or RGB, of 8 or 16 bits, with alpha, a palette, an EXIF orientation or a
    colour profile. Nothing is replaced without --force. --dataset and --protocol make a part of a
    run; what else is there of it stays.
    """
    from sr_bench.networks.device import Computing, Precision, choose_device, in_precision

    computing = Computing(choose_device(device), cast(Precision, precision))
    in_precision(*computing)
    named = what or []
    elsewhere = executor_options(executor, workers, scheduler)
    if model is None:
        if force or any(v is not None for v in (out, scale, tile, format)):
            raise WrongUse("--out, --scale, --tile, --format and --force are for photos: --model")
        part = RunPart(tuple(dataset or ()), tuple(protocol or ()))
        _require_runs(named, all_runs)
        upscale_runs(RunsAsked(named, part, computing, elsewhere), json=json)
        return
    if dataset or protocol or all_runs or elsewhere != LOCAL:
        raise WrongUse("--dataset, --protocol, --all and --executor are for runs; photos take none")
    if not named:
        raise WrongUse("--model needs photos: image files, or folders of images")
    if out is None:
        raise WrongUse("photos need a folder for what comes out: --out DIR")
    asked = _Asked(model, out, scale, _tile(tile), _format(format), force)
    _upscale_photos([Path(name) for name in named], asked, computing, json)


def _require_runs(named: list[str], all_runs: bool) -> None:
    if bool(named) == all_runs:
        raise WrongUse("upscale takes runs of params.yaml, or --all; see: sr-bench list runs")
    if files := [name for name in named if Path(name).is_file()]:
        raise WrongUse(
            f"{', '.join(files)}: without --model, upscale takes runs of params.yaml; photos "
            "need --model MODEL --out DIR"
        )


@dataclass(frozen=True)
class _Asked:
    """What the command line says about photos."""

    model: str
    out: Path
    scale: int | None
    tile: int | None
    kind: Format
    force: bool


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
        **computed(computing),
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
