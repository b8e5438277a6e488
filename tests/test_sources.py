"""The packaged sources.yaml, and how a file is recognised."""

import re
from dataclasses import replace

import pytest

from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.data.catalogue.entries import EXAMPLE, EXAMPLE_TOGETHER, CatalogueError, read_entries
from sr_bench.data.catalogue.sources import (
    SourceFile,
    find_source,
    load_sources,
    read_source,
)
from sr_bench.support.errors import WrongUse

FILE = SourceFile("a.png", 10, "ab" * 32, ("https://host/a.png",))


def test_every_file_is_pinned():
    for source in load_sources().values():
        assert source.title and source.licence, source.name
        if source.kind == "by-hand":
            assert source.page.startswith("http") and source.images and not source.files
            continue
        assert source.files, source.name
        for file in source.files:
            assert re.fullmatch(r"[0-9a-f]{64}|[0-9a-f]{8,63}\*", file.sha256), file
            assert file.size is None or file.size > 0, file
            assert file.urls and len(set(file.urls)) == len(file.urls), file
            assert all(re.match(r"(https|package)://[^/]+/", url) for url in file.urls), file
            assert " " not in "".join(file.urls), file


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


SHA = "0123456789abcdef" * 4
RIGHT = f"""
new:
  kind: images
  title: t
  licence: l
  base: https://host/folder/
  files:
    "a.png": 10 {SHA}
"""


def read(text, name="new"):
    return read_source(name, read_entries(text.encode()))


def test_a_right_entry_and_the_examples_that_errors_show():
    assert read(RIGHT).files == (SourceFile("a.png", 10, SHA, ("https://host/folder/a.png",)),)
    assert read(EXAMPLE, "mine-weights").kind == "weights"
    together = read_entries(EXAMPLE_TOGETHER.encode())
    known = {"Set5": read_entries(RIGHT.encode())["new"]}
    known["Set14"] = known["Set5"]
    assert len(read_source("two-sets", together | known).files) == 2


def test_a_file_has_several_addresses():
    text = RIGHT.replace("https://host/folder/", "[https://host/folder/, https://other/]")
    (file,) = read(f"{text}  urls: {{a.png: https://third/get?id=7}}\n").files
    assert file.urls == (
        "https://host/folder/a.png",
        "https://other/a.png",
        "https://third/get?id=7",
    )
    own = RIGHT.replace("base: https://host/folder/", "urls: {a.png: [https://x/1, /y/2]}")
    assert read(own).files[0].urls == ("https://x/1", "/y/2")


def test_facts_of_weights_and_other_ways_to_write_a_pin():
    text = RIGHT.replace("kind: images", "kind: weights\n  trained_on: DIV2K\n  by: them")
    text = text.replace(f"10 {SHA}", f"unknown  {SHA[:8].upper()}*")
    source = read(text.replace("https://host/folder/", "/a/folder/"))
    assert (source.trained_on, source.by) == ("DIV2K", "them")
    assert source.files[0] == SourceFile("a.png", None, SHA[:8] + "*", ("/a/folder/a.png",))


