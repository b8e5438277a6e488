"""What ``params.yaml`` holds, checked."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.data.catalogue.entries import CatalogueError, is_name
from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.project.base import extended
from sr_bench.project.entries import FigureEntry, Run, TrainEntry, ViewerEntries
from sr_bench.project.names import NamedProtocol, Names, SomeNames, catalogue_of
from sr_bench.project.own_datasets import OwnDataset, scored, with_own
from sr_bench.support.errors import SrBenchError, WrongUse, unknown
from sr_bench.support.strict_yaml import problems, read_yaml, shown

PARAMS = "params.yaml"
Named = TypeVar("Named", Run, TrainEntry)


# How many trainings an entry starts from: as many dependencies its stage has (dvc.yaml).
_STARTS = {"train": 0, "train_warm": 1, "train_joined": 3}


class Params(BaseModel):
    """The content of ``params.yaml``; unknown keys are errors.

    ``extends`` names another project's, whose runs, protocols and figures this one has too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    extends: str | None = None
    methods: SomeNames
    ledger: str | SomeNames | None
    fetch: Names
    datasets: dict[str, OwnDataset] = {}
    protocols: dict[NamedProtocol, SomeNames]
    runs: dict[str, Run]
    train: dict[str, TrainEntry] = {}
    train_warm: dict[str, TrainEntry] = {}
    train_joined: dict[str, TrainEntry] = {}
    figures: dict[str, FigureEntry] = {}
    viewer: ViewerEntries = ViewerEntries()

    @field_validator("viewer", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return {} if value is None else value

    @field_validator("fetch")
    @classmethod
    def _known_sources(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for name in names:
            catalogue_of(info).sources.require(name)
        return names

    @model_validator(mode="after")
    def _own_are_not_fetched(self) -> Params:
        for name in self.fetch:
            if name in self.datasets:
                raise ValueError(f"fetch: {name} is a folder of datasets; take it out of fetch")
        return self

    @field_validator("protocols")
    @classmethod
    def _known_datasets(
        cls, table: dict[Protocol, tuple[str, ...]], info: ValidationInfo
    ) -> dict[Protocol, tuple[str, ...]]:
        for protocol, datasets in table.items():
            for dataset in datasets:
                if catalogue_of(info).sources.find(dataset).kind == "weights":
                    raise ValueError(f"{protocol}: {dataset} holds weights; name a dataset here")
        return table

    @field_validator("runs", "train", "train_warm", "train_joined")
    @classmethod
    def _names_agree(cls, entries: dict[str, Named]) -> dict[str, Named]:
        for name, entry in entries.items():
            if name != entry.name:
                raise ValueError(f"is called '{name}', its entry makes '{entry.name}'; rename it")
            if not is_name(name):
                raise ValueError(
                    f"is called {shown(name)}, which is no folder's name: method, variant and "
                    "weights are letters, digits and . _ + -; rename them"
                )
        return entries

    @field_validator("train", "train_warm", "train_joined")
    @classmethod
    def _known_data(
        cls, entries: dict[str, TrainEntry], info: ValidationInfo
    ) -> dict[str, TrainEntry]:
        for name, entry in entries.items():
            if catalogue_of(info).sources.find(entry.data).kind == "weights":
                raise ValueError(f"{name}: {entry.data} holds weights; name a dataset here")
        return entries

    @model_validator(mode="after")
    def _starts_are_trained(self) -> Params:
        known = self.trainings
        for group, count in _STARTS.items():
            for name, entry in getattr(self, group).items():
                if len(entry.starts) != count or isinstance(entry.start, tuple) != (count > 1):
                    raise ValueError(
                        f"{name}: start is {entry.start!r}; an entry of train_warm names the "
                        "training it starts from, one of train_joined three, one of train none: "
                        "move it or correct it"
                    )
        for name, entry in known.items():
            for start in entry.starts:
                if start == name:
                    raise ValueError(f"{name}: start is itself; name the training it starts from")
                if start not in known:
                    raise unknown("training", start, known, where=f"{name}: start")
        return self

    @property
    def trainings(self) -> dict[str, TrainEntry]:
        """All weights that can be made, by name."""
        return self.train | self.train_warm | self.train_joined


class _OwnDatasets(BaseModel):
    """That part of ``params.yaml`` which other parts name."""

    datasets: dict[str, OwnDataset] = {}


def read_params(path: Path, catalogue: Catalogue) -> tuple[Params, Catalogue]:
    """Read and check a ``params.yaml``, whose names are those of the catalogue.

    Returns:
        What it holds, and the catalogue with its own datasets.

    Raises:
        CatalogueError: for a dataset of its own whose name is in the catalogue.
        WrongUse: if it is missing, isn't YAML, has a key twice, or an unknown key, name or value.
    """
    if not path.is_file():
        raise WrongUse(f"{path}: no such file; run this in a project folder, or: sr-bench init")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise WrongUse(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    return check_params(text, path, catalogue)


def check_params(text: str, path: Path, catalogue: Catalogue) -> tuple[Params, Catalogue]:
    """The content of a ``params.yaml`` that lies, or shall lie, at ``path``.

    Returns, raises:
        as :func:`read_params`.
    """
    try:
        content = read_yaml(text)
        if isinstance(content, dict):
            content = extended(content, path)
            own = _OwnDatasets.model_validate(content, context=catalogue).datasets
            content, catalogue = scored(content, own), with_own(catalogue, own, path)
        return Params.model_validate(content, context=catalogue), catalogue
    except yaml.YAMLError as error:
        raise WrongUse(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise WrongUse(f"{path}: is nested too deeply; correct it") from error
    except ValidationError as error:
        raise _refused(error, path) from error


def _refused(error: ValidationError, path: Path) -> SrBenchError:
    """What to say; where the catalogue is at fault and not params.yaml, its own error."""
    causes = (detail.get("ctx", {}).get("error") for detail in error.errors())
    ours = next((cause for cause in causes if isinstance(cause, CatalogueError)), None)
    return ours or WrongUse(f"{path}: {problems(error, Params.model_fields)}")
