"""``extends`` of ``params.yaml``: the runs, protocols and figures of another project."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sr_bench.support.errors import WrongUse
from sr_bench.support.strict_yaml import read_yaml


def extended(content: dict[str, Any], path: Path) -> dict[str, Any]:
    """The content of a ``params.yaml`` with what it takes over from the one that it extends.

    Runs and figures of both; each protocol with the datasets of both. An entry of its own comes in
    place of the other's. Trainings aren't taken over: weights that sr-bench trained come from the
    package (``sr_bench.methods``), so no run has an ``origin``.

    Raises:
        WrongUse: if the other file is missing, isn't YAML, holds no project, or extends a third.
    """
    named = content.get("extends")
    if named is None:
        return content
    base = _read(path.parent / str(named), path)
    runs = {name: _without_origin(run) for name, run in _table(base, "runs").items()}
    return {
        **content,
        "runs": runs | _table(content, "runs"),
        "figures": _table(base, "figures") | _table(content, "figures"),
        "protocols": _together(_table(base, "protocols"), _table(content, "protocols")),
    }


def _read(base: Path, path: Path) -> Mapping[str, Any]:
    where = f"{path}: extends: {base}"
    try:
        content = read_yaml(base.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WrongUse(f"{where}: no such file; name the params.yaml of a project") from error
    except OSError as error:
        raise WrongUse(f"{where}: can't be read ({error.strerror}); correct it") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: no UTF-8, or NUL in its name
        raise WrongUse(f"{where}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or "extends" in content:
        what = "extends another one itself" if isinstance(content, dict) else "holds no project"
        raise WrongUse(f"{where}: {what}; name the params.yaml of a project that extends none")
    return content


def _table(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = content.get(key)
    return dict(found) if isinstance(found, dict) else {}


def _without_origin(run: Any) -> Any:
    return {k: v for k, v in run.items() if k != "origin"} if isinstance(run, dict) else run


def _together(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    table = dict(base)
    for protocol, names in own.items():
        both = isinstance(names, list) and isinstance(base.get(protocol), list)
        table[protocol] = list(dict.fromkeys([*base[protocol], *names])) if both else names
    return table
