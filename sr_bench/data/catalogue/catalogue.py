"""All that is known by name: the package's, its plug-ins', and a project's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sr_bench.data.catalogue.plugins import CatalogueFile
from sr_bench.data.catalogue.protocols import (
    Protocols,
    load_protocols,
    protocol_files,
    read_protocols,
)
from sr_bench.data.catalogue.sources import Sources, installed_sources, source_files

FOLDER = "catalogue"  # of a project
PROJECT = "this project"  # the origin of what a project's own files bring


@dataclass(frozen=True)
class Catalogue:
    """Datasets, weights and protocols by name, as one project knows them.

    A project holds its own and hands it on: nothing of it is global.
    """

    sources: Sources
    protocols: Protocols

    @classmethod
    def installed(cls) -> Catalogue:
        """That of the package and its plug-ins, outside any project."""
        return cls(installed_sources(), load_protocols())

    @classmethod
    def of_project(cls, root: Path) -> Catalogue:
        """The installed one, and the files of the project's folder ``catalogue``.

        Raises:
            CatalogueError: for a file that can't be used, or a name that is there already.
        """
        sources, protocols = (_own(root, f"{name}.yaml") for name in ("sources", "protocols"))
        return cls(
            Sources.of([*source_files(), *sources]) if sources else installed_sources(),
            read_protocols([*protocol_files(), *protocols]) if protocols else load_protocols(),
        )


def _own(root: Path, name: str) -> list[CatalogueFile]:
    path = root / FOLDER / name
    if not path.is_file():
        return []
    return [CatalogueFile(str(path), path.read_bytes(), PROJECT)]