@pytest.mark.parametrize(
    ("old", "new", "facts"),
    [
        ("  kind: images\n", "", ["'kind' is missing"]),
        ("  title: t\n", "", ["'title' is missing"]),
        ("  licence: l\n", "", ["'licence' is missing"]),
        ("  licence: l\n", "  license: l\n", ["unknown key 'license'", "did you mean 'licence'?"]),
        ("  base: https://host/folder/\n", "", ["'base' is missing"]),
        ("kind: images", "kind: video", ["kind: ", "'images'", "it is 'video'"]),
        ("kind: images", "kind: [images]", ["kind: ", "['images']"]),
        ("title: t", "title: ''", ["title: ", "at least 1"]),
        ("licence: l", "licence: 2.0", ["licence: ", "valid string", "2.0"]),
        (f" 10 {SHA}", " 10", ["files.a.png: is 10", "<bytes or unknown> <sha256>"]),
        (f" 10 {SHA}", "", ["files.a.png: is None"]),
        (f" 10 {SHA}", f" {SHA}", ["files.a.png: is '0123"]),
        (f" 10 {SHA}", f" {SHA} 10", ["size is '0123", "write the file's bytes"]),
        (f" 10 {SHA}", f" 2.5MB {SHA}", ["size is '2.5mb'"]),
        (f" 10 {SHA}", f" -1 {SHA}", ["size is '-1'"]),
        (f" 10 {SHA}", f" 0 {SHA}", ["size is '0'"]),
        (f" 10 {SHA}", f" 10 {SHA[:-1]}", ["63 characters", "64 hexadecimal digits"]),
        (f" 10 {SHA}", f" 10 {SHA[:-1]}g", ["sha256 is '0123", "64 hexadecimal digits"]),
        (f" 10 {SHA}", " 10 ab*", ["sha256 is 'ab*'", "the first 8"]),
        (f" 10 {SHA}", f" 10 sha256:{SHA}", ["sha256 is 'sha256:"]),
        (f" 10 {SHA}", f" {{size: 10, sha256: {SHA}}}", ["files.a.png: is {'size': 10"]),
        (f'"a.png": 10 {SHA}', "[a.png]", ["files: ", "dictionary", "['a.png']"]),
        (f'\n    "a.png": 10 {SHA}', " {}", ["files: ", "at least 1 item"]),
        ('"a.png"', '"../a.png"', ["files", "'../a.png' leaves its folder"]),
        ('"a.png"', '"/a.png"', ["'/a.png' leaves its folder"]),
        ('"a.png"', '"C:\\\\a.png"', ["leaves its folder"]),
        ('"a.png"', "801", ["files", "801"]),
        ('"a.png"', f'"A.png": 10 {SHA}\n    "a.png"', ["A.png and a.png are one file"]),
        ("title: t", "title: t\n  folder: ../out", ["folder: '../out' leaves its folder"]),
        ("title: t", "title: t\n  folder: /out", ["folder: '/out' leaves its folder"]),
        ("title: t", "title: t\n  folder: a/../../b", ["folder: 'a/../../b'"]),
        ("https://host/folder/", "https://host/folder", ["doesn't end in '/'"]),
        ("https://host/folder/", "host/folder/", ["'host/folder/' is no https://"]),
        ("https://host/folder/", "file:///folder/", ["is no https://"]),
        ("https://host/folder/", "https://host/a b/", ["is no https://"]),
        ("title: t", "title: t\n  urls: {b.png: https://x/y}", ["unknown file 'b.png' in urls"]),
        ("title: t", "title: t\n  urls: {a.png: x/y}", ["urls.a.png", "'x/y' is no https://"]),
        ("title: t", "title: t\n  urls: [https://x/y]", ["urls: ", "dictionary"]),
        ("title: t", "title: t\n  redistributable: maybe", ["redistributable: ", "'maybe'"]),
        (RIGHT.partition("new:")[2], " Set5\n", ["new: the entry: ", "it is 'Set5'"]),
        (RIGHT.partition("new:")[2], "\n", ["new: the entry: ", "it is None"]),
        (RIGHT.partition("new:")[2], " {title: t, of: [Set6]}", ["unknown dataset 'Set6' in of"]),
        (RIGHT.partition("new:")[2], " {title: t, of: new}", ["of: ", "valid list", "'new'"]),
        (RIGHT.partition("new:")[2], " {title: t, of: []}", ["of: ", "at least 1 item"]),
        (RIGHT.partition("new:")[2], " {title: t, of: [new]}", ["'new' is several datasets"]),
        (RIGHT.partition("new:")[2], " {of: [new]}", ["'title' is missing", "two-sets:"]),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_told_with_its_key_and_a_right_one(old, new, facts):
    assert old in RIGHT
    with pytest.raises(CatalogueError) as caught:
        read(RIGHT.replace(old, new))
    for fact in ("sr_bench/data/catalogue/sources.yaml: new: ", *facts, "A right entry:\n"):
        assert fact in str(caught.value)


LAUGHS = "a0: &a0 [x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"", "holds None, not entries by name"),
        (b"- a\n", "holds ['a'], not entries by name"),
        (b"text", "holds 'text', not entries by name"),
        (b"my set: {}\n", "an entry is called 'my set'; a name is a word"),
        (b"../set: {}\n", "an entry is called '../set'"),
        (b"5: {}\n", "an entry is called 5"),
        (b"on: {}\n", "an entry is called True"),
        (b"a: {}\nb: {}\na: {}\n", "key 'a' is given first"),
        (b"a: {title: x, title: y}\n", "key 'title' is given first"),
        (b"a: {files: {b.png: 1 x, b.png: 2 x}}\n", "key 'b.png' is given first"),
        (b"a: [", "not YAML"),
        (b"a: \xff\n", "not YAML: 'utf-8'"),
        (b"a: !!int x\n", "a value can't be read"),
        (b"a: 2026-13-45\n", "a value can't be read"),
        (LAUGHS.encode(), "aliases make more than 1,000,000 values"),
        (b"a: &a [*a]\n", "or it holds itself"),
        (b"a: &a {<<: *a}\n", "or it holds itself"),
        (b"a: " + b"[" * 100_000, "more than 50 collections lie inside each other"),
        (b"a: !!python/object/apply:os.getcwd []\n", "not YAML"),
    ],
)
def test_a_catalogue_that_is_none(content, fact):
    with pytest.raises(CatalogueError) as caught:
        read_entries(content)
    assert str(caught.value).startswith("sr_bench/data/catalogue/sources.yaml: ")
    assert fact in str(caught.value)


