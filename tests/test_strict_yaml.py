"""YAML as usual, but a key that is given twice is an error."""

import pytest
import yaml

from sr_bench.support.strict_yaml import read_yaml


@pytest.mark.parametrize(
    "text",
    ["a: 1\nb: 2\na: 3\n", "{a: 1, a: 1}", "x:\n  y:\n    a: 1\n    a: 2\n", "- {a: 1, a: 2}"],
)
def test_a_key_given_twice_is_an_error_with_both_places(text):
    with pytest.raises(yaml.YAMLError, match=r"'a' is given first(.|\n)*line(.|\n)*and again"):
        read_yaml(text)


def test_one_key_in_two_mappings_is_fine():
    assert read_yaml("a: {k: 1}\nb: {k: 2}\n") == {"a": {"k": 1}, "b": {"k": 2}}


def test_a_merged_key_may_be_overridden():
    text = "a: &a {k: 1, l: 1}\nb: &b {<<: *a, k: 2}\nc: {<<: *b, l: 3}\n"
    assert read_yaml(text)["c"] == {"k": 2, "l": 3}


def test_code_in_yaml_is_refused():
    with pytest.raises(yaml.YAMLError):
        read_yaml("!!python/object/apply:os.getcwd []")


NINE = ", ".join(["*a{}"] * 9)
BOMB = "a0: &a0 [x]\n" + "".join(
    f"a{i}: &a{i} [{NINE.format(*[i - 1] * 9)}]\n" for i in range(1, 9)
)


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "- " * 100_000, "{a: " * 100_000, BOMB, "a: &a [1, *a]", "a: &a\n  b: *a\n"],
    ids=["brackets", "dashes", "mappings", "aliases", "itself in a list", "itself in a mapping"],
)
def test_what_is_endless_as_data_is_refused(text):
    with pytest.raises(yaml.YAMLError, match=r"more than 50 collections|it holds itself"):
        read_yaml(text)


def test_ordinary_anchors_and_depth_are_read():
    assert read_yaml("a: &x [1, 2]\nb: *x\nc: [*x, *x]\n")["c"] == [[1, 2], [1, 2]]
    assert read_yaml("[" * 45 + "]" * 45)
