"""Downloads against servers on this machine: mirrors, resuming, damage, killed processes."""

import hashlib
import io
import resource
import signal
import socket
import stat
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from urllib.parse import quote, unquote

import numpy as np
import pytest

from sr_bench.data.catalogue.sources import Source, SourceFile
from sr_bench.data.datasets.fetch import fetch
from sr_bench.support import errors
from sr_bench.support.errors import SourceError

BIG = np.random.default_rng(0).bytes(1_200_000)  # a few of the pieces that fetch writes
SMALL = b"small content"


class Handler(BaseHTTPRequestHandler):
    """Serves ``server.content``; ``server.faults[path]`` is what goes wrong, first one first."""

    def do_GET(self):
        server, path = self.server, unquote(self.path)
        server.seen.append((path, self.headers["Range"]))
        server.encodings.add(self.headers["Accept-Encoding"])
        fault = server.faults.get(path, [None])
        fault = fault.pop(0) if fault else None
        if isinstance(fault, int):
            return self.send_error(fault)
        if path not in server.content:
            return self.send_error(404)
        return self.answer(server.content[path], fault)

    def answer(self, body, fault):
        wanted = self.headers["Range"] if self.server.ranges else None
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        if wanted and start >= len(body):
            return self.send_error(416)
        self.send_response(206 if wanted else 200)
        if fault not in ("cut unsaid", "endless"):
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        if fault is None:
            return self.wfile.write(body[start:])
        if fault == "endless":
            return self.repeat(body)
        self.wfile.write(body[start : len(body) // 2])
        if fault == "drip":
            return self.drip(body[len(body) // 2 :])
        if fault == "stall":
            self.server.released.wait(30)
        return self.wfile.flush()  # and the connection closes, half way

    def repeat(self, body):
        """More and more, until the other side has enough; what was sent is counted."""
        with suppress(OSError):
            while not self.server.released.is_set():
                self.wfile.write(body)
                self.server.sent += len(body)

    def drip(self, body):
        with suppress(OSError):
            for byte in body:
                self.wfile.write(bytes([byte]))
                if self.server.released.wait(0.02):
                    return

    def log_message(self, *args):
        pass


class Kept(Handler):
    """Keeps connections open, as servers do today, and sends a cookie with each file."""

    protocol_version = "HTTP/1.1"

    def send_response(self, *given):
        super().send_response(*given)
        self.server.peers.add(self.client_address)
        self.server.cookies.add(self.headers["Cookie"])
        self.send_header("Set-Cookie", "who=you; Path=/")


class Server(ThreadingHTTPServer):
    request_queue_size = 64


@pytest.fixture
def serve(monkeypatch):
    """``serve({path: bytes})``: a server with that content; all are closed at the end."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda _: None))
    started = []

    def start(content, handler=Handler):
        server = Server(("127.0.0.1", 0), handler)
        server.peers, server.cookies = set(), set()
        server.content = {f"/{k}": v for k, v in content.items()}
        server.seen, server.encodings, server.faults = [], set(), {}
        server.ranges, server.released, server.sent = True, Event(), 0
        server.host = f"127.0.0.1:{server.server_port}"
        server.url = f"http://{server.host}"
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.released.set()
        server.shutdown()
        server.server_close()


def pin(url, name, body, *, size=True):
    digest = hashlib.sha256(body).hexdigest()
    return SourceFile(name, len(body) if size else None, digest, (f"{url}/{quote(name)}",))


def group(*files, kind="images"):
    return Source("Some", kind, "title", "licence", "Some", tuple(files))


def get(source, data, mirror=None):
    return fetch(source, data, mirror=None if mirror is None else str(mirror), progress=lambda _: 0)


def nobody():
    """A URL at which no one listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def kept(data):
    """Every file below ``data``, by its path there."""
    return sorted(p.relative_to(data).as_posix() for p in data.rglob("*") if p.is_file())


def part_of(data, name, content):
    """What an earlier, interrupted fetch left of ``name``."""
    part = data / ".partial" / "Some" / f"{name}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(content)
    return part


# Where a file comes from


def test_origin_gives_files_in_nested_folders(tmp_path, serve):
    origin = serve({"x/a b.png": BIG, "c.png": SMALL})
    source = group(pin(origin.url, "x/a b.png", BIG), pin(origin.url, "c.png", SMALL))
    paths = get(source, tmp_path)
    assert paths == [tmp_path / "Some/x/a b.png", tmp_path / "Some/c.png"]
    assert [p.read_bytes() for p in paths] == [BIG, SMALL]
    assert kept(tmp_path) == ["Some/c.png", "Some/x/a b.png"]
    assert origin.encodings == {"identity"}


def test_many_files_come_by_few_connections_and_cookies_are_dropped(tmp_path, serve):
    names = [f"{i:03}.png" for i in range(100)]
    origin = serve(dict.fromkeys(names, SMALL), Kept)
    get(group(*(pin(origin.url, name, SMALL) for name in names)), tmp_path)
    assert len(origin.seen) == 100 and len(origin.peers) <= 8
    assert origin.cookies == {None}


def test_progress_adds_up_to_the_bytes_that_came(tmp_path, serve):
    origin, came = serve({"a.png": BIG}), []
    fetch(group(pin(origin.url, "a.png", BIG)), tmp_path, mirror=None, progress=came.append)
    assert sum(came) == len(BIG)


def test_a_mirror_folder_is_asked_first(tmp_path, serve):
    origin = serve({"a b.png": SMALL})
    copy = tmp_path / "mirror" / origin.host / "a b.png"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(SMALL)
    get(group(pin(origin.url, "a b.png", SMALL)), tmp_path / "data", tmp_path / "mirror")
    assert origin.seen == []
    assert copy.read_bytes() == SMALL
    assert kept(tmp_path / "data") == ["Some/a b.png"]


def test_a_mirror_url_is_asked_first(tmp_path, serve):
    origin = serve({"a.png": SMALL})
    mirror = serve({f"tree/{origin.host}/a.png": SMALL})
    get(group(pin(origin.url, "a.png", SMALL)), tmp_path, f"{mirror.url}/tree/")
    assert origin.seen == []
    assert mirror.seen == [(f"/tree/{origin.host}/a.png", None)]
    assert kept(tmp_path) == ["Some/a.png"]


@pytest.mark.parametrize("kind", ["folder", "url"])
def test_what_a_mirror_lacks_comes_from_the_origin(tmp_path, serve, kind):
    (tmp_path / "mirror").mkdir()
    origin, mirror = serve({"a.png": SMALL}), serve({})
    place = mirror.url if kind == "url" else tmp_path / "mirror"
    get(group(pin(origin.url, "a.png", SMALL)), tmp_path / "data", place)
    assert kept(tmp_path / "data") == ["Some/a.png"]
    assert len(mirror.seen) == (kind == "url"), "a file that isn't there isn't asked for again"


def test_a_mirror_that_is_down_leaves_it_to_the_origin(tmp_path, serve):
    origin = serve({"a.png": SMALL})
    get(group(pin(origin.url, "a.png", SMALL)), tmp_path, nobody())
    assert kept(tmp_path) == ["Some/a.png"]


def test_files_of_an_installed_package(tmp_path):
    (tmp_path / "mirror").mkdir()
    body = Path(errors.__file__).read_bytes()
    get(group(pin("package://sr_bench", "support/errors.py", body)), tmp_path, tmp_path / "mirror")
    assert kept(tmp_path) == ["Some/support/errors.py"]


def test_a_package_that_is_not_installed_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"a\.png: .*pip install no_such_package"):
        get(group(pin("package://no_such_package", "a.png", SMALL)), tmp_path)


# What can't be had


def test_no_network_and_no_mirror_is_one_error(tmp_path, serve):
    url = nobody()
    with pytest.raises(SourceError) as caught:
        get(group(pin(url, "a.png", SMALL)), tmp_path)
    message = str(caught.value)
    for fact in (
        "Some/a.png: can't be fetched",
        f"{url}/a.png",
        "no connection",
        "SR_BENCH_MIRROR",
    ):
        assert fact in message
    assert kept(tmp_path) == []


def test_every_place_that_was_tried_is_named(tmp_path, serve):
    (tmp_path / "mirror").mkdir()
    origin = serve({})
    with pytest.raises(SourceError) as caught:
        get(group(pin(origin.url, "a.png", SMALL)), tmp_path / "data", tmp_path / "mirror")
    message = str(caught.value)
    assert f"{tmp_path}/mirror/{origin.host}/a.png: not there" in message
    assert f"{origin.url}/a.png: HTTP status 404" in message


@pytest.mark.parametrize("kind", ["folder", "url"])
@pytest.mark.parametrize("wrong", [SMALL[::-1], SMALL + b"!", SMALL[:5], b""])
def test_a_wrong_file_in_the_mirror_is_refused(tmp_path, serve, kind, wrong):
    origin = serve({"a.png": SMALL})
    mirror = serve({f"{origin.host}/a.png": wrong})
    copy = tmp_path / "mirror" / origin.host / "a.png"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(wrong)
    place = mirror.url if kind == "url" else tmp_path / "mirror"
    with pytest.raises(SourceError) as caught:
        get(group(pin(origin.url, "a.png", SMALL)), tmp_path / "data", place)
    message = str(caught.value)
    assert message.startswith(f"{place}/{origin.host}/a.png: has {len(wrong)} bytes")
    for digest in (hashlib.sha256(body).hexdigest() for body in (SMALL, wrong)):
        assert digest in message
    assert kept(tmp_path / "data") == []
    assert origin.seen == []


# Several addresses


def several(*urls, body=SMALL):
    return replace(pin("http://host", "a.png", body), urls=urls)


def test_the_next_address_is_asked_and_what_failed_is_told(tmp_path, serve, caplog):
    lacks, wrong, right = serve({}), serve({"a.png": b"moved"}), serve({"b.png": SMALL})
    down = f"{nobody()}/a.png"
    file = several(f"{lacks.url}/a.png", down, f"{wrong.url}/a.png", f"{right.url}/b.png")
    (path,) = get(group(file), tmp_path)
    assert path.read_bytes() == SMALL and path.name == "a.png"
    told = caplog.text
    assert f"came from {right.url}/b.png; before it, {lacks.url}/a.png: HTTP status 404" in told
    assert f"{down}: no connection" in told
    assert f"{wrong.url}/a.png: has 5 bytes, sha256 " in told
    assert kept(tmp_path) == ["Some/a.png"]


def test_the_first_address_that_has_it_is_the_only_one_asked(tmp_path, serve, caplog):
    first, second = serve({"a.png": SMALL}), serve({"a.png": SMALL})
    get(group(several(f"{first.url}/a.png", f"{second.url}/a.png")), tmp_path)
    assert second.seen == [] and not caplog.text


def test_the_mirror_is_asked_for_every_address_first(tmp_path, serve):
    first, second = serve({"a.png": SMALL}), serve({})
    copy = tmp_path / "mirror" / second.host / "get?id=7"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(SMALL)
    file = several(f"{first.url}/a.png", f"{second.url}/get?id=7")
    get(group(file), tmp_path / "data", tmp_path / "mirror")
    assert first.seen == second.seen == []


def test_no_address_has_it(tmp_path, serve):
    one, other = serve({}), serve({"a.png": b"moved"})
    with pytest.raises(SourceError) as caught:
        get(group(several(f"{one.url}/a.png", f"{other.url}/a.png")), tmp_path)
    for fact in ("404", "has 5 bytes", f"Its URL is {one.url}/a.png or {other.url}/a.png"):
        assert fact in str(caught.value)
    assert kept(tmp_path) == []


def test_a_name_that_leaves_the_folder_is_refused(tmp_path):
    for name in ("../a.png", "/a.png", "x/../../a.png"):
        with pytest.raises(SourceError, match="leaves the folder"):
            get(group(SourceFile(name, 1, "00", ("http://host/a.png",))), tmp_path)
    with pytest.raises(SourceError, match="occurs 2 times"):
        get(group(*[SourceFile("a.png", 1, "00", ("http://host/a.png",))] * 2), tmp_path)


# Resuming


def test_only_the_rest_of_a_part_is_fetched(tmp_path, serve):
    origin = serve({"a.png": BIG})
    part_of(tmp_path, "a.png", BIG[:700_000])
    (path,) = get(group(pin(origin.url, "a.png", BIG)), tmp_path)
    assert origin.seen == [("/a.png", "bytes=700000-")]
    assert path.read_bytes() == BIG
    assert kept(tmp_path) == ["Some/a.png"]


def test_a_server_without_ranges_sends_all(tmp_path, serve):
    origin = serve({"a.png": BIG})
    origin.ranges = False
    part_of(tmp_path, "a.png", BIG[:700_000])
    (path,) = get(group(pin(origin.url, "a.png", BIG)), tmp_path)
    assert path.read_bytes() == BIG
    assert len(origin.seen) == 1


@pytest.mark.parametrize("left", [b"?" * 700_000, BIG + b"?", b"?" * len(BIG)])
def test_a_part_of_something_else_is_started_again(tmp_path, serve, left):
    origin = serve({"a.png": BIG})
    part_of(tmp_path, "a.png", left)
    (path,) = get(group(pin(origin.url, "a.png", BIG)), tmp_path)
    assert path.read_bytes() == BIG
    assert origin.seen[-1] == ("/a.png", None)


def test_a_whole_part_of_unknown_size_is_started_again(tmp_path, serve):
    origin = serve({"a.png": BIG})
    part_of(tmp_path, "a.png", BIG)
    (path,) = get(group(pin(origin.url, "a.png", BIG, size=False)), tmp_path)
    assert path.read_bytes() == BIG


@pytest.mark.parametrize("fault", ["cut", "cut unsaid"])
def test_a_closed_connection_is_retried_and_resumed(tmp_path, serve, fault):
    origin = serve({"a.png": BIG})
    origin.faults["/a.png"] = [fault]
    (path,) = get(group(pin(origin.url, "a.png", BIG)), tmp_path)
    assert path.read_bytes() == BIG
    (_, first), (_, second) = origin.seen
    assert first is None
    assert 0 < int(second.removeprefix("bytes=").removesuffix("-")) <= len(BIG) // 2


def test_what_drips_counts_as_a_stall_and_is_resumed(tmp_path, serve, monkeypatch):
    """A byte now and then never runs into the limit between two pieces."""
    monkeypatch.setattr("sr_bench.data.datasets.transfer._WINDOW", 0.1)
    origin = serve({"a.png": BIG})
    origin.faults["/a.png"] = ["drip"]
    (path,) = get(group(pin(origin.url, "a.png", BIG)), tmp_path)
    assert path.read_bytes() == BIG
    assert int(origin.seen[1][1].removeprefix("bytes=").removesuffix("-")) >= len(BIG) // 2


def test_a_server_that_never_ends_is_stopped(tmp_path, serve):
    origin = serve({"a.png": BIG})
    origin.faults["/a.png"] = ["endless"] * 3
    with pytest.raises(SourceError, match=f"sends more than twice the {len(BIG)} bytes"):
        get(group(pin(origin.url, "a.png", BIG)), tmp_path)
    assert kept(tmp_path) == []
    assert len(origin.seen) == 1, "the same answer would come again"


@pytest.mark.parametrize("place", ["url", "folder"])
def test_a_full_disk_is_no_fault_of_the_network(tmp_path, serve, monkeypatch, place):
    """The file here is named, and nobody is told to connect to the network."""
    origin = serve({"a.png": BIG})
    copy = tmp_path / "mirror" / origin.host / "a.png"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(BIG)
    mirror = None if place == "url" else tmp_path / "mirror"
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(BIG) // 2, limit[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            get(group(pin(origin.url, "a.png", BIG)), tmp_path / "data", mirror)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    named = (caught.value.filename, caught.value.filename2)
    assert str(tmp_path / "data/.partial/Some/a.png.part") in named
    assert not isinstance(caught.value, SourceError)


def test_the_origin_resumes_what_a_broken_mirror_began(tmp_path, serve):
    origin = serve({"a.png": BIG})
    mirror = serve({f"{origin.host}/a.png": BIG})
    mirror.faults[f"/{origin.host}/a.png"] = ["cut"] * 3
    (path,) = get(group(pin(origin.url, "a.png", BIG)), tmp_path, mirror.url)
    assert path.read_bytes() == BIG
    assert origin.seen[0][1] is not None


def test_a_busy_server_is_asked_again(tmp_path, serve):
    origin = serve({"a.png": SMALL})
    origin.faults["/a.png"] = [503, 429]
    get(group(pin(origin.url, "a.png", SMALL)), tmp_path)
    assert len(origin.seen) == 3
    assert kept(tmp_path) == ["Some/a.png"]


KILLED = """
import sys
from pathlib import Path
from sr_bench.data.datasets.fetch import fetch
from sr_bench.data.catalogue.sources import Source, SourceFile
url, size, digest, data = sys.argv[1:]
file = SourceFile("a.png", int(size), digest, (url,))
source = Source("Some", "images", "title", "licence", "Some", (file,))
fetch(source, Path(data), mirror=None, progress=lambda _: None)
"""


def test_a_killed_fetch_leaves_no_file_and_is_resumed(tmp_path, serve):
    origin = serve({"a.png": BIG})
    origin.faults["/a.png"] = ["stall"]
    file = pin(origin.url, "a.png", BIG)
    command = [
        sys.executable,
        "-c",
        KILLED,
        file.urls[0],
        str(file.size),
        file.sha256,
        str(tmp_path),
    ]
    part = tmp_path / ".partial" / "Some" / "a.png.part"
    with subprocess.Popen(command) as child:
        deadline = time.monotonic() + 30
        while not part.is_file() or part.stat().st_size < 500_000:
            assert time.monotonic() < deadline and child.poll() is None
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    assert not (tmp_path / "Some").exists()
    have = part.stat().st_size
    (path,) = get(group(file), tmp_path)
    assert path.read_bytes() == BIG
    assert origin.seen[1:] == [("/a.png", f"bytes={have}-")]
    assert kept(tmp_path) == ["Some/a.png"]


# What is there already


def test_a_right_file_is_not_fetched_again(tmp_path, serve):
    origin = serve({"a.png": SMALL})
    source = group(pin(origin.url, "a.png", SMALL))
    (path,) = get(source, tmp_path)
    before = path.stat()
    assert get(source, tmp_path) == [path]
    assert len(origin.seen) == 1
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_a_damaged_file_is_replaced_only_by_a_verified_one(tmp_path, serve):
    origin = serve({"a.png": b"wrong too"})
    source = group(pin(origin.url, "a.png", SMALL))
    path = tmp_path / "Some" / "a.png"
    path.parent.mkdir()
    path.write_bytes(b"damaged")
    with pytest.raises(SourceError, match="sha256"):
        get(source, tmp_path)
    assert path.read_bytes() == b"damaged"
    origin.content["/a.png"] = SMALL
    get(source, tmp_path)
    assert path.read_bytes() == SMALL


def test_one_failing_file_among_many(tmp_path, serve):
    names = [f"{i:02}.png" for i in range(40)]
    origin = serve({n: n.encode() for n in names})
    del origin.content["/17.png"]
    source = group(*(pin(origin.url, n, n.encode()) for n in names))
    with pytest.raises(SourceError, match=r"17\.png: can't be fetched"):
        get(source, tmp_path)
    here = [p for p in kept(tmp_path) if p.startswith("Some/")]
    assert "Some/17.png" not in here
    assert all((tmp_path / p).read_bytes() == p.removeprefix("Some/").encode() for p in here)

    origin.content["/17.png"] = b"17.png"
    origin.seen.clear()
    get(source, tmp_path)
    assert kept(tmp_path) == [f"Some/{n}" for n in names]
    assert len(origin.seen) == len(names) - len(here), "what had come isn't fetched again"


# Archives


def zipped(*members):
    """A zip of (name or ZipInfo, content)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as bundle:
        for name, content in members:
            bundle.writestr(name, content)
    return out.getvalue()


def archive(serve, body):
    return group(pin(serve({"all.zip": body}).url, "all.zip", body), kind="archive")


def test_an_archive_is_unpacked_beside_itself(tmp_path, serve):
    source = archive(serve, zipped(("x/", b""), ("x/a.png", SMALL), ("b.png", BIG)))
    paths = get(source, tmp_path)
    assert paths == [tmp_path / "Some/x/a.png", tmp_path / "Some/b.png"]
    assert [p.read_bytes() for p in paths] == [SMALL, BIG]
    assert kept(tmp_path) == ["Some/all.zip", "Some/b.png", "Some/x/a.png"]


def test_a_damaged_member_is_unpacked_again_and_a_right_one_stays(tmp_path, serve):
    source = archive(serve, zipped(("a.png", SMALL), ("b.png", BIG)))
    a, b = get(source, tmp_path)
    before = b.stat().st_mtime_ns
    a.write_bytes(SMALL[::-1])  # the same size
    get(source, tmp_path)
    assert a.read_bytes() == SMALL
    assert b.stat().st_mtime_ns == before


def link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    "evil", ["../evil.txt", "x/../../evil.txt", "ABSOLUTE", link("evil.txt")], ids=str
)
def test_an_unsafe_archive_is_refused_whole(tmp_path, serve, evil):
    if evil == "ABSOLUTE":
        evil = f"{tmp_path}/evil.txt"
    source = archive(serve, zipped(("good.png", SMALL), (evil, b"/etc/passwd")))
    with pytest.raises(SourceError, match=r"all\.zip: member .*evil\.txt.*nothing was unpacked"):
        get(source, tmp_path / "data")
    assert kept(tmp_path) == ["data/Some/all.zip"]
    assert not any(p.is_symlink() for p in tmp_path.rglob("*"))


def test_a_mirror_folder_that_is_not_there_is_an_error(tmp_path, serve):
    origin = serve({"a.png": SMALL})
    missing = tmp_path / "mirrror"
    with pytest.raises(SourceError, match=r"SR_BENCH_MIRROR is '.*mirrror': no such folder"):
        get(group(pin(origin.url, "a.png", SMALL)), tmp_path / "data", mirror=missing)
    assert not origin.seen
    assert kept(tmp_path) == []
