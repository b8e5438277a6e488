"""Commands that work on a project, a folder with a ``params.yaml``: the pipeline's stages."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sr_bench.cli.show import (
    JsonFlag,
    bytes_progress,
    count_progress,
    print_done,
    print_json,
    print_table,
)
from sr_bench.data.catalogue.sources import Source, find_source
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

        project = require_project()
        with bytes_progress(f"weights of {run}", 0) as advance:
            note = note_weights(project, run, progress=advance)
        print_done(f"{run}: {note['file'] or 'no weights'}", note, json=json)
        return
    if not names:
        raise WrongUse("fetch needs names, or --run RUN; known names: sr-bench list sources")
    fetched = [_fetch_one(source, data) for source in [find_source(name) for name in names]]
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
            fetch_dataset(name, data, manifest, progress=advance)
    return {"name": name, "files": len(source.files), "folder": str(data / source.folder)}


def work(json: JsonFlag = False) -> None:
    """Note what each run is upscaled and scored on: build/work/<run>.json, which DVC compares."""
    from sr_bench.project.work_notes import note_work

    notes = note_work(require_project())
    datasets = {name for note in notes.values() for name in note["datasets"]}
    print_done(f"work of {len(notes)} runs on {len(datasets)} datasets", notes, json=json)


def upscale(
    run: Annotated[str, typer.Argument(help="A run of params.yaml.")], json: JsonFlag = False
) -> None:
    """Make the SR images of a run: build/sr/<run>/."""
    from sr_bench.evaluation.upscaling.upscale import upscale_run

    project = require_project()
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


class Things(StrEnum):
    """What ``list`` lists."""

    protocols = "protocols"
    sources = "sources"
    methods = "methods"
    runs = "runs"


def list_things(
    what: Annotated[Things, typer.Argument(help="What to list.")], json: JsonFlag = False
) -> None:
    """List protocols, sources (datasets and weights), methods or runs."""
    rows = {
        Things.protocols: _protocols,
        Things.sources: _sources,
        Things.methods: _methods,
        Things.runs: _runs,
    }[what]()
    if json:
        print_json(rows)
    elif rows:
        print_table(what.value, list(rows[0]), [[_text(v) for v in row.values()] for row in rows])


def _text(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def _protocols() -> list[dict[str, object]]:
    from sr_bench.data.catalogue.protocols import load_protocols

    return [
        {"protocol": p.name, "summary": p.summary, "signature": p.signature}
        for p in load_protocols().protocols.values()
    ]


def _sources() -> list[dict[str, object]]:
    from sr_bench.data.catalogue.sources import load_sources

    return [
        {
            "name": s.name,
            "kind": s.kind,
            "files": len(s.files),
            "mb": s.bytes / 1e6,
            "what": s.title,
        }
        for s in load_sources().values()
    ]


def _methods() -> list[dict[str, object]]:
    from sr_bench.networks.method import load_methods

    methods = load_methods(require_project().method_folders)
    return [
        {
            "method": m.name,
            "variants": [v for v in m.variants if v],
            "weights": list(dict.fromkeys(key[1] for key in m.published)) or ["none"],
            "reference": m.reference,
            "title": m.title or m.name,
        }
        for m in methods.values()
    ]


def _runs() -> list[dict[str, object]]:
    runs = require_project().params.runs
    return [
        {
            "run": name,
            "method": run.method,
            "variant": run.variant,
            "weights": run.weights,
            "scale": run.scale,
            "protocols": list(map(str, run.protocols)),
        }
        for name, run in runs.items()
    ]
