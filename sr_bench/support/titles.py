"""Networks as papers write them: CARN-M is variant ``m`` of CARN."""

from __future__ import annotations

from collections.abc import Mapping


def title_of(variant: str, title: str, titles: Mapping[str, str]) -> str:
    """A variant by its own title, else the method's ``title`` and the variant's name.

    A ledger's variants may say more after a space, as ``plus DF2K``, and ``+`` is self-ensemble;
    both are kept.

    >>> title_of("m DIV2K", "CARN", {"m": "CARN-M"})
    'CARN-M DIV2K'
    >>> title_of("9-5-5", "SRCNN", {})
    'SRCNN 9-5-5'
    >>> title_of("+", "DAT", {})
    'DAT+'
    """
    first, _, more = variant.partition(" ")
    plain = first.removesuffix("+")
    name = titles.get(plain) or f"{title} {plain}".strip()
    return f"{name}{first.removeprefix(plain)} {more}".strip()
