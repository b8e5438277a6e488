"""Datasets of the user's own: entries of ``params.yaml``, and what the catalogue gains by them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from sr_bench.data.catalogue.catalogue import PROJECT, Catalogue
from sr_bench.data.catalogue.plugins import CatalogueFile
from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.data.catalogue.sources import Source
from sr_bench.data.datasets.folders import OwnFolder
from sr_bench.data.datasets.manifest import read_dataset
from sr_bench.imaging.degrade import GivenLr
from sr_bench.project.names import NamedProtocol, each_once
from sr_bench.support.errors import WrongUse
from sr_bench.support.scale import Scale

_NOT_OURS = ("data", "build", "reports", ".")  # what the pipeline writes, and all of the project
_SCALE = "{scale}"


def _folder(text: str) -> str:
    first = next(iter(PurePath(text).parts), ".")
    if text.startswith("~"):
        raise ValueError(f"is '{text}', and DVC knows no ~; write the whole path")
    if first in _NOT_OURS:
        raise ValueError(
            f"is '{text}', but {first if first != '.' else 'the project folder'} is what the "
            "pipeline itself writes; put the images into another folder"
        )
    return text


def _pattern(text: str) -> str:
    if PurePath(text).is_absolute() or ".." in PurePath(text).parts:
        raise ValueError(f"is '{text}', which leaves the folder; write a pattern below it")
    return text


def _with_scale(text: str) -> str:
    if re.findall(r"\{[^}]*\}?|\}", text) != [_SCALE]:
        raise ValueError(f"is '{text}'; write it with {_SCALE}, as 'LR_x{_SCALE}', or scale: files")
    return text


Text = Annotated[str, Field(min_length=1)]
Pattern = Annotated[Text, AfterValidator(_pattern)]


class OwnDataset(BaseModel):
    """Images in a folder of the user's own.

    Args:
        folder: holds all of them; below the project, or a whole path.
        glob: which of its files are the images: all directly in it, if not given.
        hr, lr: of a dataset whose lr is given: which files are hr, and which are lr at each scale,
            by patterns or folders in ``folder``; lr in one pattern has ``{scale}`` in it.
        protocols: those that score it.
        title, licence: for tables and pages.
        redistributable: whether a report may show its pixels to everybody.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Annotated[Text, AfterValidator(_folder)]
    glob: Pattern | None = None
    hr: Pattern | None = None
    lr: (
        Annotated[Pattern, AfterValidator(_with_scale)]
        | Annotated[dict[Scale, Pattern], Field(min_length=1)]
        | None
    ) = None
    protocols: Annotated[tuple[NamedProtocol, ...], AfterValidator(each_once)] = ()
    title: str = ""
    licence: str = "not stated"
    redistributable: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> OwnDataset:
        if (self.hr is None) != (self.lr is None):
            raise ValueError("hr and lr go together; without lr, name the images by glob")
        if self.glob is not None and self.hr is not None:
            raise ValueError("has glob and hr; hr says which images are HR, take out glob")
        return self

    def located(self, name: str, root: Path) -> OwnFolder:
        """Where the images of the dataset lie, seen from the project's folder."""
        return OwnFolder(
            name,
            root / self.folder,
            self.hr or self.glob or "*",
            self.lr if isinstance(self.lr, dict) else {},
            self.lr if isinstance(self.lr, str) else None,
        )

    def source(self, name: str) -> Source:
        """What the catalogue says of it; its files are listed by its manifest alone."""
        title = self.title or f"images of {self.folder}"
        return Source(name, "images", title, self.licence, self.folder, (), self.redistributable)


def scored(content: Mapping[str, Any], own: Mapping[str, OwnDataset]) -> dict[str, Any]:
    """The content of ``params.yaml`` with each dataset of ``own`` under its protocols."""
    protocols = content.get("protocols")
    if not isinstance(protocols, dict):
        return dict(content)
    table = dict(protocols)
    for name, entry in own.items():
        for protocol in map(str, entry.protocols):
            listed = table.get(protocol, [])
            if isinstance(listed, list) and name not in listed:
                table[protocol] = [*listed, name]
    return {**content, "protocols": table}


def with_own(catalogue: Catalogue, own: Mapping[str, OwnDataset], where: Path) -> Catalogue:
    """The catalogue with the datasets of ``params.yaml``.

    Raises:
        WrongUse: for a name that DVC can't read.
        CatalogueError: for a name that it has already.
    """
    if not own:
        return catalogue
    for name in own:
        if "." in name:  # DVC reads datasets.a.b as b in a
            raise WrongUse(f"{where}: datasets.{name}: a name without a dot, please; rename it")
    file = CatalogueFile(f"{where}: datasets", b"", PROJECT)
    found = {name: entry.source(name) for name, entry in own.items()}
    return Catalogue(catalogue.sources.plus(found, file), catalogue.protocols)


def given_protocol(protocol: Protocol, dataset: str, given: str) -> Protocol:
    """The protocol for a dataset whose lr is given: its scoring, under a name of its own.

    lr isn't made as the protocol says, so the numbers are of another protocol; its signature says
    ``lr:given`` with the hash of lr.
    """
    return protocol.model_copy(
        update={
            "name": f"{protocol.name}-on-{dataset}",
            "summary": f"{protocol.summary}; but LR as {dataset} brings it",
            "degradation": GivenLr.of(given),
        }
    )


def given_protocols(
    protocols: Mapping[Protocol, tuple[str, ...]], manifests: Mapping[str, Path]
) -> dict[str, Protocol]:
    """The protocols of all datasets whose lr is given, as far as these have manifests.

    Args:
        protocols: each with the datasets that it scores.
        manifests: of the datasets whose lr is given.
    """
    given = {
        name: read_dataset(path, name, Path()).given
        for name, path in manifests.items()
        if path.is_file()
    }
    made = [
        given_protocol(protocol, name, given[name])
        for protocol, datasets in protocols.items()
        for name in datasets
        if name in given
    ]
    return {protocol.name: protocol for protocol in made}
