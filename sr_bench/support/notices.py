"""Notices on stderr: what was done with a file, where it isn't an error. Each is said once."""

from __future__ import annotations

import logging
from pathlib import Path

_LOG = logging.getLogger("sr_bench")  # without a handler of the program's own: to stderr
_said: set[str] = set()


def notice(path: Path, what: str) -> None:
    """Say what was done with a file; the same again is not said."""
    notice_about(str(path), what)


def notice_about(thing: str, what: str) -> None:
    """Say something of a thing that is no file; the same again is not said."""
    line = f"{thing}: {what}"
    if line not in _said:
        _said.add(line)
        _LOG.warning("%s", line)
