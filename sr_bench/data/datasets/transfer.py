"""One file from one address: a URL, a path, or a file inside an installed package.

pooch drives each download; :class:`_Transfer` is its downloader, which resumes what an earlier try
left.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from importlib.util import find_spec
from pathlib import Path

import pooch
import requests
import urllib3

from sr_bench.data.catalogue.sources import SourceFile
from sr_bench.support.files import naming, sha256

PACKAGE = "package://"
Progress = Callable[[int], None]
_ATTEMPTS = 3
_TIMEOUT = (10, 60)  # seconds to connect, and between two pieces
_WINDOW, _SLOWEST = 60, 1024  # seconds, and bytes a second: what comes slower never ends
_CHUNK = 1 << 18
_FINAL = (400, 401, 403, 404, 405, 410, 451)  # the same answer would come again
_THREAD = threading.local()
pooch.get_logger().setLevel(logging.ERROR)


def is_present(file: SourceFile, path: Path) -> bool:
    """Whether ``path`` holds exactly the pinned content."""
    if not path.is_file():
        return False
    size = path.stat().st_size
    if file.size not in (None, size):
        return False
    return file.matches(size, sha256(path))


def transfer(file: SourceFile, address: str, staging: Path, progress: Progress) -> Path:
    """Bring one file from one address into the staging folder, through pooch."""
    name = file.name.replace("/", "__")
    remote = is_remote(address)
    courier = pooch.create(
        path=staging,
        base_url="",
        registry={name: None},
        urls={name: address},
        retry_if_failed=_ATTEMPTS - 1 if remote else 0,
    )
    downloader = _Transfer(staging / f"{name}.part", file, progress)
    (staging / name).unlink(missing_ok=True)  # left by a killed fetch: resume from .part instead
    return Path(courier.fetch(name, downloader=downloader))


@dataclass
class _Transfer:
    """A pooch downloader that resumes ``part`` and reads folders, packages and URLs alike."""

    part: Path
    file: SourceFile
    progress: Progress

    def __call__(self, url: str, output_file: str, _pooch: object) -> None:
        if is_remote(url):
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
        with _session().get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
            self._refuse_errors(answer)
            resumed = answer.status_code == requests.codes.partial_content
            self.progress(have if resumed else 0)
            with naming(self.part), self.part.open("ab" if resumed else "wb") as out:
                for piece in _pieces(answer):
                    out.write(piece)
                    self.progress(len(piece))
                    self._refuse_excess(out.tell())
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

    def _refuse_excess(self, came: int) -> None:
        """Stop a server that doesn't stop; a file that is a little too long is told as a whole."""
        if self.file.size is not None and came > 2 * self.file.size + _CHUNK:
            self.part.unlink()
            raise OSError(f"sends more than twice the {self.file.size} bytes of the file")

    def _refuse_errors(self, answer: requests.Response) -> None:
        """Raise ``OSError``; where another try can help, one that pooch retries."""
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            self.part.unlink(missing_ok=True)
            raise requests.ConnectionError("the server has no more than an earlier try left")
        if answer.status_code in _FINAL:
            raise OSError(f"HTTP status {answer.status_code}")
        answer.raise_for_status()


def _session() -> requests.Session:
    """This thread's connections, which stay open from one file to the next."""
    if not hasattr(_THREAD, "session"):
        _THREAD.session = requests.Session()
        _THREAD.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # keep none
    session: requests.Session = _THREAD.session
    return session


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    """What comes, as soon as it comes: what a process that is killed has got is kept.

    Raises:
        requests.ConnectionError: where it breaks off, stalls, or is slower than :data:`_SLOWEST`.
    """
    since, came = time.monotonic(), 0
    try:
        while piece := answer.raw.read1(_CHUNK, decode_content=True):
            yield piece
            came += len(piece)
            if (seconds := time.monotonic() - since) > _WINDOW:
                if came < _SLOWEST * seconds:
                    raise requests.ConnectionError(f"only {came} bytes came in {seconds:.0f} s")
                since, came = time.monotonic(), 0
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(f"the connection broke off: {error}") from error


def _local(address: str) -> Path:
    """A path, or the file inside an installed package that ``package://name/path`` means."""
    if not address.startswith(PACKAGE):
        return Path(address)
    package, _, inside = address.removeprefix(PACKAGE).partition("/")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"package {package} is not installed: pip install {package}")
    return Path(spec.submodule_search_locations[0]) / inside


def reason(error: Exception) -> str:
    """Why a transfer failed, in a few words."""
    if isinstance(error, FileNotFoundError):
        return "not there" if error.filename else str(error)
    if isinstance(error, requests.HTTPError):
        return f"HTTP status {error.response.status_code}"
    if isinstance(error, requests.ConnectionError) and "Max retries" in str(error):
        return "no connection"
    return str(error)


def is_remote(address: str) -> bool:
    """Whether an address is a URL of another machine."""
    return address.startswith(("http://", "https://"))
