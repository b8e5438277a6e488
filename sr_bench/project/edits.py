"""Changes to a project's files by ``sr-bench add``: comments stay, and no wrong file is written."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from sr_bench.data.catalogue.catalogue import FOLDER, Catalogue
from sr_bench.data.catalogue.entries import read_entries
from sr_bench.data.catalogue.sources import read_source
from sr_bench.project.params import PARAMS, check_params
from sr_bench.support.errors import WrongUse
from sr_bench.support.files import write_text

SOURCES = f"{FOLDER}/sources.yaml"


def edit_params(root: Path, change: Callable[[Any], None]) -> None:
    """Change ``params.yaml`` and write it, if the result is right.

    Args:
        root: the project's folder.
        change: gets the content, with its comments, and changes it.

    Raises:
        WrongUse: if the changed file couldn't be used: it stays as it is.
    """
    path = root / PARAMS
    text = _changed(path, change)
    check_params(text, path, Catalogue.of_project(root))
    write_text(path, text)


def add_folder(content: Any, name: str, facts: dict[str, Any]) -> None:
    """Name a folder of the user's own in ``params.yaml``."""
    own = _map(content, "datasets")
    _require_new(name, own, "datasets")
    listed = facts.get("protocols") or list(content["protocols"])
    own[name] = _flow({**facts, "protocols": list(listed)})


def add_dataset(content: Any, name: str, protocols: Sequence[str]) -> None:
    """Name a dataset of the catalogue in ``params.yaml``: it is fetched and scored."""
    if name not in content["fetch"]:
        content["fetch"].append(name)
    for protocol in protocols or list(content["protocols"]):
        listed = content["protocols"].setdefault(protocol, _flow([]))
        if name not in listed:
            listed.append(name)


def add_runs(content: Any, method: str, scales: Sequence[int]) -> list[str]:
    """Runs of a method without weights, under all protocols; returns their names."""
    made = []
    for scale in scales:
        name = f"{method}-x{scale}"
        _require_new(name, content["runs"], "runs")
        entry = {"method": method, "scale": scale, "protocols": list(content["protocols"])}
        content["runs"][name] = _flow(entry)
        made.append(name)
    return made


def add_source(root: Path, name: str, entry: dict[str, Any]) -> Path:
    """Add a group to the project's ``catalogue/sources.yaml``, if it is right.

    Raises:
        WrongUse: if the name is taken.
        CatalogueError: if the entry couldn't be used.
    """
    if name in Catalogue.of_project(root).sources:
        raise WrongUse(f"'{name}' is known already (sr-bench list sources --origin); use --name")
    path = root / SOURCES

    def change(content: Any) -> None:
        content[name] = entry

    text = _changed(path, change)
    read_source(name, read_entries(text.encode(), str(path)))
    path.parent.mkdir(exist_ok=True)
    write_text(path, text)
    return path


def _changed(path: Path, change: Callable[[Any], None]) -> str:
    """The file's text after a change; comments, quotes and order stay."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # lines stay lines
    yaml.indent(mapping=2, sequence=4, offset=2)
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    content = yaml.load(before)
    comments = ""
    if content is None:  # comments alone, which ruamel has nothing to hold on to
        content, comments = {}, before and before.rstrip() + "\n\n"
    change(content)
    out = io.StringIO()
    yaml.dump(content, out)
    return comments + out.getvalue()


def _map(content: Any, key: str) -> Any:
    if content.get(key) is None:
        content[key] = {}
    return content[key]


def _flow(value: Any) -> Any:
    """The value as ``{a: 1}`` or ``[a]``, on one line."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    if isinstance(value, dict):
        made: Any = CommentedMap({k: _flow(v) for k, v in value.items()})
    elif isinstance(value, list):
        made = CommentedSeq(value)
    else:
        return value
    made.fa.set_flow_style()
    return made


def _require_new(name: str, there: Any, where: str) -> None:
    if name in there:
        raise WrongUse(f"{PARAMS}: {where}: '{name}' is there already; call it something else")
