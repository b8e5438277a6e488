"""What made the reports, by content: no date, no revision, nothing that changes while it doesn't.

A record stands for each run, training and machine; ``runs/bicubic-x2`` is called a subject. The id
of some subjects is a hash of their records, and it is what figures carry in their metadata. Hashes
are md5 as in ``dvc.lock`` (of a folder: DVC's, of its listing), unless they are called sha256.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from sr_bench.analysis.drift.accept import CHANGES
from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.evaluation.scoring.record import record_of
from sr_bench.evaluation.upscaling.circumstances import method_code
from sr_bench.networks.checkpoint import load
from sr_bench.networks.method_fields import LEDGER
from sr_bench.project.dvc_lock import Locked, dvc_md5, read_lock
from sr_bench.project.layout import COMPUTED
from sr_bench.project.project import Project
from sr_bench.project.run_weights import read_note
from sr_bench.support.errors import unknown
from sr_bench.support.files import sha256, write_text
from sr_bench.support.text_files import read_json, read_object
from sr_bench.support.version import PACKAGE, __version__
from sr_bench.timing.results import Results, results_folder

PROVENANCE, STAMP = "provenance.json", "stamp.json"
_NOT_MADE = (PROVENANCE, STAMP, CHANGES)  # accepting a drift writes the last one, afterwards
SCHEMA = 1
# What dvc.yaml names as the code of the stages upscale and score.
_CODE = (
    "data/catalogue/protocols.py", "data/catalogue/protocols.yaml", "evaluation/metrics",
    "evaluation/scoring", "evaluation/upscaling", "imaging", "networks", "support/version.py",
)  # fmt: skip
_REMAKE = "delete it and run: dvc repro"
_RESTORE = "restore it from git, or delete it and run: sr-bench report"
_PACKAGES = (
    "jinja2", "matplotlib", "numpy", "pandas", "pillow", "safetensors", "scikit-image", "scipy",
    "torch",
)  # fmt: skip
_FACTS = (  # of a training, in its weights
    "data", "manifest", "images", "recipe", "start", "step", "minutes", "machine", "precision",
    "processes", "code",
)  # fmt: skip
Hash = Callable[[Path], str]  # of what lies there now


@dataclass(frozen=True)
class Provenance:
    """Records by subject, and the packages that were installed where the report was written.

    The packages' versions are no part of an id: tables and ids are the same on every machine that
    has the same content, and ``constraints.txt`` pins the versions.
    """

    records: Mapping[str, Any]
    packages: Mapping[str, str]

    def identify(self, subjects: Iterable[str]) -> str:
        """Twelve digits that stand for the content of the subjects, in whatever order.

        Raises:
            WrongUse: for a subject without a record.
        """
        chosen = {}
        for subject in subjects:
            if subject not in self.records:
                raise unknown("subject", subject, self.records, where=PROVENANCE)
            chosen[subject] = self.records[subject]
        return _digest(chosen)


def collect(project: Project, without: Collection[str] = ()) -> Provenance:
    """Everything that the project's reports are made from.

    What made a run's scores is read from ``dvc.lock`` where that is about the scores that lie
    there, and is else what lies there now.

    Args:
        project: the project folder.
        without: runs that the report has no scores of: those that lie there are out of date.

    Raises:
        SrBenchError: if ``dvc.lock``, weights made here or a file of timings can't be read.
    """
    lock, now = read_lock(project.root), cache(dvc_md5)  # most runs share code and datasets
    records: dict[str, Any] = {}
    held, before = read_held(project), read_reported(project).get("records", {})
    for name in project.params.runs:
        if name in held and f"runs/{name}" in before:
            made, code = before[f"runs/{name}"], before[before[f"runs/{name}"]["code"]]
        else:
            made = _run(project, name, lock, now, scored=name not in without)
            code = made.pop("code")
            made["code"] = f"code/{_digest(code)}"  # the same for most runs: written once
        records |= {f"runs/{name}": made, made["code"]: code}
    records |= {f"protocols/{p}": _protocol(p) for p in project.params.protocols}
    records |= dict(_trainings(project))
    records |= dict(_machines(project))
    if project.ledgers:
        records["ledger"] = {_named(path, project): dvc_md5(path) for path in project.ledgers}
    return Provenance(records, _packages())


def read_reported(project: Project) -> dict[str, Any]:
    """What ``reports/provenance.json`` holds; nothing without a report."""
    path = project.root / "reports" / PROVENANCE
    return read_object(path, remedy=_RESTORE) if path.is_file() else {}


def read_held(project: Project) -> list[str]:
    """The runs whose table of scores is the one that was taken from ``reports/``.

    Their record there stays: it says what the scores were made from.
    """
    path = held_note(project)
    noted = read_object(path, remedy="delete it and run: sr-bench all") if path.is_file() else {}
    tables = {run: project.scores(run) for run in noted if run in project.params.runs}
    return [
        run
        for run, table in tables.items()
        if table.is_file() and not record_of(table).is_file() and sha256(table) == noted[run]
    ]


def held_note(project: Project) -> Path:
    """Run to the sha256 of its table, of those that were taken from ``reports/``."""
    return project.root / "build" / "held.json"


def _named(path: Path, project: Project) -> str:
    inside = path.is_relative_to(project.root)
    return path.relative_to(project.root).as_posix() if inside else LEDGER


def write_provenance(
    folder: Path, made: Provenance, figures: Mapping[str, Iterable[str]] | None = None
) -> Path:
    """Write ``provenance.json``: the records, each figure's id, and the sha256 of each file.

    Call it last: it lists what is in ``folder`` then.

    Args:
        figures: each figure's name and the subjects that it shows.
    """
    listed = {
        stem: {"id": made.identify(subjects), "of": sorted(subjects)}
        for stem, subjects in ((s, list(of)) for s, of in (figures or {}).items())
    }
    target = folder / PROVENANCE
    content = {
        "schema": SCHEMA,
        "sr_bench": __version__,
        "packages": dict(made.packages),
        "records": dict(made.records),
        "figures": listed,
        "files": dict(_files(folder)),
    }
    write_text(target, json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    return target


def recorded_now(project: Project, name: str, now: Hash) -> dict[str, Any]:
    """What :func:`collect` would record of a run that was made now: ``data`` of what is here.

    Args:
        project: the project folder.
        name: of the run.
        now: gives the hash of what lies at a path.
    """
    inputs = _inputs(project, name, now)
    record = _made_from(project, name, inputs)
    keys = _manifest_keys(project, name)
    there = {dataset: inputs[key] for dataset, key in keys.items() if key in inputs}
    return record | {"code": f"code/{_digest(record['code'])}", "data": there}


def _run(project: Project, name: str, lock: Locked, now: Hash, *, scored: bool) -> dict[str, Any]:
    run = project.run(name)
    scores = project.scores(name)
    made = dvc_md5(scores) if scored and scores.is_file() else None
    inputs = lock.inputs(name, made) or _inputs(project, name, now)
    return {
        **_made_from(project, name, inputs),
        "weights": None if made is None else read_note(project, run),
        "data": {
            dataset: inputs.get(key) or lock.output(key)
            for dataset, key in _manifest_keys(project, name).items()
        },
        "scores": made,
        **_computed(project, name),
    }


def _made_from(project: Project, name: str, inputs: Mapping[str, str]) -> dict[str, Any]:
    run = project.run(name)
    return {
        "run": run.model_dump(exclude={"origin"}),
        "method": {
            path: md5
            for path, md5 in inputs.items()
            if path.endswith(".py") and not path.startswith("sr_bench/")
        },
        "signatures": {p.name: p.signature for p in run.protocols},
        "code": {p: h for p, h in inputs.items() if p.startswith("sr_bench/")},
    }


def _computed(project: Project, name: str) -> dict[str, Any]:
    """Where its SR images were computed, if not in float32 on a CPU."""
    path = project.sr_of(name) / COMPUTED
    return {"computed": read_json(path, remedy=_REMAKE)} if path.is_file() else {}


def _inputs(project: Project, name: str, now: Hash) -> dict[str, str]:
    """Hashes of what lies there now: the method, the manifests, and the code that makes scores."""
    run = project.run(name)
    found = {f"sr_bench/{path}": now(PACKAGE / path) for path in _CODE}
    for folder in project.method_folders:
        path = folder / f"{run.method}.py"
        if path.is_file():
            for file in method_code(path, project.method_folders):
                inside = file.relative_to(folder) if file.is_relative_to(folder) else file.name
                found[f"{folder.name}/{inside}"] = now(file)
    for dataset, key in _manifest_keys(project, name).items():
        manifest = project.manifest(dataset)
        if manifest.is_file():
            found[key] = now(manifest)
    return found


def _manifest_keys(project: Project, name: str) -> dict[str, str]:
    """Each dataset of a run, and what ``dvc.lock`` calls its manifest."""
    return {
        dataset: project.manifest(dataset).relative_to(project.root).as_posix()
        for dataset in project.datasets(project.run(name))
    }


def _protocol(protocol: Protocol) -> dict[str, Any]:
    return {
        "signature": protocol.signature,
        "rule": protocol.model_dump(mode="json"),
        "degradation": protocol.degradation.model_dump(mode="json"),
    }


def _trainings(project: Project) -> Iterator[tuple[str, Any]]:
    for name in project.trainings:
        path = project.trained(name)
        if path.is_file():
            _, facts = load(path)
            record = {key: facts.get(key) for key in _FACTS}
            yield f"trainings/{name}", record | {"weights_sha256": sha256(path)}
        elif project.training_log(name).is_dir():
            yield f"trainings/{name}", {"log": dvc_md5(project.training_log(name))}


def _machines(project: Project) -> Iterator[tuple[str, Any]]:
    for path in sorted(results_folder(project).glob("*.json")):
        results = Results.load(path)
        yield (
            f"machines/{results.machine.name}",
            {
                "file": path.relative_to(project.root).as_posix(),
                "sha256": sha256(path),
                "machine": results.machine.model_dump(mode="json"),
                "sr_bench": sorted({row.sr_bench for row in results.rows.values()}),
            },
        )


def _packages() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in _NOT_MADE and path.name[0] != ".":
            yield path.relative_to(folder).as_posix(), sha256(path)


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
