"""YAML as usual, but a key that is given twice is an error."""

import pytest
import yaml

from sr_bench.strict_yaml import read_yaml


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
