"""``sr-bench.lock``: which sr-bench the results of a project are made with.

A project's ``dvc.yaml`` can't name files of the installed package. It names the hashes in this
file instead, one for each stage, so that an upgrade repeats what it affects and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import yaml

from sr_bench.project.dvc_lock import dvc_md5
from sr_bench.project.project import Project
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import write_text
from sr_bench.support.strict_yaml import read_yaml
from sr_bench.support.text_files import read_text
from sr_bench.support.version import PACKAGE, __version__

LOCK = "sr-bench.lock"
_PARTS = {  # of each stage: what of the package decides its result
    "fetch": ("data/catalogue/sources.yaml", "data/datasets"),
    "upscale": ("evaluation/upscaling", "imaging", "networks"),
    "score": (
        *("data/catalogue/protocols.py", "data/catalogue/protocols.yaml", "evaluation/metrics"),
        *("evaluation/scoring", "imaging", "support/version.py"),
    ),
}
_HEAD = """\
# Which sr-bench the results of this project are made with. `sr-bench lock` writes it anew after an
# upgrade; `dvc repro` then repeats the stages whose hash changed. Commit it.
"""


def fingerprint() -> dict[str, str]:
    """The version of the installed package, and a hash of what decides each stage's result."""
    from sr_bench.networks.installed import installed_folders  # torch

    made = {"version": __version__}
    made |= {stage: _hash(PACKAGE / part for part in parts) for stage, parts in _PARTS.items()}
    code = [PACKAGE / path.name for path in sorted(PACKAGE.iterdir()) if path.name[0] not in "_."]
    made["report"] = _hash(code)
    made["methods"] = _hash(
        path for folder in installed_folders() for path in sorted(folder.glob("*.py"))
    )
    return made


def write_lock(root: Path) -> Path:
    """Write the lock of a project folder."""
    text = _HEAD + yaml.safe_dump(fingerprint(), sort_keys=False)
    write_text(root / LOCK, text)
    return root / LOCK


def require_locked(project: Project) -> Project:
    """Refuse to work with another sr-bench than the project's lock names; one without is fine.

    Raises:
        SrBenchError: naming what differs and the remedy.
    """
    path = project.root / LOCK
    if not path.is_file():
        return project
    try:
        locked = read_yaml(read_text(path, remedy="write it anew: sr-bench lock"))
    except yaml.YAMLError as error:
        said = " ".join(str(error).split())
        raise SrBenchError(f"{path}: not YAML ({said}); write it anew: sr-bench lock") from error
    now = fingerprint()
    if locked != now:
        there = locked if isinstance(locked, dict) else {}
        changed = [name for name in now if there.get(name) != now[name]]
        raise SrBenchError(
            f"{path}: is of sr-bench {there.get('version')}, {now['version']} is installed, and "
            f"{', '.join(changed)} differ; run: sr-bench lock, then dvc repro; or install the "
            "version that it names"
        )
    return project


def _hash(paths: Iterable[Path]) -> str:
    listed = [f"{path.name} {dvc_md5(path)}" for path in paths]
    return hashlib.sha256("\n".join(listed).encode()).hexdigest()[:16]
