"""Which file holds a run's weights: published ones are fetched, ours lie in the project."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sr_bench.data.datasets.manifest import fetch_source
from sr_bench.networks.checkpoint import load
from sr_bench.networks.method import Method, Published
from sr_bench.networks.method_files import find_method
from sr_bench.project.entries import Run
from sr_bench.project.packaged import WEIGHTS
from sr_bench.project.project import Project
from sr_bench.support.errors import SourceError, SrBenchError
from sr_bench.support.files import sha256, write_text
from sr_bench.support.text_files import read_object

Note = dict[str, str | None]  # weights, file, sha256
Progress = Callable[[int], None]


def note_weights(project: Project, name: str, *, progress: Progress) -> Note:
    """Fetch the run's weights and note which file they are: ``build/weights/<run>.json``.

    Returns:
        The note: the weights' name, and the file and its sha256 (``None`` without weights).

    Raises:
        SrBenchError: for an unknown method, variant or weights, or a file that can't be had.
    """
    run = project.run(name)
    method = find_method(run.method, project.method_folders)
    path = _file(project, run, method, progress)
    note: Note = {"weights": run.weights, "file": None, "sha256": None}
    if path is not None:
        note |= {"file": _noted_name(path, project), "sha256": sha256(path)}
    write_text(project.weights_note(name), json.dumps(note, indent=1) + "\n")
    return note


def noted_weights(project: Project, run: Run, method: Method) -> Path | None:
    """The run's weights as noted, fetched again where they have gone, verified.

    Raises:
        SrBenchError: if there is no note, or the file isn't the one that it names.
    """
    if _place(project, run, method) is None:
        return None
    note = _noted(project, run, method)
    path = _file(project, run, method, lambda _: None)
    if path is not None:
        _require_noted(path, project, run, note)
    return path


def read_note(project: Project, run: Run) -> Note | None:
    """What ``build/weights/<run>.json`` says of weights that lie there; ``None`` without a note.

    Raises:
        SrBenchError: if that isn't what :func:`note_weights` would say.
    """
    if not project.weights_note(run.name).is_file():
        return None
    method = find_method(run.method, project.method_folders)
    note, place = _noted(project, run, method), _place(project, run, method)
    if place is not None and place.is_file():
        _require_noted(place, project, run, note)
    return note


def expected_note(project: Project, run: Run) -> Note:
    """What :func:`note_weights` would note, and nothing is fetched: the catalogue pins the file.

    Of weights made here that aren't there, ``sha256`` is ``None``.
    """
    method = find_method(run.method, project.method_folders)
    place = _place(project, run, method)
    note: Note = {"weights": run.weights, "file": None, "sha256": None}
    if place is None:
        return note
    if place == _made_here(project, run):
        found = sha256(place) if place.is_file() else None
    else:
        published = method.published[run.base_variant, run.weights, run.scale]
        found = project.source(published.group).file(published.name).sha256
    return note | {"file": _noted_name(place, project), "sha256": found}


def _noted(project: Project, run: Run, method: Method) -> Note:
    path, place = project.weights_note(run.name), _place(project, run, method)
    content = read_object(path, remedy=_again(run))
    file = None if place is None else _noted_name(place, project)
    said = {"weights": content.get("weights"), "file": content.get("file")}
    if said != {"weights": run.weights, "file": file} or set(content) != {*said, "sha256"}:
        raise SrBenchError(
            f"{path}: not a note of this run's weights: it says "
            f"{', '.join(f'{k} {v!r}' for k, v in content.items()) or 'nothing'}, expected "
            f"weights {run.weights!r}, file {file!r} and a sha256; {_again(run)}"
        )
    return content


def _require_noted(path: Path, project: Project, run: Run, note: Note) -> None:
    if (found := sha256(path)) != note["sha256"]:
        raise SrBenchError(
            f"{path}: sha256 is {found}, {project.weights_note(run.name)} says {note['sha256']}; "
            f"{_again(run)}"
        )


def _again(run: Run) -> str:
    return f"make it with: sr-bench fetch --run {run.name}"


def _made_here(project: Project, run: Run) -> Path | None:
    """The file of weights made here, of the project or of sr-bench; ``None`` for others'."""
    training = project.training_of(run)
    return project.packaged_weights(run) if training is None else project.trained(training)


def _place(project: Project, run: Run, method: Method) -> Path | None:
    """Where the run's weights lie, or will; ``None`` without weights."""
    if (made := _made_here(project, run)) is not None:
        return made
    published = method.weights_file(run.base_variant, run.weights, run.scale)
    if published is None:
        return None
    return project.data / project.source(published.group).folder / published.name


def _file(project: Project, run: Run, method: Method, progress: Progress) -> Path | None:
    training = project.training_of(run)
    if training is not None:
        return trained_weights(project, training)
    if (packaged := project.packaged_weights(run)) is not None:
        return packaged
    published = method.weights_file(run.base_variant, run.weights, run.scale)
    return None if published is None else _fetched(published, project, progress)


def _noted_name(path: Path, project: Project) -> str:
    """A file of the project, or one that sr-bench brings, as any machine can read it."""
    if path.is_relative_to(project.root):
        return path.relative_to(project.root).as_posix()
    return f"{WEIGHTS}/{path.name}"


def trained_weights(project: Project, training: str) -> Path:
    """The file of weights made here, which says that it is that training's.

    Raises:
        SrBenchError: if there is none, it holds other weights, those of an unfinished training, or
            its content isn't what was written.
    """
    path = project.trained(training)
    if not path.is_file():
        raise SrBenchError(f"{path}: no such file; make it with: sr-bench train {training}")
    _, facts = load(path)
    made, step = facts.get("training"), facts.get("step")
    if made != training:  # x2 and x3 of one network have the same shapes
        raise SrBenchError(
            f"{path}: holds the weights of '{made}', its name says '{training}'; put the right "
            f"file there, or make it with: sr-bench train {training}"
        )
    steps = facts.get("recipe", {}).get("steps", step)
    if step != steps:  # version 0.1 left these when it was stopped
        raise SrBenchError(
            f"{path}: holds weights of step {step} of {steps}: the training isn't finished; "
            f"finish it with: sr-bench train {training}"
        )
    return path


def _fetched(published: Published, project: Project, progress: Progress) -> Path:
    source = project.source(published.group)
    wanted = source.file(published.name)
    try:
        fetch_source(source, project.data, progress=progress)
    except SourceError:  # of another file perhaps, which other runs need
        alone = replace(source, files=(wanted,))
        fetch_source(alone, project.data, progress=progress)
    return project.data / source.folder / wanted.name
