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

from sr_bench.support.locks import take_file

_PARTIAL_END = ".partial"
_PARTIAL = re.compile(r"\..+\.[a-z0-9_]{8}\.partial")  # a temporary name, as made here
_LEFT = "_writing"  # in that of the first who writes a target


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``target``; rename it onto ``target`` if the block succeeds.

    A process that is killed leaves its temporary file; who writes the same target next takes it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with naming(target):
        temporary, handle = _beside(target)
        try:
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        finally:
            if handle is not None:
                os.close(handle)


@contextmanager
def replacing_from_folder(target: Path) -> Iterator[Path]:
    """As :func:`replacing`, for what is written by a library with temporary files of its own.

    A process that is killed leaves one folder, which :func:`sweep` removes.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with naming(target):
        folder = Path(tempfile.mkdtemp(_PARTIAL_END, f".{target.name}.", target.parent))
        try:
            yield folder / target.name
            (folder / target.name).chmod(0o666 & ~_umask())
            (folder / target.name).replace(target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def naming(target: Path) -> Iterator[None]:
    """Let an error of the disk name what is written: ``write`` names no file, others a partial."""
    try:
        yield
    except OSError as error:
        if error.errno and (error.filename is None or str(error.filename).endswith(_PARTIAL_END)):
            error.filename = str(target)
        raise


def _beside(target: Path) -> tuple[Path, int | None]:
    """An empty file beside ``target``, and the handle that holds its lock, if it has one."""
    left = target.with_name(f".{target.name}.{_LEFT}{_PARTIAL_END}")
    handle = take_file(left)
    if handle is not None:
        return left, handle
    handle, name = tempfile.mkstemp(_PARTIAL_END, f".{target.name}.", target.parent)
    os.close(handle)
    return Path(name), None


@contextmanager
def replacing_folder(target: Path) -> Iterator[Path]:
    """Yield a fresh folder beside ``target``; it takes target's place if the block succeeds."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with naming(target):
        fresh = Path(tempfile.mkdtemp(_PARTIAL_END, f".{target.name}.", target.parent))
        fresh.chmod(0o777 & ~_umask())
        try:
            yield fresh
            put(fresh, target)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def put(fresh: Path, target: Path) -> None:
    """Move a folder to where another may be, which goes when the new one is there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    old = Path(tempfile.mkdtemp(_PARTIAL_END, f".{target.name}.", target.parent))
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
