"""What a run is made from, and what of it changed: code, data, weights and environment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sr_bench.analysis.drift.snapshot import Snapshot

CODE, DATA, WEIGHTS, PROTOCOLS, ENVIRONMENT = "code", "data", "weights", "protocols", "environment"
_STAGES = ("weights", "upscale", "score")
_DATASETS = "build/manifests/"
_BETWEEN = ("build/sr/", "build/work/", _DATASETS)  # results of stages, not causes
Inputs = dict[str, object]  # what a run was made from: path or parameter -> hash or value


@dataclass(frozen=True)
class ChangedInput:
    """One input that differs between baseline and now."""

    kind: str  # code, data, weights, protocols or environment
    what: str  # the file, the parameter, or the package with both versions
    # those that moved and read it; empty for the environment, which all share
    runs: tuple[str, ...] = ()


def changed_inputs(before: Snapshot, after: Snapshot, runs: Iterable[str]) -> list[ChangedInput]:
    """The inputs of these runs that differ between two states.

    Files by their hashes in ``dvc.lock``, or in ``provenance.json`` where a state has no lock;
    packages by ``provenance.json``. Where a state has neither, nothing is known or returned.
    """
    one, other = _reader(before, after)
    found: dict[str, list[str]] = {}
    for run in runs:
        for path in _differing(one(run), other(run)):
            found.setdefault(path, []).append(run)
    files = [ChangedInput(_kind(path), path, tuple(moved)) for path, moved in sorted(found.items())]
    return files + _packages(before.facts(), after.facts())


def inputs_known(before: Snapshot, after: Snapshot) -> bool:
    """Whether both states say what made them, in one and the same way."""
    return _both_locked(before, after) or None not in (before.provenance, after.provenance)


def _both_locked(before: Snapshot, after: Snapshot) -> bool:
    return before.lock is not None and after.lock is not None


def _reader(
    before: Snapshot, after: Snapshot
) -> tuple[Callable[[str], Inputs], Callable[[str], Inputs]]:
    if _both_locked(before, after):
        stages = before.stages(), after.stages()
        return lambda run: _locked(stages[0], run), lambda run: _locked(stages[1], run)
    records = [
        s.facts().get("records", {}) if inputs_known(before, after) else {} for s in (before, after)
    ]
    return lambda run: _recorded(records[0], run), lambda run: _recorded(records[1], run)


def _locked(stages: Mapping[str, Any], run: str) -> Inputs:
    """What the run's stages read, and its datasets. SR images are results, not causes."""
    found: Inputs = {}
    for name in _STAGES:
        stage = stages.get(f"{name}@{run}", {})
        found |= {d["path"]: d.get("md5") for d in stage.get("deps", [])}
        for file, table in stage.get("params", {}).items():
            found |= {f"{file}: {key}": value for key, value in table.items()}
    found = {path: value for path, value in found.items() if not path.startswith(_BETWEEN)}
    return found | _manifests(stages, run)


def _manifests(stages: Mapping[str, Any], run: str) -> Inputs:
    """The manifests of the datasets that the run is scored on."""
    wanted = {f"{_DATASETS}{dataset}.json" for dataset in _scored_on(stages, run)}
    made = (out for stage in stages.values() for out in stage.get("outs", []))
    return {out["path"]: out.get("md5") for out in made if out["path"] in wanted}


def _scored_on(stages: Mapping[str, Any], run: str) -> Iterator[str]:
    """The datasets of the run's protocols, as the lock has params.yaml."""
    read: dict[str, Any] = {}
    for name in (f"upscale@{run}", "work"):
        read |= stages.get(name, {}).get("params", {}).get("params.yaml", {})
    under = set(_table(read.get(f"runs.{run}")).get("protocols", ()))
    for protocol, datasets in _table(read.get("protocols")).items():
        yield from datasets if protocol in under else ()
    for dataset, entry in _table(read.get("datasets")).items():
        if under & set(_table(entry).get("protocols", ())):
            yield dataset


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _recorded(records: Mapping[str, Any], run: str) -> Inputs:
    """The same from the run's record in ``provenance.json``."""
    record = records.get(f"runs/{run}", {})
    data = {f"build/manifests/{k}.json": v for k, v in (record.get("data") or {}).items()}
    protocols = {
        f"protocols.yaml: {p}": records.get(f"protocols/{p}")
        for p in record.get("signatures") or {}
    }
    code = records.get(record.get("code"), {})
    weights = {f"build/weights/{run}.json": record.get("weights")}
    return {**(record.get("method") or {}), **code, **data, **protocols, **weights}


def _differing(one: Inputs, other: Inputs) -> list[str]:
    return [key for key in sorted(one.keys() | other.keys()) if one.get(key) != other.get(key)]


def _kind(path: str) -> str:
    if path.startswith(("build/weights/", "methods/weights/")):
        return WEIGHTS
    if path.startswith("build/manifests/") or "sources.yaml" in path:
        return DATA
    return PROTOCOLS if ".yaml" in path else CODE


def _packages(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[ChangedInput]:
    one, other = before.get("packages"), after.get("packages")
    if not one or not other:
        return []
    return [
        ChangedInput(ENVIRONMENT, f"{name}: {one.get(name)} -> {other.get(name)}")
        for name in _differing(one, other)
    ]
