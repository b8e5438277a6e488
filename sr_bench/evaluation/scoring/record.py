"""The record of a scoring: which table came out, and of which sr, hr and protocols.

``sr-bench score RUN`` writes ``build/scores/<run>.json`` beside the table. What reads the table
refuses one that is not the recorded one; the report and the check also refuse scores whose SR
images, HR images or protocols have changed since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.data.datasets.manifest import Entry, read_manifest
from sr_bench.project.entries import Run
from sr_bench.project.project import Project, Work
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import sha256, write_text
from sr_bench.support.text_files import read_object

SCHEMA = 1
_KEYS = {"schema", "run", "table", "protocols", "hr", "sr"}


def record_of(path: Path) -> Path:
    """The path of a table's record: the same name, as JSON."""
    return path.with_suffix(".json")


def write_record(
    path: Path,
    run: Run,
    text: str,
    work: Sequence[Work],
    opened: Mapping[str, Iterable[Entry]],
) -> None:
    """Write the record of the run's table, just scored.

    Args:
        text: the table as it was written.
        opened: dataset to its images, of those that were scored.
    """
    content = {
        "schema": SCHEMA,
        "run": run.name,
        "table": hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest(),
        "protocols": {p.name: _definition(p) for p in _protocols(run, work)},
        "hr": {dataset: _listing(entries) for dataset, entries in opened.items()},
        "sr": {
            f"{part.degradation.name}/{part.dataset}": _hashes(
                part.sr / f"{e.stem}.png" for e in opened[part.dataset]
            )
            for part in work
        },
    }
    write_text(record_of(path), json.dumps(content, indent=1) + "\n")


def _protocols(run: Run, work: Sequence[Work]) -> Iterator[Protocol]:
    """The run's, and what they are on datasets that bring their lr."""
    yield from run.protocols
    yield from (protocol for part in work for protocol in part.protocols)


def require_recorded(path: Path, content: bytes) -> None:
    """Refuse a table that isn't the one that its record is about; one without a record passes.

    Raises:
        SrBenchError: if the record is damaged, or the table is another one.
    """
    record = _read(path)
    if not record:
        return
    found = hashlib.sha256(content).hexdigest()
    if found != record["table"]:
        raise SrBenchError(
            f"{path}: isn't the table that was scored: its sha256 is {found[:12]}..., "
            f"{record_of(path)} says {str(record['table'])[:12]}...; somebody changed it, or the "
            f"two are of different times: {_again(path)}"
        )


def require_unchanged(project: Project, run: str) -> None:
    """Refuse scores whose sr, hr or protocols are no longer what was scored.

    What isn't there any more can't differ, so a clone that has the tables alone passes.

    Raises:
        SrBenchError: naming the first thing that changed.
    """
    path = project.scores(run)
    record = _read(path)
    if not record:
        return
    known = project.catalogue.protocols.protocols
    _require_same_protocols(path, record["protocols"], known)
    for dataset, digest in record["hr"].items():
        manifest = project.manifest(dataset)
        if manifest.is_file() and _listing(read_manifest(manifest, dataset)) != digest:
            raise SrBenchError(
                f"{path}: was scored with other hr than {manifest} lists now; {_again(path)}"
            )
    for part, images in record["sr"].items():
        degradation, _, dataset = part.partition("/")
        _require_same_images(path, project.sr(run, degradation, dataset), images)


def require_all_recorded(project: Project) -> None:
    """Refuse a project one of whose tables isn't the recorded one, or is out of date.

    Raises:
        SrBenchError: as :func:`require_recorded` and :func:`require_unchanged`.
    """
    for run in project.params.runs:
        path = project.scores(run)
        if path.is_file():
            require_recorded(path, path.read_bytes())
            require_unchanged(project, run)


def _require_same_protocols(
    path: Path, protocols: Mapping[str, str], known: Mapping[str, Protocol]
) -> None:
    for name, digest in protocols.items():
        if name not in known or _definition(known[name]) != digest:
            what = "has another definition now" if name in known else "isn't known any more"
            raise SrBenchError(f"{path}: was scored under {name}, which {what}; {_again(path)}")


def _require_same_images(path: Path, folder: Path, images: Mapping[str, str]) -> None:
    there = [folder / name for name in images if (folder / name).is_file()]
    now = _hashes(there)
    changed = [sr for sr in there if now[sr.name] != images[sr.name]]
    if changed:
        raise SrBenchError(
            f"{changed[0]}: isn't the picture that was scored ({len(changed)} of {len(images)} in "
            f"{folder} differ from {record_of(path)}); make it again: sr-bench upscale "
            f"{path.stem}, and {_again(path)}"
        )


def _read(path: Path) -> dict[str, Any]:
    """The record, empty where there is none."""
    own = record_of(path)
    if not own.exists():
        return {}
    record = read_object(own, remedy=_again(path))
    right = set(record) == _KEYS and record["schema"] == SCHEMA and record["run"] == path.stem
    parts = [record[key] for key in ("protocols", "hr")] if right else []
    parts += list(record["sr"].values()) if right and isinstance(record["sr"], dict) else []
    if not right or not all(isinstance(part, dict) for part in [record["sr"], *parts]):
        raise SrBenchError(f"{own}: not the record of {path.name}; {_again(path)}")
    return record


def _again(path: Path) -> str:
    return f"score the run again: sr-bench score {path.stem}"


def _definition(protocol: Protocol) -> str:
    rule = protocol.model_dump(mode="json", exclude={"summary", "source", "tolerance"})
    return _digest([protocol.signature, rule, protocol.degradation.model_dump(mode="json")])


def _listing(entries: Iterable[Entry]) -> str:
    return _digest([[entry.name, entry.sha256] for entry in entries])


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _hashes(paths: Iterable[Path]) -> dict[str, str]:
    listed = list(paths)
    with ThreadPoolExecutor() as pool:
        return {path.name: made for path, made in zip(listed, pool.map(sha256, listed))}
