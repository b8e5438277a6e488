"""Notices on stderr: what was done with a file, where it isn't an error. Each is said once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from sr_bench.support.errors import printable

_LOG = logging.getLogger("sr_bench")  # without a handler of the program's own: to stderr
_said: set[str] = set()
_collected: ContextVar[list[str] | None] = ContextVar("collected", default=None)


def notice(path: Path, what: str) -> None:
    """Say what was done with a file; the same again is not said."""
    notice_about(str(path), what)


def notice_about(thing: str, what: str) -> None:
    """Say something of a thing that is no file; the same again is not said."""
    collected = _collected.get()
    if collected is not None:
        collected.extend([what] if what not in collected else [])
        return
    line = f"{thing}: {what}"
    if line not in _said:
        _said.add(line)
        _LOG.warning("%s", printable(line, lines=True))


@contextmanager
def collected_notices() -> Iterator[list[str]]:
    """Notices as a list, without the file's name, for who tells them in its own way."""
    found: list[str] = []
    token = _collected.set(found)
    try:
        yield found
    finally:
        _collected.reset(token)
