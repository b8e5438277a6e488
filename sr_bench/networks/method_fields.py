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
LEDGER = "sr_bench.published"  # and the published numbers that sr-bench brings
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


def is_scales(value: object) -> bool:
    """Whether it holds distinct scales."""
    if not isinstance(value, (tuple, list)) or not value:
        return False
    return all(map(is_scale, value)) and len(set(value)) == len(value)


def is_titles(value: object) -> bool:
    """Whether it holds a text for some variants."""
    return isinstance(value, Mapping) and all(map(is_text, value.values()))


def is_colour(value: object) -> bool:
    """Whether it is a colour, or none."""
    return value is None or (isinstance(value, str) and bool(_COLOUR.fullmatch(value)))


def is_marker(value: object) -> bool:
    """Whether it is one of matplotlib's filled markers, or none."""
    return value is None or (isinstance(value, str) and len(value) == 1 and value in MARKERS)


_TEXT: Rule = (is_text, "text")
_MAYBE_TEXT: Rule = (lambda value: isinstance(value, str), "text")
_FUNCTION: Rule = (callable, "a function")
_MAYBE_FUNCTION: Rule = (
    lambda value: value is None or callable(value),
    "a function, or None",
)
_FLAG: Rule = (lambda value: isinstance(value, bool), "True or False")

PUBLISHED_RULES: dict[str, Rule] = {
    "group": _TEXT,
    "name": _TEXT,
    "trained_on": _MAYBE_TEXT,
    "by": _MAYBE_TEXT,
    "label": (lambda value: value is None or isinstance(value, str), "text, or None"),
}
TRAINING_RULES: dict[str, Rule] = {
    "network": _FUNCTION,
    "model": _FUNCTION,
    "samples": _FUNCTION,
    "recipes": (lambda value: isinstance(value, Mapping), "the file's RECIPES, a dictionary"),
    "reparametrised": _MAYBE_FUNCTION,
    "adopt": _MAYBE_FUNCTION,
}
METHOD_RULES: dict[str, Rule] = {  # and training, which is Training or None
    "name": (is_name, "a name of letters, digits and . _ + -, as 'mine'"),
    "load": _FUNCTION,
    "reference": _TEXT,
    "variants": (
        is_variants,
        "a tuple of distinct names, as ('small', 'large') or ('small',), none of which ends in '+'",
    ),
    "published": (lambda value: isinstance(value, Mapping), "a dictionary"),
    "key_map": _MAYBE_FUNCTION,
    "scales": (is_scales, "a tuple of distinct scales from 2 to 8, as (2, 3, 4)"),
    "title": _MAYBE_TEXT,
    "titles": (is_titles, "a dictionary of variants and texts, as {'m': 'CARN-M'}"),
    "colour": (is_colour, "a colour as '#0072B2', or None"),
    "marker": (is_marker, f"one of matplotlib's markers {' '.join(MARKERS)}, or None"),
    "baseline": _FLAG,
    "speed_reference": _FLAG,
    "filters": _FLAG,
    "example": _MAYBE_FUNCTION,
}
