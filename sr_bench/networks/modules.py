"""The networks that a model holds, wherever it keeps them."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Iterator, Mapping
from types import FunctionType, MethodType, ModuleType
from typing import Any, cast

from torch import nn

from sr_bench.networks.method import Model

_DEEP = 3  # model.wrapper.networks[0]: attributes of attributes, and what lists and closures hold
_PLAIN = (str, bytes, int, float, complex, type, ModuleType, type(None))


def networks_of(model: object) -> dict[str, nn.Module]:
    """The outermost ``nn.Module``s of a model by where they lie; ``""`` is the model itself.

    Attributes, lists, tuples, dictionaries, bound methods, partial functions, and what a function
    names are looked into.
    """
    found: dict[str, nn.Module] = {}
    seen: set[int] = set()

    def look(value: object, where: str, depth: int) -> None:
        if isinstance(value, _PLAIN) or id(value) in seen:
            return
        seen.add(id(value))
        if isinstance(value, nn.Module):
            found[where] = value
        elif depth:
            for name, part in _parts(value):
                look(part, f"{where}.{name}" if where else name, depth - 1)

    look(model, "", _DEEP)
    inner = {id(m) for network in found.values() for m in network.modules() if m is not network}
    return {where: network for where, network in found.items() if id(network) not in inner}


def _parts(value: object) -> Iterator[tuple[str, object]]:
    """What a value holds, by name."""
    if isinstance(value, Mapping):
        yield from ((str(key), part) for key, part in value.items())
    elif isinstance(value, (list, tuple)):
        yield from ((str(i), part) for i, part in enumerate(value))
    elif isinstance(value, functools.partial):
        yield from (("func", value.func), ("args", value.args), ("keywords", value.keywords))
    elif isinstance(value, MethodType):
        yield "self", value.__self__
    if isinstance(value, FunctionType):
        yield from inspect.getclosurevars(value).nonlocals.items()
        yield from inspect.getclosurevars(value).globals.items()
    yield from getattr(value, "__dict__", {}).items()


def network_of(model: Model) -> nn.Module | None:
    """The network that can be moved: the model itself, or the one that an attribute of it is.

    Of several it is the attribute ``network``; ``None`` where there is none.
    """
    name = _name_of_network(model)
    return cast(nn.Module, model) if name == "" else getattr(model, name or "", None)


def replaced(model: Model, part: object) -> Model:
    """The model with something in the place of its network; the model itself is left alone."""
    name = _name_of_network(model)
    if not name:
        return cast(Model, part)
    around: Any = copy.copy(model)
    setattr(around, name, part)
    return cast(Model, around)


def _name_of_network(model: Model) -> str | None:
    """The attribute that holds the network, ``""`` for the model itself; ``None`` without one."""
    held = vars(model) if hasattr(model, "__dict__") else {}
    if isinstance(held.get("network"), nn.Module):
        return "network"
    found = networks_of(model)
    name = next(iter(found), None)
    if name is None or len(found) > 1 or (name and held.get(name) is not found[name]):
        return None
    return name
