"""A file that nobody has pinned yet: fetched, and its size and sha256 told."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from sr_bench.data.catalogue.sources import SourceFile
from sr_bench.data.datasets.fetch import mirror_here, mirrored
from sr_bench.data.datasets.transfer import Progress, reason, transfer
from sr_bench.support.errors import SourceError, SrBenchError
from sr_bench.support.files import replacing, sha256


@dataclass(frozen=True)
class Got:
    """A file that came, and where it is to be had."""

    address: str
    size: int
    sha256: str


def fetch_unpinned(address: str, target: Path, *, progress: Progress) -> Got:
    """Bring a file to ``target`` and say what it is.

    Args:
        address: a URL, which the mirror is asked for first; or a file of this machine.
        target: where it goes.
        progress: called with the number of bytes that have newly come.

    Raises:
        SourceError: if it can't be had.
        SrBenchError: if another file is there already, or it is empty or a web page.
    """
    url = address if "://" in address else str(Path(address).expanduser().resolve())
    file = SourceFile(target.name, None, "*", (url,))
    with TemporaryDirectory(prefix="sr-bench-add-") as staging:
        fetched = _from_anywhere(file, Path(staging), progress)
        size, digest = fetched.stat().st_size, sha256(fetched)
        _require_weights(fetched, url)
        if target.exists() and sha256(target) != digest:
            raise SrBenchError(f"{target}: is another file than {url}; remove it, or use --name")
        with replacing(target) as beside:
            shutil.copyfile(fetched, beside)
    return Got(url, size, digest)


def _from_anywhere(file: SourceFile, staging: Path, progress: Progress) -> Path:
    failures = []
    for place in (*mirrored(file, mirror_here()), *file.urls):
        try:
            return transfer(file, place, staging, progress)
        except (OSError, requests.RequestException) as error:
            failures.append(f"{place}: {reason(error)}")
    raise SourceError(f"{file.urls[0]}: can't be fetched. Tried {'; '.join(failures)}")


def _require_weights(path: Path, url: str) -> None:
    """Refuse an empty file, and the page that some hosts send in the place of a file."""
    begin = path.read_bytes()[:512].lstrip().lower()
    if not begin:
        raise SrBenchError(f"{url}: is empty; give the address of the file itself")
    if begin.startswith((b"<!doctype html", b"<html")):
        raise SrBenchError(f"{url}: is a web page, no weights; give the address of the file itself")
