"""Files written beside their target and renamed, and their hashes."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PARTIAL = re.compile(r"\..+\.[a-z0-9_]{8}\.partial")  # a temporary name, as made here


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``target``; rename it onto ``target`` if the block succeeds."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(".partial", f".{target.name}.", target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(target: Path) -> Iterator[Path]:
    """Yield a fresh folder beside ``target``; it takes target's place if the block succeeds."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(".partial", f".{target.name}.", target.parent))
    fresh.chmod(0o777 & ~_umask())
    try:
        yield fresh
        put(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def put(fresh: Path, target: Path) -> None:
    """Move a folder to where another may be, which goes when the new one is there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    old = Path(tempfile.mkdtemp(".partial", f".{target.name}.", target.parent))
    try:
        if target.is_dir():
            target.replace(old)
        fresh.replace(target)
    finally:
        shutil.rmtree(old, ignore_errors=True)


def sweep(target: Path) -> None:
    """Remove what killed processes left beside and below an output; for who holds its lock."""
    beside = re.compile(rf"\.{re.escape(target.name)}\.[a-z0-9_]{{8}}\.partial")
    left = [p for p in target.parent.glob(".*.partial") if beside.fullmatch(p.name)]
    left += [p for p in target.rglob(".*.partial") if _PARTIAL.fullmatch(p.name)]
    for path in left:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Write ``text`` as UTF-8 with Unix line ends, atomically; what isn't Unicode as escapes."""
    with replacing(target) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def sha256(path: Path) -> str:
    """The file's sha256 in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
