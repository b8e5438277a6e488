"""Networks of a ledger as papers write them, by ``titles.yaml`` beside it or by a method's file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from sr_bench.analysis.ledger.citations import read_beside
from sr_bench.analysis.ledger.neighbours import ledgers_with_packaged
from sr_bench.support.titles import title_of

if TYPE_CHECKING:
    from sr_bench.networks.method import Method

Titles = Mapping[str, str]  # of a method, or of "method variant"
_ALL = TypeAdapter(dict[str, str])


@dataclass(frozen=True)
class NetworkNames:
    """What people call networks: as the method's file says, else as a ledger's titles do.

    Args:
        methods: by name. Without them the titles alone are asked.
        titles: from :func:`all_titles`.
    """

    methods: Mapping[str, Method] = field(default_factory=dict)
    titles: Titles = field(default_factory=dict)

    @classmethod
    def known(
        cls, own: Sequence[Path] = (), methods: Mapping[str, Method] | None = None
    ) -> NetworkNames:
        """By the titles of a project's ledgers and of the one that comes with sr-bench."""
        return cls(methods or {}, all_titles(ledgers_with_packaged(own)))

    def title(self, method: str) -> str:
        """A method as papers write it; its own name where nobody says."""
        known = self.methods.get(method)
        return (known.title if known else "") or self.titles.get(method, method)

    def network(self, method: str, variant: str) -> str:
        """A method's variant: ``CARN-M``, or ``SRCNN 9-5-5``."""
        known = self.methods.get(method)
        if known:
            return known.called(variant)
        of_variants = {
            key.removeprefix(f"{method} "): title
            for key, title in self.titles.items()
            if key.startswith(f"{method} ")
        }
        return title_of(variant, self.title(method), of_variants)


def read_titles(ledger: Path) -> Titles:
    """The titles of a ledger's networks, from ``titles.yaml`` beside it; none without that file.

    Raises:
        SrBenchError: if the file isn't YAML that gives each name a title, a text.
    """
    return read_beside(ledger.with_name("titles.yaml"), _ALL, ())


def all_titles(ledgers: Iterable[Path]) -> Titles:
    """The titles of several ledgers; where two name a network, the first one's."""
    found: dict[str, str] = {}
    for path in ledgers:
        found = {**read_titles(path), **found}
    return found
