"""What comes around the numbers: starting, and fetching many small files."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from sr_bench.data.catalogue.sources import Source, SourceFile
from sr_bench.data.datasets.fetch import fetch

from .contest import Contender, contenders, contest
from .rivals import rival

FILES, BYTES = 1000, 5000
STARTS = {
    "python": ("-c", "pass"),
    "python with NumPy": ("-c", "import numpy"),
    "python with PyTorch": ("-c", "import torch"),
    "sr-bench --help": ("-m", "sr_bench", "--help"),
    "sr-bench score --help": ("-m", "sr_bench", "score", "--help"),
    "sr-bench upscale --help": ("-m", "sr_bench", "upscale", "--help"),
}
Files = dict[str, str]  # address to sha256


class _Quiet(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections stay open
    disable_nagle_algorithm = True  # else each answer waits 40 ms for an ACK

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    """A thousand small files on a server of this machine."""
    folder = tmp_path_factory.mktemp("served")
    digests = {}
    for i in range(FILES):
        content = hashlib.sha256(str(i).encode()).digest() * (BYTES // 32)
        (folder / f"{i:04}.bin").write_bytes(content)
        digests[f"{i:04}.bin"] = hashlib.sha256(content).hexdigest()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    host, port = server.server_address[:2]
    yield {f"http://{host!s}:{port}/{name}": digest for name, digest in digests.items()}
    server.shutdown()


def _ours(files: Files, folder: Path) -> Callable[[], None]:
    listed = tuple(
        SourceFile(url.rpartition("/")[2], BYTES // 32 * 32, digest, (url,))
        for url, digest in files.items()
    )
    source = Source("many", "images", "", "free", "many", listed)

    def work() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        assert len(fetch(source, folder, mirror=None, progress=lambda _: None)) == FILES

    return work


def _session(files: Files, folder: Path) -> Callable[[], None]:
    """One after the other on one connection, as a short script does; hashed too."""
    requests = rival("requests")

    def work() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        with requests.Session() as session:
            for url, digest in files.items():
                content = session.get(url, timeout=10).content
                assert hashlib.sha256(content).hexdigest() == digest
                (folder / url.rpartition("/")[2]).write_bytes(content)

    return work


def _pooch(files: Files, folder: Path) -> Callable[[], None]:
    """pooch, which sr-bench fetches with, one file after the other."""
    pooch = rival("pooch")

    def work() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        names = {url.rpartition("/")[2]: f"sha256:{digest}" for url, digest in files.items()}
        base = next(iter(files)).rpartition("/")[0]
        courier = pooch.create(path=folder, base_url=f"{base}/", registry=names)
        for name in names:
            courier.fetch(name)

    return work


FETCHERS = (
    Contender("sr_bench", _ours),
    Contender("requests, one session", _session),
    Contender("pooch", _pooch),
)


@contenders(*FETCHERS)
@pytest.mark.benchmark(group="fetch of 1,000 files of 5 KB from a server of this machine")
def test_fetch(
    benchmark: BenchmarkFixture, contender: Contender, served: Files, tmp_path: Path
) -> None:
    work = contender.make(served, tmp_path / "fetched")
    contest(benchmark, contender, work, {}, rounds=3)


def _started(name: str) -> Callable[[], None]:
    command = [sys.executable, *STARTS[name]]

    def work() -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    return work


@pytest.mark.parametrize("name", STARTS)
@pytest.mark.benchmark(group="start")
def test_start(benchmark: BenchmarkFixture, name: str) -> None:
    contest(benchmark, Contender(name, _started), _started(name), {}, rounds=5)
