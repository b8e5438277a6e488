"""What the fields of a method file may hold; errors show a right value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sr_bench.support.errors import SrBenchError
from sr_bench.support.scale import SCALES
from sr_bench.support.strict_yaml import shown

TRAINED = "sr-bench-"  # weights made here are called by this and their training set
INSTALLED = "sr_bench.methods"  # what params.yaml calls the installed methods
PUBLISHED = "sr_bench.published"  # and the published numbers that sr-bench brings
MARKERS = "oDs^v<>PXphHd8*"  # matplotlib's filled ones
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")

Test = Callable[[Any], bool]
Rule = tuple[Test, str]  # whether a value will do; what is expected


def require(owner: str, values: Mapping[str, Any], rules: Mapping[str, Rule]) -> None:
    """Check each field that has a rule.

    Raises:
        SrBenchError: for the first that breaks its rule, with what is expected.
    """
    for field, (test, expected) in rules.items():
        if not test(values[field]):
            value = shown(values[field])
            raise SrBenchError(f"{owner}: {field} is {value}, expected {expected}; correct it")


def is_name(value: object) -> bool:
    """Whether it can be a part of a run's name, and a file's name."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def is_text(value: object) -> bool:
    """Whether it is text with something in it."""
    return isinstance(value, str) and bool(value.strip())


def is_maybe_text(value: object) -> bool:
    """Whether it is text, which may be empty."""
    return isinstance(value, str)


def is_maybe_callable(value: object) -> bool:
    """Whether it can be called, or is left out."""
    return value is None or callable(value)


def is_variants(value: object) -> bool:
    """Whether it holds distinct names, or the empty one of a method with one configuration."""
    if not isinstance(value, (tuple, list)) or not value:
        return False
    right = all(v == "" or (is_name(v) and not v.endswith("+")) for v in value)
    return right and len(set(value)) == len(value)


def is_weights(value: object) -> bool:
    """Whether published weights can be called that."""
    return is_name(value) and value != "none" and not str(value).startswith(TRAINED)


def is_scale(value: object) -> bool:
    """Whether it is a factor that images can be enlarged by."""
    return type(value) is int and value in SCALES


TEXT: Rule = (is_text, "text")
CALLABLE: Rule = (callable, "a function")
MAYBE_CALLABLE: Rule = (is_maybe_callable, "a function, or None")
FLAG: Rule = (lambda value: isinstance(value, bool), "True or False")
NAME: Rule = (is_name, "a name of letters, digits and . _ + -, as 'mine'")
VARIANTS: Rule = (
    is_variants,
    "a tuple of distinct names, as ('small', 'large') or ('small',), none of which ends in '+'",
)
MAYBE_TEXT: Rule = (is_maybe_text, "text")
COLOUR: Rule = (
    lambda value: value is None or (isinstance(value, str) and bool(_COLOUR.fullmatch(value))),
    "a colour as '#0072B2', or None",
)
MARKER: Rule = (
    lambda value: (
        value is None or (isinstance(value, str) and len(value) == 1 and value in MARKERS)
    ),
    f"one of matplotlib's markers {' '.join(MARKERS)}, or None",
)
