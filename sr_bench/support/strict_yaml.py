"""YAML that refuses what plain YAML passes over in silence or falls over: a key given twice,
aliases that stand for millions of values, nesting without end.
"""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any, cast

import yaml
from pydantic import ValidationError

if TYPE_CHECKING:
    from yaml import SafeLoader as _Base
else:  # the same, five times as fast, where PyYAML was built with libyaml
    _Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_DEEPEST = 50  # collections inside each other; at some thousands libyaml ends the process
_MOST = 1_000_000  # values, each alias counted as all that it stands for
_SHOWN = 60  # characters of a wrong value


class _Strict(_Base):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[str, yaml.Mark] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if seen.setdefault(key.value, key.start_mark) is not key.start_mark:
                raise yaml.MarkedYAMLError(
                    f"key '{key.value}' is given first",
                    seen[key.value],
                    "and again",
                    key.start_mark,
                )
        return super().construct_mapping(node, deep)


def read_yaml(text: str) -> Any:
    """The content of one YAML document.

    Raises:
        yaml.YAMLError: if it isn't YAML, a mapping has a key twice (the last would win), or its
            aliases or nesting make it too large.
    """
    _require_shallow(text)
    loader = _Strict(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _size(node, {})
        return loader.construct_document(node)
    except (ValueError, TypeError, AttributeError, LookupError) as error:  # "!!int x", a 13th month
        raise yaml.YAMLError(f"a value can't be read ({error}); put it in quotes") from error
    finally:
        loader.dispose()


def _require_shallow(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Base):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise yaml.MarkedYAMLError(
                problem=f"more than {_DEEPEST} collections lie inside each other",
                problem_mark=cast(yaml.Mark, event.start_mark),
            )


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node stands for, its aliases written out."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) not in known:
        known[id(node)] = _MOST  # until it is counted: what lies in itself has no end
        parts = [part for pair in node.value for part in pair] if _is_map(node) else node.value
        known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    if known[id(node)] >= _MOST:
        raise yaml.MarkedYAMLError(
            problem=f"aliases make more than {_MOST:,} values of this, or it holds itself",
            problem_mark=node.start_mark,
        )
    return known[id(node)]


def _is_map(node: yaml.Node) -> bool:
    return isinstance(node, yaml.MappingNode)


def problems(error: ValidationError, known: Iterable[str], whole: str = "the file") -> str:
    """What is wrong with content that a model refused, in words: each key, and what was given.

    Args:
        known: keys that there are, of which an unknown one may be a misspelling.
        whole: what the content is called.
    """
    return "; ".join(_problem(detail, known, whole) for detail in error.errors())


def _problem(detail: Any, known: Iterable[str], whole: str) -> str:
    key = cut(".".join(str(part) for part in detail["loc"])) or whole
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key.rpartition(".")[2], list(known), n=1)
        remedy = f"did you mean '{near[0]}'?" if near else "remove or rename it"
        return f"unknown key '{key}' (value {shown(detail['input'])}); {remedy}"
    if detail["type"] == "missing":
        return f"'{key}' is missing; add it"
    if detail["type"] == "value_error":  # our own, which name what was given
        return f"{key}: {message}"
    return f"{key}: {message}, but it is {shown(detail['input'])}; correct it"


def shown(value: object) -> str:
    """A value as Python writes it, cut off where it is long."""
    return cut(repr(value))


def cut(text: str) -> str:
    """The beginning of a text that is long."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
