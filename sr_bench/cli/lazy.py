"""Commands that are imported when they are used: ``sr-bench --help`` imports none of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

# panel of the help -> command -> module of this package and name in it: a function, or a Typer
COMMANDS = {
    "Images": {
        "eval": "eval:evaluate",
        "challenge": "challenge:challenge",
        "score": "score:score",
        "reproduce": "reproduce:reproduce",
        "degrade": "degrade:degrade",
    },
    "A project": {"init": "starting:init", "lock": "starting:lock", "add": "adding:app"},
    "Pipeline": {
        "all": "everything:everything",
        "fetch": "pipeline:fetch",
        "train": "training:train",
        "work": "pipeline:work",
        "upscale": "upscale:upscale",
        "report": "report:report",
        "figure": "figure:figure",
    },
    "Analysis": {
        "explain": "explain:explain",
        "compare": "compare:compare",
        "rank": "rank:rank",
        "check": "check:check",
        "ledger": "ledger:ledger",
        "lineage": "lineage:lineage",
        "claims": "claims:claims",
        "submit": "submit:submit",
        "time": "timing:time",
    },
    "Methods and code": {
        "check-method": "weights:check_method",
        "keys": "weights:keys",
        "conformance": "conformance:conformance",
        "list": "listing:list_things",
    },
}
# The help of a function, and of a Typer, in the text of a file.
_HELPS = (r'^def {}\(.*?"""(.*?)"""', r'^{} = typer\.Typer\(.*?help="(.*?)"')
_PLACES = {name: place for commands in COMMANDS.values() for name, place in commands.items()}
_PANELS = {name: panel for panel, commands in COMMANDS.items() for name in commands}


class LazyGroup(TyperGroup):
    """The group of all commands; the list of them is printed from their docstrings alone."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: Any = _Commands()

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands, in the order of the help."""
        return list(self.commands)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help of the program; imports no command."""
        commands = self.commands
        self.commands = {name: _listed(name) for name in commands}
        try:
            super().format_help(ctx, formatter)
        finally:
            self.commands = commands


class _Commands(Mapping[str, Any]):
    """Name -> command, imported when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        return _imported(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)


@cache
def _imported(name: str) -> Any:
    module, _, attribute = _PLACES[name].partition(":")
    command = getattr(import_module(f"{__package__}.{module}"), attribute)
    if isinstance(command, typer.Typer):
        found: Any = get_group(command)
    else:
        alone = typer.Typer(add_completion=False)
        alone.command(name, context_settings={"help_option_names": ["-h", "--help"]})(command)
        found = get_command(alone)
    found.name = name
    return found


def _listed(name: str) -> TyperCommand:
    return TyperCommand(name, help=_help(_PLACES[name]), rich_help_panel=_PANELS[name])


def _help(place: str) -> str:
    """The help of a command, read from its file: a function's docstring, or a Typer's ``help``.

    Parsing all files would take a sixth of the time of ``sr-bench --help``.
    """
    module, _, attribute = place.partition(":")
    path = Path(__file__).with_name(f"{module}.py")
    text = path.read_text(encoding="utf-8")
    for pattern in _HELPS:
        if found := re.search(pattern.format(attribute), text, re.M | re.S):
            return cleandoc(found[1])
    raise LookupError(f"{path}: no {attribute}")
