"""Errors that a person can act on; the command line prints them without a traceback."""

from __future__ import annotations

import difflib
import unicodedata
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
    """Turn a ``ValueError`` of the pure core, or too little memory, into an error that names it."""
    try:
        yield
    except SrBenchError:
        raise
    except ValueError as error:
        raise SrBenchError(f"{what}: {error}") from error
    except MemoryError as error:
        raise SrBenchError(
            f"{what}: not enough memory ({error}); run fewer things at once"
        ) from error


_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str, *, lines: bool = False) -> str:
    """The text with what a terminal or a reader would obey or choke on written as an escape.

    File names may hold control characters (ESC moves the cursor), marks that turn the direction of
    writing, and bytes that aren't UTF-8; they become ``\\x1b``, ``\\u202e``, ``\\xe9``.

    Args:
        lines: leave line ends as they are: for a message of several lines.
    """
    return "".join(c if _is_plain(c) or (lines and c == "\n") else _escape(c) for c in text)


def _is_plain(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind not in ("Cc", "Cs", "Zl", "Zp") and character not in _BIDI


def _escape(character: str) -> str:
    if character in _NAMED:
        return _NAMED[character]
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # Python's stand-in for a byte of a name that isn't UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
