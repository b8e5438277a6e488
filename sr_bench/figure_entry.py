"""A comparison figure of ``params.yaml``: which image, which part of it, which runs."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

from sr_bench.entries import SomeNames
from sr_bench.errors import WrongUse
from sr_bench.protocol import load_protocols
from sr_bench.sources import find_source

SMALLEST = 8  # pixels: the least side of a box

_Offset = Annotated[int, Field(ge=0, strict=True)]
_Side = Annotated[int, Field(ge=SMALLEST, strict=True)]


class Box(NamedTuple):
    """A part of hr, in pixels from its top left corner."""

    x: _Offset
    y: _Offset
    width: _Side
    height: _Side

    def __str__(self) -> str:
        return ",".join(str(value) for value in self)


class FigureEntry(BaseModel):
    """HR with a marked box, and the box of each run's SR, enlarged.

    ``image`` is ``<dataset>/<image>``; without ``box`` the part is chosen where the runs differ
    most; ``errors`` adds a map of each run's error.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str
    scale: Literal[2, 3, 4]
    protocol: str
    runs: SomeNames
    box: Box | None = None
    errors: bool = False

    @property
    def dataset(self) -> str:
        """The dataset that the image belongs to."""
        return self.image.partition("/")[0]

    @property
    def name(self) -> str:
        """The image's name in its dataset, with or without the mark at its end (``_GT``)."""
        return self.image.partition("/")[2]

    @field_validator("image")
    @classmethod
    def _known_dataset(cls, image: str) -> str:
        dataset, _, name = image.partition("/")
        if not dataset or not name:
            raise ValueError(f"image is '{image}', expected <dataset>/<image>: Set5/butterfly")
        if find_source(dataset).kind == "weights":
            raise ValueError(f"{dataset} holds weights; name an image of a dataset")
        return image

    @field_validator("protocol")
    @classmethod
    def _known_protocol(cls, name: str) -> str:
        load_protocols().protocol(name)
        return name

    @field_validator("box", mode="before")
    @classmethod
    def _none_is_none(cls, box: object) -> object:
        return None if box == "none" else box


def parse_box(text: str) -> Box:
    """``x,y,w,h`` of a command line.

    Raises:
        WrongUse: if it isn't four whole numbers, or the box is too small.
    """
    try:
        x, y, width, height = (int(part) for part in text.split(","))
    except ValueError as error:
        raise WrongUse(
            f"box is '{text}', expected x,y,w,h in whole pixels, such as 90,20,48,48"
        ) from error
    if min(x, y) < 0 or min(width, height) < SMALLEST:
        raise WrongUse(
            f"box is '{text}': x and y start at 0, w and h at {SMALLEST}; give a larger box"
        )
    return Box(x, y, width, height)
