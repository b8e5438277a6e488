"""What ``params.yaml`` says of the page's viewer: which images, of which runs."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from sr_bench.entries import SomeNames
from sr_bench.protocol import load_protocols
from sr_bench.sources import find_source, load_sources


class ViewerEntry(BaseModel):
    """The images that one page compares.

    ``images`` maps a dataset to names of images (without suffix) or to ``all``; ``runs`` are names
    of runs, or ``all`` for every run that is scored on those datasets under ``protocol``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    protocol: str
    images: dict[str, SomeNames | Literal["all"]] = Field(min_length=1)
    runs: SomeNames | Literal["all"] = "all"

    @field_validator("protocol")
    @classmethod
    def _known_protocol(cls, name: str) -> str:
        load_protocols().protocol(name)
        return name

    @field_validator("images")
    @classmethod
    def _known_datasets(cls, table: dict[str, SomeNames]) -> dict[str, SomeNames]:
        for dataset in table:
            if find_source(dataset).kind == "weights":
                raise ValueError(f"{dataset} holds weights; name a dataset here")
        return table


class ViewerEntries(BaseModel):
    """The viewer of the committed page, and of the one that stays on this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    committed: ViewerEntry | None = None
    local: ViewerEntry | None = None

    @field_validator("committed")
    @classmethod
    def _may_be_committed(cls, entry: ViewerEntry | None) -> ViewerEntry | None:
        for dataset in entry.images if entry else ():
            if not find_source(dataset).redistributable:
                free = ", ".join(s.name for s in load_sources().values() if s.redistributable)
                raise ValueError(
                    f"images of {dataset} may not be redistributed, those of {free} may; "
                    f"move {dataset} to `local`"
                )
        return entry
