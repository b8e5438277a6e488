"""Finding and loading method files, and asking a method for its weights."""

import os
from pathlib import Path

import pytest

from sr_bench.networks.method import Method, Published
from sr_bench.networks.method_files import find_method, load_method, load_methods
from sr_bench.support.errors import SrBenchError, WrongUse

ROOT = Path(__file__).resolve().parent.parent
GOOD = """
from sr_bench.networks.method import Method
METHOD = Method(name={name!r}, load=lambda setup: None, reference="nobody 2027")
"""


@pytest.fixture
def write(tmp_path):
    """``write("folder/file.py", name)``: a good method file; or one with the given text."""

    def make(where, name="mine", text=None):
        path = tmp_path / where
        path.parent.mkdir(exist_ok=True)
        path.write_text(GOOD.format(name=name) if text is None else text)
        return path

    return make


def test_a_good_file(write):
    method = load_method(write("a/mine.py"))
    assert (method.name, method.variants, dict(method.published)) == ("mine", ("",), {})


def test_loading_leaves_no_module_behind(write):
    import sys

    before = set(sys.modules)
    load_method(write("a/mine.py"))
    assert set(sys.modules) == before


def test_a_file_rewritten_at_equal_size_and_time_is_loaded_anew(write):
    path = write("a/mine.py", "one")
    assert load_method(path).name == "one"
    before = path.stat()
    path.write_text(GOOD.format(name="two"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert load_method(path).name == "two"
    assert [p.name for p in path.parent.iterdir()] == ["mine.py"]  # no __pycache__


def test_a_file_may_define_data_classes(write):
    text = "from __future__ import annotations\nfrom dataclasses import dataclass\n"
    text += "@dataclass\nclass Options:\n    width: int = 1\n" + GOOD.format(name="mine")
    assert load_method(write("a/mine.py", text=text)).name == "mine"


@pytest.mark.parametrize("folder", ["methods", "demo/methods"])
def test_a_method_is_called_as_its_file(folder):
    for path in (ROOT / folder).glob("*.py"):
        assert load_method(path).name == path.stem


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("x = 1", "METHOD is missing, expected sr_bench.networks.method.Method"),
        ("METHOD = 'mine'", "METHOD is str, expected"),
        ("class METHOD: pass", "METHOD is type, expected"),
        ("def broken(:", "fails on import with SyntaxError"),
        ("import no_such_module", "fails on import with ModuleNotFoundError"),
        ("1 / 0", "fails on import with ZeroDivisionError"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(write, text, fact):
    path = write("a/bad.py", text=text)
    with pytest.raises(SrBenchError) as caught:
        load_method(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert fact in str(caught.value)


FIELDS = "from sr_bench.networks.method import Method, Published, Samples, Training\nMETHOD = "


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("Method", ["METHOD is the class Method itself"]),
        ("Method(name=3, load=print, reference='r')", ["name is 3, expected a name", "'mine'"]),
        ("Method(name='my net', load=print, reference='r')", ["name is 'my net', expected"]),
        ("Method(name='../net', load=print, reference='r')", ["name is '../net', expected"]),
        ("Method(name='m', load='load', reference='r')", ["load is 'load', expected a function"]),
        ("Method(name='m', load=print, reference='')", ["reference is '', expected text"]),
        ("Method(name='m', load=print, reference=None)", ["reference is None"]),
        ("Method(name='m', load=print)", ["fails on import with TypeError", "reference"]),
        ("Method(name='m', load=print, reference='r', colors='x')", ["TypeError", "colors"]),
        ("Method('m', print, 'r', variants=('small'))", ["variants is 'small'", "('small',)"]),
        ("Method('m', print, 'r', variants=())", ["variants is ()"]),
        ("Method('m', print, 'r', variants=('a', 'a'))", ["variants is ('a', 'a')", "distinct"]),
        ("Method('m', print, 'r', variants=('a+',))", ["variants is ('a+',)", "ends in '+'"]),
        ("Method('m', print, 'r', variants=(2, 3))", ["variants is (2, 3)"]),
        ("Method('m', print, 'r', published=['a'])", ["published is ['a'], expected a dictionary"]),
        ("Method('m', print, 'r', published={'a': 1})", ["a key of published is 'a'"]),
        (
            "Method('m', print, 'r', published={('', 'author', '2'): Published('g', 'f')})",
            ["a key of published is ('', 'author', '2')", "as ('small', 'author', 2)"],
        ),
        (
            "Method('m', print, 'r', published={('', 'author', 1): Published('g', 'f')})",
            ["a key of published is ('', 'author', 1)"],
        ),
        (
            "Method('m', print, 'r', published={('', 'none', 2): Published('g', 'f')})",
            ["weights 'none' and 'sr-bench-...' are taken"],
        ),
        (
            "Method('m', print, 'r', published={('', 'sr-bench-x', 2): Published('g', 'f')})",
            ["are taken"],
        ),
        (
            "Method('m', print, 'r', published={('b', 'author', 2): Published('g', 'f')})",
            ["published has ('b', 'author', 2), but variants are ('',)"],
        ),
        (
            "Method('m', print, 'r', published={('', 'author', 2): 'x.pth'})",
            ["published[('', 'author', 2)] is 'x.pth', expected Published("],
        ),
        ("Method('m', print, 'r', published={('', 'a', 2): Published('g', 3)})", ["name is 3"]),
        (
            "Method('m', print, 'r', published={('', 'a', 2): Published('g', 'f', trained_on=2)})",
            ["Published: trained_on is 2, expected text"],
        ),
        ("Method('m', print, 'r', training={'a': 1})", ["training is {'a': 1}, expected Training"]),
        (
            "Method('m', print, 'r', training=Training(network=1, model=print, samples=print,"
            " recipes={}))",
            ["Training: network is 1, expected a function"],
        ),
        (
            "Method('m', print, 'r', training=Training(print, print, print, recipes=[]))",
            ["Training: recipes is [], expected the file's RECIPES"],
        ),
        ("Method('m', print, 'r', key_map={})", ["key_map is {}, expected a function, or None"]),
        ("Method('m', print, 'r', scales=2)", ["scales is 2, expected a tuple of distinct scales"]),
        ("Method('m', print, 'r', scales=())", ["scales is ()"]),
        ("Method('m', print, 'r', scales=(2, 2))", ["scales is (2, 2)"]),
        ("Method('m', print, 'r', scales=(2, 9))", ["scales is (2, 9)", "from 2 to 8"]),
        (
            "Method('m', print, 'r', scales=(3,), published={('', 'a', 2): Published('g', 'f')})",
            ["published has ('', 'a', 2), but scales are (3,); add the scale"],
        ),
        ("Method('m', print, 'r', title=5)", ["title is 5, expected text"]),
        ("Method('m', print, 'r', titles={'': 5})", ["titles is {'': 5}, expected a dictionary"]),
        ("Method('m', print, 'r', titles={'b': 'B'})", ["METHOD: titles", "'b'"]),
        ("Method('m', print, 'r', colour='blue')", ["colour is 'blue', expected a colour as '#"]),
        ("Method('m', print, 'r', marker='circle')", ["marker is 'circle', expected one of"]),
        ("Method('m', print, 'r', baseline='yes')", ["baseline is 'yes', expected True or False"]),
        ("Method('m', print, 'r', example='x.pth')", ["example is 'x.pth', expected a function"]),
        ("exit(2)", ["fails on import with SystemExit(2)"]),
    ],
)
def test_a_field_that_holds_something_else(write, text, facts):
    path = write("a/bad.py", text=FIELDS + text + "\n")
    with pytest.raises(SrBenchError) as caught:
        load_method(path)
    assert str(caught.value).startswith(f"{path}: ")
    for fact in facts:
        assert fact in str(caught.value)


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("m", "CARN-M"),
        ("m DF2K", "CARN-M DF2K"),  # as a ledger writes it
        ("m+", "CARN-M+"),  # self-ensemble
        ("large", "CARN large"),
        ("", "CARN"),
    ],
)
def test_a_variant_may_have_a_title_of_its_own(variant, expected):
    method = Method(
        "carn", print, "paper", variants=("m", "large"), title="CARN", titles={"m": "CARN-M"}
    )
    assert method.called(variant) == expected


