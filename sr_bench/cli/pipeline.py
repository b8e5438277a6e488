"""Commands that work on a project, a folder with a ``params.yaml``: the pipeline's stages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from sr_bench.cli.show import (
    JsonFlag,
    bytes_progress,
    count_progress,
    print_done,
)
from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.data.catalogue.sources import Source
from sr_bench.project.lock import require_locked
from sr_bench.project.project import Project, require_project
from sr_bench.support.errors import WrongUse


def fetch(
    names: Annotated[
        list[str] | None, typer.Argument(help="Datasets or weights; see: sr-bench list sources.")
    ] = None,
    run: Annotated[
        str | None, typer.Option(help="Fetch the weights of this run of params.yaml.")
    ] = None,
    data: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("data"),
    json: JsonFlag = False,
) -> None:
    """Download datasets and weights, verify them, and write manifests.

    SR_BENCH_MIRROR, a folder or URL with the files at <host>/<path>, is tried first.
    """
    if run is not None:
        if names:
            raise WrongUse(f"fetch takes names ({', '.join(names)}) or --run {run}; leave one out")
        from sr_bench.project.run_weights import note_weights

        project = require_locked(require_project())
        with bytes_progress(f"weights of {run}", 0) as advance:
            note = note_weights(project, run, progress=advance)
        print_done(f"{run}: {note['file'] or 'no weights'}", note, json=json)
        return
    if not names:
        raise WrongUse("fetch needs names, or --run RUN; known names: sr-bench list sources")
    known = Catalogue.of_project(Path()).sources
    fetched = [_fetch_one(source, data) for source in [known.find(name) for name in names]]
    lines = [f"{f['name']}: {f['files']} files in {f['folder']}" for f in fetched]
    print_done("\n".join(lines), fetched, json=json)


def _fetch_one(source: Source, data: Path) -> dict[str, object]:
    from sr_bench.data.datasets.manifest import fetch_dataset, fetch_source

    name = source.name
    with bytes_progress(name, source.bytes) as advance:
        if source.kind == "weights":
            fetch_source(source, data, progress=advance)
        else:
            manifest = Project.manifest_in(data.parent, name)
            fetch_dataset(source, data, manifest, progress=advance)
    return {"name": name, "files": len(source.files), "folder": str(data / source.folder)}


def work(json: JsonFlag = False) -> None:
    """Note what each run is upscaled and scored on: build/work/<run>.json, which DVC compares."""
    from sr_bench.project.work_notes import note_work

    notes = note_work(require_locked(require_project()))
    datasets = {name for note in notes.values() for name in note["datasets"]}
    print_done(f"work of {len(notes)} runs on {len(datasets)} datasets", notes, json=json)


def upscale(
    run: Annotated[str, typer.Argument(help="A run of params.yaml.")], json: JsonFlag = False
) -> None:
    """Make the SR images of a run: build/sr/<run>/."""
    from sr_bench.evaluation.upscaling.upscale import upscale_run

    project = require_locked(require_project())
    found = project.run(run)
    with count_progress(f"upscale {run}", project.images_of(found)) as advance:
        done = upscale_run(project, found, progress=advance)
    made = {name: count for name, count in done.made.items() if count}
    facts = {
        "run": run,
        "folders": [str(f) for f in done.folders],
        "upscaled": made,
        "kept": sum(done.kept.values()),
    }
    print_done(f"{run}: {_upscaled(made)}; {facts['kept']} images were there", facts, json=json)


def _upscaled(made: Mapping[str, int]) -> str:
    parts = ", ".join(f"{count} of {name}" for name, count in made.items())
    return f"upscaled {sum(made.values())} images ({parts})" if made else "nothing to upscale"
