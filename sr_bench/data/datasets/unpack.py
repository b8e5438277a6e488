"""Zip archives: every member checked before any is unpacked."""

from __future__ import annotations

import shutil
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from sr_bench.support.errors import SourceError
from sr_bench.support.files import replacing
from sr_bench.support.zips import open_zip, zip_damage

_CHUNK = 1 << 18
_REMEDY = "fetch it again"


def unpack(archive: Path, folder: Path) -> list[Path]:
    """Unpack the regular files of a zip below ``folder``, flat or nested, each atomically.

    Files that are there already, with the archive's size and CRC, stay; others are replaced.

    Returns:
        The members' paths, in the archive's order.

    Raises:
        SourceError: for a member that is a link, a device or a pipe or would land outside
            ``folder``, for two members of one place, and for an archive that is damaged or would
            unpack to far more than its size; nothing is unpacked then.
    """
    with open_zip(archive, remedy=_REMEDY, kind=SourceError) as bundle:
        members = [m for m in bundle.infolist() if not m.filename.endswith("/")]
        for member in members:
            _refuse_unsafe(archive, member, folder)
        _refuse_clashes(archive, members)
        for member in members:
            if not _is_there(member, folder / member.filename):
                with zip_damage(archive, remedy=_REMEDY, kind=SourceError):
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
    where, root = (folder / member.filename).resolve(), folder.resolve()
    outside = where == root or not where.is_relative_to(root) or ".." in Path(member.filename).parts
    if outside or stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        raise SourceError(
            f"{archive}: member '{member.filename}' is no file, or lies outside {folder}; "
            "nothing was unpacked: this is not the archive that was published"
        )


def _refuse_clashes(archive: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    """Two members of one place: programs differ in which of them they unpack."""
    seen: set[PurePosixPath] = set()
    for member in members:
        # On some systems one file: letters large and small, accents of one character or two.
        place = PurePosixPath(unicodedata.normalize("NFC", member.filename).casefold())
        if place in seen:
            raise SourceError(
                f"{archive}: two members are '{member.filename}'; nothing was unpacked: this is "
                "not the archive that was published"
            )
        seen.add(place)
    for place in seen:
        if not seen.isdisjoint(place.parents):
            raise SourceError(
                f"{archive}: member '{place}' lies in another member, which is a file; nothing "
                "was unpacked: this is not the archive that was published"
            )