def test_a_missing_file(tmp_path):
    with pytest.raises(SrBenchError, match=r"none\.py: no such method file"):
        load_method(tmp_path / "none.py")


def test_a_missing_folder(tmp_path):
    with pytest.raises(SrBenchError, match=r"none: no such folder of methods; .*params\.yaml"):
        load_methods([tmp_path / "none"])


@pytest.mark.parametrize("other", ["a/copy.py", "b/mine.py"])
def test_two_methods_of_one_name(write, tmp_path, other):
    first, second = write("a/mine.py"), write(other)
    folders = sorted({first.parent, second.parent})
    with pytest.raises(SrBenchError) as caught:
        load_methods(folders)
    for fact in (str(first), str(second), "'mine'", "rename one"):
        assert fact in str(caught.value)


def test_methods_of_several_folders(write, tmp_path):
    write("a/one.py", "one")
    write("b/two.py", "two")
    write("b/notes.md", text="no method")
    assert list(load_methods([tmp_path / "a", tmp_path / "b"])) == ["one", "two"]


def test_an_unknown_method_suggests_near_ones(write, tmp_path):
    write("a/bicubic.py", "bicubic")
    with pytest.raises(WrongUse, match=r"unknown method 'bicubik' in .*a; did you mean bicubic\?"):
        find_method("bicubik", [tmp_path / "a"])


WITH = Method(
    name="net",
    load=lambda _: None,
    reference="nobody",
    variants=("small", "large"),
    published={("small", "author", 2): Published("group", "small_x2.pth")},
)
WITHOUT = Method(name="plain", load=lambda _: None, reference="nobody")
SOME = Method(name="some", load=lambda _: None, reference="nobody", scales=(8, 4))


def test_weights_that_there_are():
    assert WITH.weights_file("small", "author", 2) == Published("group", "small_x2.pth")
    assert WITHOUT.weights_file("", "none", 4) is None


@pytest.mark.parametrize(
    ("method", "key", "fact"),
    [
        (WITH, ("smal", "author", 2), "unknown variant 'smal' in method net; did you mean small"),
        (WITH, ("small", "auther", 2), "unknown weights 'small auther x2'"),
        (WITH, ("small", "author", 3), "did you mean small author x2"),
        (WITH, ("large", "author", 2), "unknown weights 'large author x2'"),
        (WITH, ("small", "none", 2), "unknown weights 'small none x2'"),
        (WITHOUT, ("", "author", 2), "known: none"),
        (WITHOUT, ("big", "none", 2), "unknown variant 'big'"),
        (WITHOUT, ("", "none", 9), "method plain: scale is 9, it has 2, 3, 4, 5, 6, 7, 8"),
        (SOME, ("", "none", 2), "method some: scale is 2, it has 4, 8; choose one of them"),
    ],
)
def test_weights_that_there_are_not(method, key, fact):
    with pytest.raises(WrongUse) as caught:
        method.weights_file(*key)
    assert fact in str(caught.value)
