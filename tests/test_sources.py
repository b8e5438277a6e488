"""The packaged sources.yaml, and how a file is recognised."""

import re
from dataclasses import replace

import pytest

from sr_bench import sources
from sr_bench.errors import SrBenchError, WrongUse
from sr_bench.sources import SourceFile, find_source, load_sources

FILE = SourceFile("a.png", 10, "ab" * 32, "https://host/a.png")


def test_every_file_is_pinned():
    for source in load_sources().values():
        assert source.files, source.name
        assert source.title and source.licence, source.name
        for file in source.files:
            assert re.fullmatch(r"[0-9a-f]{64}|[0-9a-f]{8,63}\*", file.sha256), file
            assert file.size is None or file.size > 0, file
            assert re.match(r"(https|package)://[^/]+/", file.url), file
            assert " " not in file.url, file


def test_no_name_leaves_its_folder_or_occurs_twice():
    for source in load_sources().values():
        names = [f.name for f in source.files]
        assert len({n.casefold() for n in names}) == len(names), source.name
        assert not any(n.startswith("/") or ".." in n.split("/") for n in names), source.name


def test_the_stems_of_a_dataset_are_distinct():
    for source in load_sources().values():
        if source.kind == "images":
            stems = [f.name.rpartition("/")[2].rpartition(".")[0] for f in source.files]
            assert len(set(stems)) == len(stems), source.name


@pytest.mark.parametrize(
    ("name", "files"),
    [("T91", 91), ("Set5", 5), ("Set14", 14), ("BSD100", 100), ("BSD400", 400)],
)
def test_the_published_sets_are_whole(name, files):
    assert len(find_source(name).files) == files


def test_a_file_matches_by_size_and_whole_hash():
    assert FILE.matches(10, "ab" * 32)
    assert not FILE.matches(11, "ab" * 32)
    assert not FILE.matches(10, "ab" * 31 + "aa")
    assert not replace(FILE, sha256="abab").matches(10, "ab" * 32)


def test_a_prefix_and_an_unknown_size_match():
    loose = replace(FILE, size=None, sha256="abababab*")
    assert loose.matches(123, "ab" * 32)
    assert not loose.matches(123, "aa" * 32)
    assert loose.facts == "any bytes, sha256 abababab*"


def test_an_unknown_group_or_file_suggests_the_near_ones():
    with pytest.raises(WrongUse, match=r"unknown dataset or weights 'set5' .*Set5"):
        find_source("set5")
    with pytest.raises(WrongUse, match=r"unknown file 'babby_GT.bmp' .*baby_GT.bmp"):
        find_source("Set5").file("babby_GT.bmp")


def test_an_unknown_kind_is_refused():
    with pytest.raises(SrBenchError, match=r"new: kind is 'video', expected .*'images'"):
        sources._source("new", {"kind": "video"})


def test_a_union_has_the_files_of_its_members_where_theirs_lie():
    union = find_source("Open591")
    members = [find_source(name) for name in ("T91", "BSD400", "General100")]
    assert (len(union.files), union.kind, union.folder) == (591, "images", ".")
    assert union.bytes == sum(m.bytes for m in members)
    pinned = [(f"{m.folder}/{f.name}", f.size, f.sha256, f.url) for m in members for f in m.files]
    assert [(f.name, f.size, f.sha256, f.url) for f in union.files] == pinned
    for member in members:
        assert f"{member.name}: {member.licence}" in union.licence
