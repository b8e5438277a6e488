"""Errors that a person can act on; the command line prints them without a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


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
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names) or 'none'}"
    return WrongUse(f"unknown {kind} '{name}' in {where}; {hint}")


@contextmanager
def about(what: object) -> Iterator[None]:
    """Turn a ``ValueError`` of the pure core into an error that names what it is about."""
    try:
        yield
    except SrBenchError:
        raise
    except ValueError as error:
        raise SrBenchError(f"{what}: {error}") from error
