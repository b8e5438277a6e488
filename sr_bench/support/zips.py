"""Zip archives that may be damaged or made to do harm."""

from __future__ import annotations

import errno
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sr_bench.support.errors import SrBenchError

_ALWAYS = 1 << 30  # bytes that an archive may unpack to, however small it is
_TIMES = 100  # its own size that it may unpack to beyond that
# What zipfile and its decoders raise of damaged bytes, passwords and methods that they lack.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    IndexError,
    OverflowError,
)


def open_zip(
    path: Path,
    *,
    remedy: str,
    kind: type[SrBenchError] = SrBenchError,
    most: int | None = None,
) -> zipfile.ZipFile:
    """The archive, open.

    Args:
        path: the archive.
        remedy: what to do if it is damaged, for messages.
        kind: of the error.
        most: bytes that it may unpack to; ``None``: 1 GiB, and a hundred times its own size.

    Raises:
        SrBenchError: of that kind, for a damaged archive, and for one that unpacks to far more
            than its size (a bomb).
    """
    with zip_damage(path, remedy=remedy, kind=kind):
        bundle = zipfile.ZipFile(path)
    try:
        _refuse_bomb(path, bundle, _most(path) if most is None else most, kind)
    except SrBenchError:
        bundle.close()
        raise
    return bundle


@contextmanager
def zip_damage(
    path: Path, *, remedy: str, kind: type[SrBenchError] = SrBenchError
) -> Iterator[None]:
    """Whatever damage is met while an archive is read, or a password, is one error."""
    try:
        yield
    except SrBenchError:
        raise
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # of the disk; EINVAL: an offset in the file
            raise
        raise _damaged(path, error, remedy, kind) from error
    except _DAMAGE as error:
        raise _damaged(path, error, remedy, kind) from error


def _damaged(path: Path, error: Exception, remedy: str, kind: type[SrBenchError]) -> SrBenchError:
    return kind(f"{path}: a zip archive that is damaged or isn't read ({error}); {remedy}")


def _most(path: Path) -> int:
    return _ALWAYS + _TIMES * path.stat().st_size


def _refuse_bomb(path: Path, bundle: zipfile.ZipFile, most: int, kind: type[SrBenchError]) -> None:
    """No member unpacks to more than its header says, so the headers tell."""
    whole = sum(member.file_size for member in bundle.infolist())
    if whole > most:
        raise kind(
            f"{path}: has {path.stat().st_size:,} bytes and would unpack to {whole:,}, more than "
            f"the {most:,} that are unpacked of such a file; nothing was unpacked: fetch the file "
            "that was published"
        )
