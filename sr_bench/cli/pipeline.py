"""Commands that work on a project, a folder with a ``params.yaml``: the pipeline's stages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sr_bench.cli.show import (
    JsonFlag,
    bytes_progress,
    print_done,
)
from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.data.catalogue.sources import Source
from sr_bench.data.datasets.folders import OwnFolder
from sr_bench.project.lock import require_locked
from sr_bench.project.params import PARAMS
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
    found = [_known(name) for name in names]
    fetched = [_fetch_one(one, data) for one in found]
    lines = [f"{f['name']}: {f['files']} files in {f['folder']}" for f in fetched]
    print_done("\n".join(lines), fetched, json=json)


def _known(name: str) -> Source | OwnFolder:
    """The group of the catalogue, or the dataset of params.yaml that is called so."""
    known = Catalogue.of_project(Path()).sources
    if name not in known and Path(PARAMS).is_file():
        project = Project.load(Path())
        return project.own(name) if name in project.params.datasets else project.source(name)
    return known.find(name)


def _fetch_one(source: Source | OwnFolder, data: Path) -> dict[str, object]:
    if isinstance(source, OwnFolder):
        return _index(source)
    from sr_bench.data.datasets.manifest import fetch_dataset, fetch_source

    name, files = source.name, len(source.files)
    with bytes_progress(name, source.bytes) as advance:
        if source.kind == "weights":
            fetch_source(source, data, progress=advance)
        else:
            manifest = Project.manifest_in(data.parent, name)
            dataset = fetch_dataset(source, data, manifest, progress=advance)
            files = files or len(dataset.entries)
    return {"name": name, "files": files, "folder": str(data / source.folder)}


def work(json: JsonFlag = False) -> None:
    """Note what each run is upscaled and scored on: build/work/<run>.json, which DVC compares."""
    from sr_bench.project.work_notes import note_work

    notes = note_work(require_locked(require_project()))
    datasets = {name for note in notes.values() for name in note["datasets"]}
    print_done(f"work of {len(notes)} runs on {len(datasets)} datasets", notes, json=json)


def _index(own: OwnFolder) -> dict[str, object]:
    from sr_bench.data.datasets.folders import index_folder

    dataset = index_folder(own, Project.manifest_in(Path(), own.name))
    return {
        "name": own.name,
        "files": sum(1 for _ in dataset.all_entries()),
        "folder": str(own.folder),
    }
