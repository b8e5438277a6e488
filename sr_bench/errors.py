"""Errors that a person can act on; the command line prints them without a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_LISTED = 12  # names in an error


class SrBenchError(ValueError):
    """Input that can't be used: the message names the file, the facts that disagree, the remedy."""


class WrongUse(SrBenchError):
    """The command or its configuration asks for something that doesn't exist (exit status 2)."""


class SourceError(SrBenchError):
    """A source that can't be had: not reachable, or not what is pinned."""


def unknown(kind: str, name: str, known: Iterable[str], *, where: str) -> WrongUse:
    """The error for a name that isn't there, with the nearest names that are."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {_some(names)}"
    return WrongUse(f"unknown {kind} '{name}' in {where}; {hint}")


def _some(names: list[str]) -> str:
    """The first names and how many more there are: a line that can be read."""
    more = len(names) - _LISTED
    listed = ", ".join(names if more <= 0 else names[:_LISTED]) or "none"
    return f"{listed} and {more} more" if more > 0 else listed


@contextmanager
def about(what: object) -> Iterator[None]:
    """Turn a ``ValueError`` of the pure core into an error that names what it is about."""
    try:
        yield
    except SrBenchError:
        raise
    except ValueError as error:
        raise SrBenchError(f"{what}: {error}") from error
