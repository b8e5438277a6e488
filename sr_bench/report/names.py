"""What people call methods, weights, runs and files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from sr_bench.analysis.ledger.citations import Citations, all_citations
from sr_bench.analysis.ledger.neighbours import ledgers_with_packaged
from sr_bench.analysis.ledger.titles import NetworkNames, all_titles
from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.networks.method_fields import TRAINED

if TYPE_CHECKING:
    from sr_bench.networks.method import Published
    from sr_bench.project.entries import TrainEntry
    from sr_bench.project.project import Project

HERE = "here"  # who trained weights that the project made
BROUGHT = "sr-bench"  # and those that sr-bench made and brings
NOT_STATED = "not stated"  # the training set of weights of which no one says it
AUTHOR = "author"  # what weights by a method's own authors are called first
_MANY = 4  # runs of a method in a panel: with more, the legend alone names the method


@dataclass(frozen=True)
class RunName:
    """A run, and as people read it: which method, what it learned from, and who trained it."""

    run: str
    scale: int
    method: str
    data: str
    by: str

    def __str__(self) -> str:
        return f"{self.method}, {self.data}" if self.data else self.method


class Weights(NamedTuple):
    """Weights as people read them."""

    data: str  # the training set; empty where nothing was trained
    by: str  # who trained them: `here`, `sr-bench`, `authors`, or whoever published them
    label: str  # what figures call them, beside the method


@dataclass(frozen=True)
class Names(NetworkNames):
    """The names of a project's methods, of its ledger's, of weights, sources and machines."""

    citations: Citations = field(default_factory=dict)  # of its published numbers
    catalogue: Catalogue = field(default_factory=Catalogue.installed)
    places: Mapping[tuple[str, str], str] = field(default_factory=dict)  # of machine and device
    # what the project trains: other weights that sr-bench made came with it; None: all are its own
    trained: tuple[TrainEntry, ...] | None = None

    @classmethod
    def of(cls, project: Project) -> Names:
        """Those of a project's methods and published numbers."""
        from sr_bench.networks.method_files import load_methods  # torch
        from sr_bench.report.timings import places

        titles = all_titles(ledgers_with_packaged(project.ledgers))
        citations = all_citations(project.ledgers)
        methods, trained = load_methods(project.method_folders), tuple(project.trainings.values())
        return cls(methods, titles, citations, project.catalogue, places(project), trained)

    @property
    def baseline(self) -> str | None:
        """The method that gains are measured against; ``None`` where no file says that it is."""
        return next((name for name, m in self.methods.items() if m.baseline), None)

    def networks(self, rows: pd.DataFrame) -> list[str]:
        """What people call the network of each row of a table with ``method`` and ``variant``."""
        return [self.network(*pair) for pair in zip(rows["method"], rows["variant"].fillna(""))]

    def source(self, key: str) -> str:
        """A source of published numbers as a text cites it: ``Dong et al. 2016``."""
        found = self.citations.get(key)
        return found.short if found else key

    def link(self, key: str) -> str:
        """The address of a source; empty where nobody wrote it down."""
        found = self.citations.get(key)
        return found.link if found else ""

    def place(self, machine: str, device: str) -> str:
        """A machine and its device: ``AMD EPYC (Zen 5), 1 core``."""
        return self.places.get((machine, device), f"{machine}, {device}")

    def marks(self, method: str) -> tuple[str | None, str | None]:
        """The colour and the marker that a method's file asks for."""
        known = self.methods.get(method)
        return (known.colour, known.marker) if known else (None, None)

    def runs(self, cells: pd.DataFrame) -> dict[str, RunName]:
        """The name of every run that has a cell."""
        rows = cells[["run", "method", "variant", "weights", "scale"]].drop_duplicates("run")
        return {name.run: name for name in map(self._run, rows.itertuples(index=False))}

    def _run(self, row: tuple[Any, ...]) -> RunName:
        run, method, variant, weights, scale = row
        made = self.weights(method, variant, weights, scale)
        return RunName(run, scale, self.network(method, variant), made.data, made.by)

    def weights(self, method: str, variant: str, weights: str, scale: int) -> Weights:
        """What weights learned from and who trained them.

        Published ones are what the method's file says of them, or their group in ``sources.yaml``;
        those that sr-bench made, here or elsewhere, are called by their training set.
        """
        if weights == "none":
            return Weights("", "", "")
        if weights.startswith(TRAINED):
            data = self._dataset(weights.removeprefix(TRAINED))
            if self._is_trained_here(method, variant.removesuffix("+"), weights, scale):
                return Weights(data, HERE, data)
            return Weights(data, BROUGHT, f"{BROUGHT} {data}")
        known = self.methods.get(method)
        found = known.published.get((variant.removesuffix("+"), weights, scale)) if known else None
        data, by = self._published(found)
        by = by or ("authors" if weights.partition("-")[0] == AUTHOR else weights)
        label = (data or weights.removeprefix(f"{AUTHOR}-")) if by == "authors" else by
        if found and found.label is not None:
            label = found.label
        return Weights(data or NOT_STATED, by, "" if label == AUTHOR else label)

    def _is_trained_here(self, method: str, variant: str, weights: str, scale: int) -> bool:
        return self.trained is None or any(
            (entry.method, entry.variant, entry.label) == (method, variant, weights)
            and scale in entry.scales
            for entry in self.trained
        )

    def _published(self, found: Published | None) -> tuple[str, str]:
        """The training set and the trainer of a published file; empty where nobody says."""
        if found is None:
            return "", ""
        if found.group not in self.catalogue.sources:
            return found.trained_on, found.by
        group = self.catalogue.sources.find(found.group)
        return found.trained_on or group.trained_on, found.by or group.by

    def _dataset(self, name: str) -> str:
        """A dataset as the catalogue writes it: ``T91`` for ``t91``."""
        return {known.lower(): known for known in self.catalogue.sources}.get(name, name)

    def trained_by_authors(self) -> Iterator[tuple[str, str, str]]:
        """Method, name and training set of the authors' weights, of methods trained here too."""
        for name, method in self.methods.items():
            for variant, weights, scale in method.published if method.training else ():
                made = self.weights(name, variant, weights, scale)
                if made.by == "authors" and made.data != NOT_STATED:
                    yield name, weights, made.data

    def labels(self, rows: pd.DataFrame) -> dict[str, str]:
        """A short name of each run: ``VDSR small DIV2K*``; the panel says the scale.

        A method with many runs in a panel is named by the legend alone: ``9-5-5 ImageNet``. The
        star says that the weights were trained here.
        """
        per_panel = rows.groupby(["scale", "method"]).size().groupby("method").max()
        crowded = set(per_panel[per_panel > _MANY].index)
        facts = rows[["run", "method", "variant", "weights", "scale"]]
        return {row.run: self._label(row, crowded) for row in facts.itertuples(index=False)}

    def _label(self, row: NamedTuple, crowded: set[str]) -> str:
        method, variant, weights, scale = (str(v) for v in row[1:5])
        made = self.weights(method, variant, weights, int(scale))
        known = self.methods.get(method)
        titled = known is not None and variant.removesuffix("+") in known.titles
        short = method in crowded and not titled and (variant or made.label)
        parts = (variant if short else self.network(method, variant), made.label)
        return " ".join(filter(None, parts)) + ("*" if made.by == HERE else "")


NO_NAMES = Names()  # of no project: methods are called by their names


def slug(*parts: str) -> str:
    """A file name of ``parts``: letters, digits, ``.``, ``_`` and ``-``; a changed one gets a hash.

    The hash keeps apart what would become the same name.
    """
    text = "-".join(parts)
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-")[:80]
    if plain == text:
        return plain
    return f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
