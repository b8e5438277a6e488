"""Downloads: mirror first, resumed, retried, verified, and renamed into place when whole.

pooch drives each download; :class:`_Transfer` is its downloader, which adds the mirror folder and
the resuming. Nothing reaches its final name before its size and sha256 agree with ``sources.yaml``.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from urllib.parse import unquote, urlsplit

import pooch
import requests

from sr_bench.data.catalogue.sources import Source, SourceFile
from sr_bench.data.datasets.unpack import unpack
from sr_bench.support.errors import SourceError
from sr_bench.support.files import sha256
from sr_bench.support.locks import writing

MIRROR = "SR_BENCH_MIRROR"
_CONNECTIONS = 8
_ATTEMPTS = 3
_TIMEOUT = (10, 60)  # seconds to connect, and between two pieces
_CHUNK = 1 << 18
_FINAL = (400, 401, 403, 404, 405, 410, 451)  # the same answer would come again
_PACKAGE = "package://"
Progress = Callable[[int], None]
pooch.get_logger().setLevel(logging.ERROR)


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


def is_present(file: SourceFile, path: Path) -> bool:
    """Whether ``path`` holds exactly the pinned content."""
    if not path.is_file():
        return False
    size = path.stat().st_size
    if file.size not in (None, size):
        return False
    return file.matches(size, sha256(path))


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
    failures = []
    for address in _addresses(file, mirror):
        try:
            fetched = _transfer(file, address, staging, progress)
        except (OSError, requests.RequestException) as error:
            failures.append(f"{address}: {_reason(error)}")
            continue
        _verify(file, fetched, address)
        target.parent.mkdir(parents=True, exist_ok=True)
        fetched.replace(target)
        return
    raise SourceError(
        f"{target}: can't be fetched. Tried {'; '.join(failures)}. "
        f"Its URL is {file.url}; connect to the network, or set {MIRROR} to a folder or URL that "
        "holds it at <host>/<path> (docs/offline.md)"
    )


def _addresses(file: SourceFile, mirror: str | None) -> list[str]:
    """Where to look, in order: a path of the mirror folder, a mirror URL, the origin."""
    if file.url.startswith(_PACKAGE) or not mirror:
        return [file.url]
    parts = urlsplit(file.url)
    if _is_remote(mirror):
        return [f"{mirror.rstrip('/')}/{parts.netloc}{parts.path}", file.url]
    return [
        str(Path(mirror).expanduser() / parts.netloc / unquote(parts.path).lstrip("/")),
        file.url,
    ]


def _transfer(file: SourceFile, address: str, staging: Path, progress: Progress) -> Path:
    """Bring one file from one address into the staging folder, through pooch."""
    name = file.name.replace("/", "__")
    remote = _is_remote(address)
    courier = pooch.create(
        path=staging,
        base_url="",
        registry={name: None},
        urls={name: address},
        retry_if_failed=_ATTEMPTS - 1 if remote else 0,
    )
    transfer = _Transfer(staging / f"{name}.part", file, progress)
    (staging / name).unlink(missing_ok=True)  # left by a killed fetch: resume from .part instead
    return Path(courier.fetch(name, downloader=transfer))


@dataclass
class _Transfer:
    """A pooch downloader that resumes ``part`` and reads folders, packages and URLs alike."""

    part: Path
    file: SourceFile
    progress: Progress

    def __call__(self, url: str, output_file: str, _pooch: object) -> None:
        if _is_remote(url):
            resumed = self.part.exists()
            self._download(url)
            if resumed and not is_present(self.file, self.part):
                self.part.unlink()  # its first bytes came from elsewhere: take all from here
                self._download(url)
        else:
            shutil.copyfile(_local(url), self.part)
            self.progress(self.part.stat().st_size)
        self.part.replace(output_file)

    def _download(self, url: str) -> None:
        have, size = self._have(), self.file.size
        headers = {"Accept-Encoding": "identity"}  # a range counts bytes of the file as it is
        if have:
            headers["Range"] = f"bytes={have}-"
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
            self._refuse_errors(answer)
            resumed = answer.status_code == requests.codes.partial_content
            self.progress(have if resumed else 0)
            with self.part.open("ab" if resumed else "wb") as out:
                for piece in answer.iter_content(_CHUNK):
                    out.write(piece)
                    self.progress(len(piece))
        got = self.part.stat().st_size
        if size is not None and got < size and "Content-Length" not in answer.headers:
            raise requests.ConnectionError(f"connection closed after {got} of {size} bytes")

    def _have(self) -> int:
        """Bytes that an earlier try left; what can't be a beginning is dropped."""
        have = self.part.stat().st_size if self.part.exists() else 0
        if self.file.size is not None and have >= self.file.size:
            self.part.unlink()
            return 0
        return have

    def _refuse_errors(self, answer: requests.Response) -> None:
        """Raise ``OSError``; where another try can help, one that pooch retries."""
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            self.part.unlink(missing_ok=True)
            raise requests.ConnectionError("the server has no more than an earlier try left")
        if answer.status_code in _FINAL:
            raise OSError(f"HTTP status {answer.status_code}")
        answer.raise_for_status()


def _local(address: str) -> Path:
    """A path, or the file inside an installed package that ``package://name/path`` means."""
    if not address.startswith(_PACKAGE):
        return Path(address)
    package, _, inside = address.removeprefix(_PACKAGE).partition("/")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"package {package} is not installed: pip install {package}")
    return Path(spec.submodule_search_locations[0]) / inside


def _verify(file: SourceFile, fetched: Path, address: str) -> None:
    size, digest = fetched.stat().st_size, sha256(fetched)
    if not file.matches(size, digest):
        fetched.unlink()
        raise SourceError(
            f"{address}: has {size} bytes, sha256 {digest}, but sources.yaml pins {file.facts}; "
            "replace that copy by the original (nothing was kept of it)"
        )


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "not there" if error.filename else str(error)
    if isinstance(error, requests.HTTPError):
        return f"HTTP status {error.response.status_code}"
    if isinstance(error, requests.ConnectionError) and "Max retries" in str(error):
        return "no connection"
    return str(error)


def _require_mirror(mirror: str | None) -> None:
    if mirror and not _is_remote(mirror) and not Path(mirror).expanduser().is_dir():
        raise SourceError(
            f"{MIRROR} is '{mirror}': no such folder, nor a URL with http:// or https://; "
            "correct it, or unset it to use the network"
        )


def _is_remote(address: str) -> bool:
    return address.startswith(("http://", "https://"))


def _refuse_clashes(source: Source) -> None:
    names = [f.name for f in source.files]
    for name in names:
        if name.startswith("/") or ".." in Path(name).parts or names.count(name) > 1:
            raise SourceError(
                f"sources.yaml: {source.name}: file name '{name}' leaves the folder or occurs "
                f"{names.count(name)} times; correct it"
            )
