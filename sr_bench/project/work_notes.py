"""What each run is upscaled and scored on, as files: what DVC compares, whatever the datasets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sr_bench.project.entries import Run
from sr_bench.project.lock import LOCK
from sr_bench.project.project import Project
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import replacing_folder, sha256, sweep


def note_work(project: Project) -> dict[str, dict[str, Any]]:
    """Write ``build/work/<run>.json`` for every run, and nothing else into that folder.

    A note holds the run's datasets, each with the hash of its manifest, the protocols that score it
    and the degradations that it is upscaled under. Stages that depend on it run when one of these
    changes, so ``dvc.yaml`` names neither datasets nor protocols.

    Raises:
        SrBenchError: for a dataset without a manifest, or if another process writes the notes.
    """
    notes = {name: _note(project, run) for name, run in project.params.runs.items()}
    with project.writing(str(project.work_notes), "work"):
        sweep(project.work_notes)
        _write(project, notes)
    return notes


def _write(project: Project, notes: Mapping[str, Any]) -> None:
    with replacing_folder(project.work_notes) as folder:
        for name, note in notes.items():
            text = json.dumps(note, indent=1) + "\n"
            (folder / f"{name}.json").write_text(text, encoding="utf-8", newline="\n")


def _note(project: Project, run: Run) -> dict[str, Any]:
    used = project.datasets(run)
    rules = {work.degradation.name: work.degradation for work in project.work(run)}
    return {
        "run": run.name,
        "datasets": {
            dataset: {
                "manifest": _manifest_hash(project, dataset),
                "protocols": [str(protocol) for protocol in protocols],
            }
            for dataset, protocols in used.items()
        },
        "degradations": {name: rule.model_dump(mode="json") for name, rule in rules.items()},
        **_code(project, run),
    }


def _code(project: Project, run: Run) -> dict[str, Any]:
    """The run's method and weights made here, where ``dvc.yaml`` can't name them.

    A project with a lock has methods that lie in the installed package.
    """
    if not (project.root / LOCK).is_file():
        return {}
    files = [folder / f"{run.method}.py" for folder in project.method_folders]
    training = project.training_of(run)
    weights = [project.trained(training)] if training else []
    return {
        "method": [sha256(path) for path in files if path.is_file()],
        "weights": [sha256(path) for path in weights if path.is_file()],
    }


def _manifest_hash(project: Project, dataset: str) -> str:
    manifest = project.manifest(dataset)
    if not manifest.is_file():
        raise SrBenchError(f"{manifest}: no such file; make it with: sr-bench fetch {dataset}")
    return sha256(manifest)
