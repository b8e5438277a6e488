"""Files of a group: mirror first, each address in turn, verified, renamed into place when whole.

Nothing reaches its final name before its size and sha256 agree with the catalogue.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from threading import Event
from urllib.parse import unquote, urlsplit

import requests

from sr_bench.data.catalogue.entries import BY_HAND
from sr_bench.data.catalogue.sources import Source, SourceFile
from sr_bench.data.datasets.transfer import (
    PACKAGE,
    Progress,
    is_present,
    is_remote,
    reason,
    transfer,
)
from sr_bench.data.datasets.unpack import unpack
from sr_bench.imaging import images
from sr_bench.support.errors import SourceError
from sr_bench.support.files import sha256
from sr_bench.support.locks import writing
from sr_bench.support.notices import notice

MIRROR = "SR_BENCH_MIRROR"
_CONNECTIONS = 8


def fetch(source: Source, data: Path, *, mirror: str | None, progress: Progress) -> list[Path]:
    """Bring all files of ``source`` under ``data``, fetching those that aren't there already.

    Args:
        source: a group of ``sources.yaml``.
        data: the project's data folder; files go to ``data/<source.folder>``.
        mirror: a folder or URL asked first, at ``<mirror>/<host>/<path>``; see :data:`MIRROR`.
        progress: called with the number of bytes that have newly come, from several threads.

    Returns:
        The files' paths in the order of ``sources.yaml``; of an archive, which is unpacked beside
        itself, those of its members.

    Raises:
        SourceError: for the first file that no address gives, or that isn't what is pinned.

    Another process that fetches the same source is waited for.
    """
    _refuse_clashes(source)
    lock = data / ".locks" / f"{source.name}.lock"
    with writing(f"{source.name} to {data}", lock, wait=True):  # what comes is what the other has
        return _fetch_alone(source, data, mirror, progress)


def _fetch_alone(source: Source, data: Path, mirror: str | None, progress: Progress) -> list[Path]:
    folder = data / source.folder
    if source.kind == BY_HAND:
        return _put_by_hand(source, folder)
    staging = data / ".partial" / source.name
    try:
        _fetch_all(source, folder, staging, mirror, progress)
    finally:  # partial files stay, to be resumed; empty folders don't
        for empty in (staging, staging.parent):
            with suppress(OSError):
                empty.rmdir()
    paths = [folder / f.name for f in source.files]
    if source.kind == "archive":
        return [member for path in paths for member in unpack(path, folder)]
    return paths


def _put_by_hand(source: Source, folder: Path) -> list[Path]:
    """The images that the user put there, or the reason why they don't come by themselves."""
    for archive in sorted(folder.glob("*.zip")):
        unpack(archive, folder)
    there = folder.glob(source.hr or "**/*")
    found = sorted(p for p in there if p.is_file() and images.is_image(p))
    what = f"pairs of {source.hr} and {', '.join(source.lr.values())}" if source.lr else "images"
    if len(found) != source.images:
        raise SourceError(
            f"{source.name} isn't downloaded: it is to be had at {source.page}, on these terms: "
            f"{source.licence}. Put its {source.images} {what}, or a zip of them, into {folder} "
            f"(which has {len(found)} {what.split()[0]}), and run: sr-bench fetch {source.name}"
        )
    return found


def _fetch_all(
    source: Source, folder: Path, staging: Path, mirror: str | None, progress: Progress
) -> None:
    stop = Event()
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        jobs = [
            pool.submit(_fetch_one, f, folder / f.name, staging, mirror, progress, stop)
            for f in source.files
        ]
        try:
            done, _ = wait(jobs, return_when=FIRST_EXCEPTION)
        finally:
            stop.set()  # also when interrupted: what hasn't begun doesn't begin
        for job in jobs:
            job.cancel()
        for job in jobs:
            if job in done:
                job.result()
    shutil.rmtree(staging, ignore_errors=True)


def _fetch_one(
    file: SourceFile,
    target: Path,
    staging: Path,
    mirror: str | None,
    progress: Progress,
    stop: Event,
) -> None:
    if stop.is_set():
        return
    if is_present(file, target):
        progress(file.size or 0)
        return
    _require_mirror(mirror)
    fetched = _from_anywhere(file, target, staging, mirror, progress)
    target.parent.mkdir(parents=True, exist_ok=True)
    fetched.replace(target)


def _from_anywhere(
    file: SourceFile, target: Path, staging: Path, mirror: str | None, progress: Progress
) -> Path:
    """The file from the first address that has it, in the staging folder.

    A copy in the mirror that isn't the file is an error: the mirror is the user's own. Elsewhere
    the next address is asked; what failed there is told.
    """
    in_mirror = mirrored(file, mirror)
    failures = {}
    for address in (*in_mirror, *file.urls):
        try:
            fetched = transfer(file, address, staging, progress)
        except (OSError, requests.RequestException) as error:
            if _is_of_our_disk(error, staging):
                raise
            failures[address] = reason(error)
            continue
        if wrong := _wrong(file, fetched):
            if address in in_mirror:
                raise SourceError(
                    f"{address}: {wrong}; replace that copy by the original (nothing was kept of "
                    "it)"
                )
            failures[address] = wrong
            continue
        if before := {url: why for url, why in failures.items() if url in file.urls}:
            notice(target, f"came from {address}; before it, {_listed(before)}")
        return fetched
    raise SourceError(
        f"{target}: can't be fetched. Tried {_listed(failures)}. "
        f"Its URL is {' or '.join(file.urls)}; connect to the network, or set {MIRROR} to a folder "
        "or URL that holds it at <host>/<path> (docs/offline.md)"
    )


def _is_of_our_disk(error: OSError, staging: Path) -> bool:
    """Whether it couldn't be written here: no other address helps."""
    named = (error.filename, error.filename2)
    return any(isinstance(n, str) and Path(n).is_relative_to(staging) for n in named)


def _listed(failures: dict[str, str]) -> str:
    return "; ".join(f"{address}: {why}" for address, why in failures.items())


def mirror_here() -> str | None:
    """The mirror that the environment names."""
    return os.environ.get(MIRROR)


def mirrored(file: SourceFile, mirror: str | None) -> list[str]:
    """Where the mirror may have the file: a path of its folder or a URL, for each address."""
    if not mirror:
        return []
    found = []
    for url in file.urls:
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        if url.startswith(PACKAGE) or not parts.netloc:
            continue
        if is_remote(mirror):
            found.append(f"{mirror.rstrip('/')}/{parts.netloc}{path}")
        else:
            found.append(str(Path(mirror).expanduser() / parts.netloc / unquote(path).lstrip("/")))
    return found


def _wrong(file: SourceFile, fetched: Path) -> str | None:
    """What is wrong with a file that came; it is removed then."""
    size, digest = fetched.stat().st_size, sha256(fetched)
    if file.matches(size, digest):
        return None
    fetched.unlink()
    return f"has {size} bytes, sha256 {digest}, but sources.yaml pins {file.facts}"


def _require_mirror(mirror: str | None) -> None:
    if mirror and not is_remote(mirror) and not Path(mirror).expanduser().is_dir():
        raise SourceError(
            f"{MIRROR} is '{mirror}': no such folder, nor a URL with http:// or https://; "
            "correct it, or unset it to use the network"
        )


def _refuse_clashes(source: Source) -> None:
    names = [f.name for f in source.files]
    for name in names:
        if name.startswith("/") or ".." in Path(name).parts or names.count(name) > 1:
            raise SourceError(
                f"sources.yaml: {source.name}: file name '{name}' leaves the folder or occurs "
                f"{names.count(name)} times; correct it"
            )
