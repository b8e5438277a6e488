"""YAML that refuses what plain YAML passes over in silence: a key given twice."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from yaml import SafeLoader as _Base
else:  # the same, five times as fast, where PyYAML was built with libyaml
    _Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


_DEEPEST, _LARGEST = 100, 1_000_000


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
        yaml.YAMLError: if it isn't YAML, a mapping has a key twice (the last would win), or it is
            nested so deeply, or refers to itself so often, that reading it would never end.
    """
    _refuse_endless(text)
    return yaml.load(text, Loader=_Strict)


def _refuse_endless(text: str) -> None:
    """Refuse what is small as text and endless as data: deep nesting, aliases of aliases."""
    sizes: dict[str | None, int] = {}  # of anchored parts, with what the aliases in them stand for
    around: list[tuple[str | None, int]] = [(None, 0)]  # anchor and size so far of open parts
    for event in yaml.parse(text, Loader=_Base):
        anchor, size = getattr(event, "anchor", None), 0
        if isinstance(event, yaml.CollectionStartEvent):
            around.append((anchor, 1))
            sizes[anchor] = _LARGEST  # until it ends: an alias inside would never end
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = around.pop()
            sizes[anchor] = size
        elif isinstance(event, yaml.AliasEvent):
            size = sizes.get(anchor, 1)
        elif isinstance(event, yaml.ScalarEvent):
            size = sizes[anchor] = 1
        around[-1] = (around[-1][0], around[-1][1] + size)
        if len(around) > _DEEPEST or around[-1][1] > _LARGEST:
            raise yaml.YAMLError(
                f"it is nested more than {_DEEPEST} levels deep, or has more than {_LARGEST} values"
            )
