"""Names in ``params.yaml``: each once, and protocols resolved by the project's catalogue."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, ValidationInfo

from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.data.catalogue.protocols import Protocol

Item = TypeVar("Item", str, Protocol)


def each_once(names: tuple[Item, ...]) -> tuple[Item, ...]:
    """Refuse a name that is given twice."""
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"'{name}' is named {names.count(name)} times; name it once")
    return names


def catalogue_of(info: ValidationInfo) -> Catalogue:
    """The catalogue that entries are checked against: the project's, which validation is given."""
    return info.context if isinstance(info.context, Catalogue) else Catalogue.installed()


def _resolved(protocol: object, info: ValidationInfo) -> object:
    known = catalogue_of(info).protocols
    return known.find(protocol) if isinstance(protocol, str) else protocol


Names = Annotated[tuple[str, ...], AfterValidator(each_once)]
SomeNames = Annotated[Names, Field(min_length=1)]
NamedProtocol = Annotated[
    Protocol, BeforeValidator(_resolved), PlainSerializer(lambda protocol: str(protocol))
]
SomeProtocols = Annotated[tuple[NamedProtocol, ...], AfterValidator(each_once), Field(min_length=1)]
