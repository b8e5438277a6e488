"""Zip archives: every member checked before any is unpacked."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from pathlib import Path

from sr_bench.support.errors import SourceError
from sr_bench.support.files import replacing

_CHUNK = 1 << 18


def unpack(archive: Path, folder: Path) -> list[Path]:
    """Unpack the regular files of a zip below ``folder``, flat or nested, each atomically.

    Files that are there already, with the archive's size and CRC, stay; others are replaced.

    Returns:
        The members' paths, in the archive's order.

    Raises:
        SourceError: for a member that is a link or would land outside ``folder``; nothing is
            unpacked then.
    """
    with zipfile.ZipFile(archive) as bundle:
        members = [m for m in bundle.infolist() if not m.is_dir()]
        for member in members:
            _refuse_unsafe(archive, member, folder)
        for member in members:
            if not _is_there(member, folder / member.filename):
                _unpack_one(bundle, member, folder / member.filename)
    return [folder / m.filename for m in members]


def _unpack_one(bundle: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    with replacing(target) as partial, bundle.open(member) as packed, partial.open("wb") as out:
        shutil.copyfileobj(packed, out, _CHUNK)


def _is_there(member: zipfile.ZipInfo, target: Path) -> bool:
    if not target.is_file() or target.stat().st_size != member.file_size:
        return False
    crc = 0
    with target.open("rb") as handle:
        while piece := handle.read(_CHUNK):
            crc = zlib.crc32(piece, crc)
    return crc == member.CRC


def _refuse_unsafe(archive: Path, member: zipfile.ZipInfo, folder: Path) -> None:
    outside = not (folder / member.filename).resolve().is_relative_to(folder.resolve())
    if outside or stat.S_ISLNK(member.external_attr >> 16):
        raise SourceError(
            f"{archive}: member '{member.filename}' is a link or lies outside {folder}; "
            "nothing was unpacked: this is not the archive that was published"
        )