@pytest.fixture
def with_a_bad_entry(project):
    """A catalogue of the project with one entry, ``bad``, that has a title alone."""
    own = project / "catalogue" / "sources.yaml"
    own.parent.mkdir()
    own.write_text("bad: {title: t}\n")


def test_a_bad_entry_hurts_only_what_needs_it(project, cli, with_a_bad_entry):
    assert Catalogue.of_project(project).sources.find("Set5").title
    out, _ = cli(["list", "runs"], cwd=project)
    assert "bicubic-x2" in out
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("fetch: [Set5]", "fetch: [Set5, bad]"))
    cli(["list", "runs"])
    for words in (["fetch", "bad"], ["list", "sources"]):
        _, err = cli(words, status=1)
        assert "catalogue/sources.yaml: bad: 'kind' is missing" in err
        assert "A right entry:" in err


def test_a_bad_entry_that_params_names_is_the_catalogues_fault(project, cli, with_a_bad_entry):
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("edsr-2017: [Set5]", "edsr-2017: [bad]"))
    _, err = cli(["list", "runs"], status=1, cwd=project)
    assert "catalogue/sources.yaml: bad: 'kind' is missing" in err
    assert "params.yaml" not in err


def test_a_union_has_the_files_of_its_members_where_theirs_lie():
    union = find_source("Open591")
    members = [find_source(name) for name in ("T91", "BSD400", "General100")]
    assert (len(union.files), union.kind, union.folder) == (591, "images", ".")
    assert union.bytes == sum(m.bytes for m in members)
    pinned = [(f"{m.folder}/{f.name}", f.size, f.sha256, f.urls) for m in members for f in m.files]
    assert [(f.name, f.size, f.sha256, f.urls) for f in union.files] == pinned
    for member in members:
        assert f"{member.name}: {member.licence}" in union.licence


def test_a_union_may_leave_files_out():
    """Open690 is without the photo of which Set5's woman is a smaller copy."""
    union, smaller = find_source("Open690"), find_source("Open591")
    more = find_source("DIV2K-test-lr-x4")
    names = {f.name for f in union.files}
    assert "BSD400/train/302003.jpg" in {f.name for f in smaller.files} - names
    assert len(names) == len(smaller.files) - 1 + len(more.files) == 690


def test_a_file_to_leave_out_must_be_there():
    both = RIGHT + "two:\n  {title: t, of: [new], without: [new/%s]}\n"
    assert not read(both % "a.png", "two").files
    with pytest.raises(CatalogueError, match=r"unknown file 'new/b\.png' in without"):
        read(both % "b.png", "two")
