"""Datasets without a project: fetched once into the user's cache, and verified from then on."""

import shutil

import pytest

from sr_bench.data.catalogue import sources
from sr_bench.data.catalogue.sources import Source, SourceFile
from sr_bench.data.datasets import cache
from sr_bench.data.datasets.cache import cache_folder, open_anywhere
from sr_bench.imaging import images
from sr_bench.support.errors import SourceError, SrBenchError, WrongUse
from sr_bench.support.files import sha256

HOST = "127.0.0.1:9"  # nobody listens there


@pytest.fixture
def tiny(tmp_path, monkeypatch, picture):
    """``tiny(seed)``: makes a dataset Tiny of one image known, whose file lies in a mirror."""
    monkeypatch.setenv("SR_BENCH_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("SR_BENCH_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def make():
        path = tmp_path / "mirror" / HOST / "a.png"
        images.write(path, picture(8, 9, 3))
        file = SourceFile("a.png", path.stat().st_size, sha256(path), (f"http://{HOST}/a.png",))
        source = Source("Tiny", "images", "title", "licence", "Tiny", (file,))
        monkeypatch.setattr(cache, "find_source", lambda _: source)

    return make


def test_it_is_fetched_once(tmp_path, tiny):
    tiny()
    came = []
    first = open_anywhere("Tiny", progress=came.append)
    assert first.read(first.entries[0]).shape == (8, 9, 3)
    assert first.folder == tmp_path / "cache/Tiny" and sum(came) > 0
    shutil.rmtree(tmp_path / "mirror/127.0.0.1:9")
    came.clear()
    assert open_anywhere("Tiny", progress=came.append) == first and not came


def test_a_damaged_file_is_fetched_again_or_named(tmp_path, tiny):
    tiny()
    before = open_anywhere("Tiny")
    path = tmp_path / "cache/Tiny/a.png"
    whole = path.read_bytes()
    path.write_bytes(b"x")
    assert open_anywhere("Tiny") == before and path.read_bytes() == whole
    path.write_bytes(b"x")
    shutil.rmtree(tmp_path / "mirror/127.0.0.1:9")
    with pytest.raises(SourceError, match=r"cache/Tiny/a\.png: can't be fetched"):
        open_anywhere("Tiny")


def test_other_pins_are_another_manifest(tiny):
    tiny()
    first = open_anywhere("Tiny")
    tiny()  # the catalogue of a newer sr-bench names another file
    assert open_anywhere("Tiny").entries[0].sha256 != first.entries[0].sha256


def test_the_cache_is_the_users_unless_named(tmp_path, monkeypatch):
    monkeypatch.delenv("SR_BENCH_DATA", raising=False)
    assert cache_folder().name == "sr-bench"
    monkeypatch.setenv("SR_BENCH_DATA", "~/sets")
    assert cache_folder().name == "sets" and "~" not in str(cache_folder())
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SR_BENCH_DATA", str(tmp_path / "file"))
    with pytest.raises(SrBenchError, match=r"SR_BENCH_DATA is '.*file', a file; name a folder"):
        cache_folder()


def test_names_that_are_no_dataset(tmp_path, monkeypatch):
    monkeypatch.setenv("SR_BENCH_DATA", str(tmp_path))
    with pytest.raises(WrongUse, match="did you mean Set5"):
        open_anywhere("set5")
    weights = next(s.name for s in sources.load_sources().values() if s.kind == "weights")
    with pytest.raises(SrBenchError, match="holds weights, not images"):
        open_anywhere(weights)
