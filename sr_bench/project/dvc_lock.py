"""What ``dvc.lock`` says a run's scores were made from, and DVC's hashes of files and folders."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sr_bench.support.errors import SrBenchError
from sr_bench.support.strict_yaml import read_yaml
from sr_bench.support.text_files import read_text

LOCK = "dvc.lock"
_RESTORE = "restore it from git, or delete it and run: dvc repro"
_STAGES = ("upscale", "score")  # those before the report; its own would name itself


@dataclass(frozen=True)
class Locked:
    """The stages of a ``dvc.lock``; none where there is no such file."""

    stages: Mapping[str, Any]

    def inputs(self, run: str, scores: str | None) -> dict[str, str] | None:
        """Path to md5 of all that the run's scores were made from, as it was then.

        ``None`` if the lock has no such run, or its scores are not those with the md5 ``scores``.
        Paths of a parent folder (``../sr_bench``) are without the dots.
        """
        stages = [self.stages.get(f"{stage}@{run}", {}) for stage in _STAGES]
        if not all(stages) or scores not in _hashes(stages[-1], "outs").values():
            return None
        found: dict[str, str] = {}
        for stage in stages:
            found |= _hashes(stage, "deps")
        made_between = _hashes(stages[0], "outs")
        return {path: md5 for path, md5 in found.items() if path not in made_between}

    def output(self, path: str) -> str | None:
        """The md5 of an output; ``None`` if the lock has no stage that makes it."""
        made = (_hashes(stage, "outs") for stage in self.stages.values())
        return next((outs[path] for outs in made if path in outs), None)


def read_lock(root: Path) -> Locked:
    """The lock of a project folder.

    Raises:
        SrBenchError: if it isn't what DVC writes.
    """
    path = root / LOCK
    if not path.is_file():
        return Locked({})
    return Locked({name: stage for name, stage in read_stages(path).items() if "@" in name})


def read_stages(path: Path) -> dict[str, Any]:
    """Every stage of a lock, each with the ``deps`` and ``outs`` that DVC writes.

    Raises:
        SrBenchError: if it isn't what DVC writes.
    """
    text = read_text(path, remedy=_RESTORE)
    try:
        stages: dict[str, Any] = read_yaml(text)["stages"]
        for stage in stages.values():
            for entry in (*stage.get("deps", ()), *stage.get("outs", ())):
                entry["path"].removeprefix("../"), entry.get("md5")
            for table in stage.get("params", {}).values():
                table.items()
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as error:
        said = " ".join(str(error).split())
        raise SrBenchError(f"{path}: not a lock that DVC wrote ({said}); {_RESTORE}") from error
    except RecursionError as error:
        raise SrBenchError(f"{path}: is nested too deeply for a lock; {_RESTORE}") from error
    return stages


def dvc_md5(path: Path) -> str:
    """DVC's hash of a file, or of a folder: that of its files' listing, and ``.dir``."""
    if not path.is_dir():
        return _md5(path.read_bytes())
    listing = [
        {"md5": _md5(file.read_bytes()), "relpath": file.relative_to(path).as_posix()}
        for file in path.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    ]
    listing.sort(key=lambda entry: entry["relpath"])
    return _md5(json.dumps(listing, sort_keys=True).encode()) + ".dir"


def _hashes(stage: Mapping[str, Any], kind: str) -> dict[str, str]:
    return {
        entry["path"].removeprefix("../"): entry["md5"]
        for entry in stage.get(kind, ())
        if "md5" in entry
    }


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
