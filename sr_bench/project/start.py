"""``sr-bench init``: the files of a new project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from sr_bench.project.lock import LOCK, write_lock
from sr_bench.support.errors import WrongUse, unknown
from sr_bench.support.files import write_text
from sr_bench.support.version import __version__

TEMPLATES = ("model", "paper", "ci")
_EVERY = "every"  # the folder of what all templates have
_DOT = "dot_"  # begins a hidden file's name among the templates: package builders skip .names
_TEMPLATE = ".template"  # ends the name of a file that DVC would take for its own
_CHECK = """\
      - name: The scores are the committed ones
        if: github.event_name == 'pull_request'
        run: |
          git fetch --depth 1 origin ${{ github.base_ref }}
          sr-bench check --baseline FETCH_HEAD
"""
_NO_GIT = "    no_scm = true\n"


def start(folder: Path, template: str) -> list[Path]:
    """Write a project's files into ``folder``.

    Returns:
        The files, in the order of their names.

    Raises:
        WrongUse: for an unknown template, or if a file is there already; nothing is written then.
    """
    if template not in TEMPLATES:
        raise unknown("template", template, TEMPLATES, where="sr-bench init")
    made = {folder / name: text for name, text in _texts(folder, template)}
    there = sorted(str(path) for path in (*made, folder / LOCK) if path.exists())
    if there:
        raise WrongUse(
            f"{folder}: has {', '.join(there)} already, and init replaces nothing; name another "
            "folder, or move them away"
        )
    for path, text in made.items():
        write_text(path, text)
    return sorted([*made, write_lock(folder)])


def example_method(name: str) -> str:
    """A method file to start from.

    Raises:
        WrongUse: for a name that can't be a method's.
    """
    if not (re.fullmatch(r"[a-z][a-z0-9_]*", name)):
        raise WrongUse(f"'{name}' can't name a method: small letters, digits and _, as my_net")
    example = files("sr_bench.project").joinpath(f"templates/{_EVERY}/methods/mine.py")
    text = example.read_text(encoding="utf-8")
    return text.replace('name="mine", title="Mine"', f'name="{name}", title="{name}"')


def _texts(folder: Path, template: str) -> Iterator[tuple[str, str]]:
    """Each file's path below the folder, and its text."""
    root = files("sr_bench.project").joinpath("templates")
    words = {
        "@NAME@": folder.resolve().name,
        "@VERSION@": __version__,
        "@CI@": _CHECK if template == "ci" else "",
    }
    for part in (_EVERY, template):
        for name, file in _walk(root.joinpath(part)):
            text = file.read_text(encoding="utf-8")
            for word, value in words.items():
                text = text.replace(word, value)
            if name == ".dvc/config" and not _in_git(folder):
                text += _NO_GIT
            yield name, text


def _walk(folder: Traversable, above: str = "") -> Iterator[tuple[str, Traversable]]:
    for item in folder.iterdir():
        if item.name == "__pycache__":
            continue
        shown = item.name.removesuffix(_TEMPLATE)
        name = above + (f".{shown.removeprefix(_DOT)}" if shown.startswith(_DOT) else shown)
        if item.is_dir():
            yield from _walk(item, f"{name}/")
        else:
            yield name, item


def _in_git(folder: Path) -> bool:
    return any((parent / ".git").exists() for parent in (folder, *folder.resolve().parents))
