"""What may decide a pixel besides a run's own facts: code, libraries, the processor."""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from sr_bench.support.files import sha256
from sr_bench.support.parallel import cores
from sr_bench.support.version import PACKAGE

# The code between hr and sr; the catalogue's degradations count by their content.
CODE = ("support", "imaging", "data/datasets", "networks", "evaluation/upscaling")
_PACKAGES = ("numpy", "pillow", "scipy", "torch")


def circumstances(method: Path, folders: Iterable[Path]) -> dict[str, Any]:
    """What decides a run's SR images besides its entry, weights, degradation and hr.

    Args:
        method: the file of the run's method.
        folders: where method files lie.
    """
    files = method_code(method, folders)
    return {
        **code_and_machine(),
        "method": _digest(method.parent, files),
        "imported": dict(_imported(files)),
    }


def code_and_machine() -> dict[str, Any]:
    """The same without a method: the code between hr and sr, libraries, and the processor."""
    return {
        "sr_bench": [_digest(PACKAGE / part, (PACKAGE / part).rglob("*.py")) for part in CODE],
        "packages": {name: version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "processor": [platform.machine(), torch.backends.cpu.get_cpu_capability(), cores()],
    }


def fingerprint(facts: Any) -> str:
    """A short hash of facts."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def method_code(method: Path, folders: Iterable[Path]) -> list[Path]:
    """A method's file and those of the folders that it may import.

    That is everything in sub-folders, and each other method's file whose name occurs as a word in
    one of these: more than it imports perhaps, but nothing less.
    """
    places = dict.fromkeys([method.parent, *folders])
    others = {path for place in places for path in place.glob("*.py")} - {method}
    below = (path for place in places for path in place.rglob("*.py"))
    taken = [method, *sorted(set(below) - others - {method})]
    for path in taken:  # grows as names are found
        words = set(re.findall(r"\w+", path.read_text(encoding="utf-8", errors="replace")))
        named = {other for other in others if other.stem in words}
        others -= named
        taken += sorted(named)
    return taken


def _imported(files: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Modules that the files import from elsewhere: versions of installed ones, else their code."""
    names = {name for file in files for name in _top_level_imports(file)}
    installed = packages_distributions()
    for name in sorted(names - {"sr_bench"} - sys.stdlib_module_names):
        if code := _own_code(name):
            yield name, code
        for distribution in sorted(set(installed.get(name, ()))):
            yield distribution, version(distribution)


def _top_level_imports(file: Path) -> Iterator[str]:
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # no file that can be imported
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _own_code(name: str) -> str | None:
    """The hash of a module that is no installed package: in a clone, or on PYTHONPATH."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin).resolve()
    installed = (sysconfig.get_path(kind) for kind in ("purelib", "platlib", "stdlib"))
    if any(origin.is_relative_to(Path(place).resolve()) for place in installed):
        return None
    if spec.submodule_search_locations is None:
        return _digest(origin.parent, [origin])
    return _digest(origin.parent, origin.parent.rglob("*.py"))


def _digest(root: Path, paths: Iterable[Path]) -> str:
    return fingerprint(sorted((_name(path, root), sha256(path)) for path in paths))


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
