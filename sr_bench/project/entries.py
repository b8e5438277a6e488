"""What ``params.yaml`` names: runs, trainings, figures and the page's images, each checked."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from sr_bench.networks.method_fields import TRAINED
from sr_bench.project.names import NamedProtocol, Names, SomeNames, SomeProtocols, catalogue_of
from sr_bench.support.errors import WrongUse
from sr_bench.support.scale import Scale


class Run(BaseModel):
    """method + variant + weights + scale: the unit that a table's row names.

    A variant that ends in ``+`` is the one before it, with self-ensemble. ``tile`` bounds memory,
    not results: the model sees at most about so many lr pixels a side at a time. ``origin`` is the
    file that the run's weights come from, for DVC: the sources, or weights made here. ``also`` are
    datasets that this run is scored on besides those of its protocols.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    variant: str = ""
    weights: str = "none"
    origin: str | None = None
    scale: Scale
    protocols: SomeProtocols
    tile: Annotated[int, Field(ge=16, strict=True)] | None = None
    also: Names = ()

    @field_validator("also")
    @classmethod
    def _known_datasets(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for name in names:
            if catalogue_of(info).sources.find(name).kind == "weights":
                raise ValueError(f"{name} holds weights; name a dataset here")
        return names

    @property
    def base_variant(self) -> str:
        """The method's own name of the variant: without the ``+``."""
        return self.variant.removesuffix("+")

    @property
    def ensemble(self) -> bool:
        """Whether the model is averaged over flips and rotations of lr."""
        return self.variant.endswith("+")

    @property
    def family(self) -> str:
        """The run without its scale, ``srcnn-9-5-5-author-imagenet``, ``edsr-full+-author``."""
        parts = (self.method, self.variant, "" if self.weights == "none" else self.weights)
        return "-".join(p for p in parts if p)

    @property
    def name(self) -> str:
        """The run's name, as ``srcnn-9-5-5-author-imagenet-x3``."""
        return f"{self.family}-x{self.scale}"


_LABELS = {"DIV2K-train": "div2k"}  # others by their dataset's name in small letters


class TrainEntry(BaseModel):
    """How weights are made here: method + variant + recipe + training set + scales.

    ``tag`` ends the name where several trainings make such weights: a run's ``origin`` says whose
    it uses.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    variant: str
    recipe: str
    data: str
    scales: Annotated[tuple[Scale, ...], Field(min_length=1)]
    # the training whose weights this one starts from; several: of a key that more than one has, the
    # first one's
    start: str | Annotated[tuple[str, ...], Field(min_length=2)] | None = None
    tag: Annotated[str, Field(pattern=r"^[a-z0-9]+$")] | None = None

    @property
    def starts(self) -> tuple[str, ...]:
        """The trainings whose weights this one starts from."""
        if isinstance(self.start, str):
            return (self.start,)
        return self.start or ()

    @property
    def label(self) -> str:
        """What tables call the weights, after the training set: ``sr-bench-t91``."""
        return TRAINED + _LABELS.get(self.data, self.data.lower())

    @property
    def name(self) -> str:
        """As ``srcnn-9-5-5-sr-bench-t91-x3``; several scales in one set of weights name none."""
        scale = f"x{self.scales[0]}" if len(self.scales) == 1 else None
        parts = (self.method, self.variant, self.label, scale, self.tag)
        return "-".join(part for part in parts if part)


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
    scale: Scale
    protocol: NamedProtocol
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
    def _known_dataset(cls, image: str, info: ValidationInfo) -> str:
        dataset, _, name = image.partition("/")
        if not dataset or not name:
            raise ValueError(f"image is '{image}', expected <dataset>/<image>: Set5/butterfly")
        if catalogue_of(info).sources.find(dataset).kind == "weights":
            raise ValueError(f"{dataset} holds weights; name an image of a dataset")
        return image

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


class ViewerEntry(BaseModel):
    """The images that one page compares.

    ``images`` maps a dataset to names of images (without suffix) or to ``all``; ``runs`` are names
    of runs, or ``all`` for every run that is scored on those datasets under ``protocol``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    protocol: NamedProtocol
    images: dict[str, SomeNames | Literal["all"]] = Field(min_length=1)
    runs: SomeNames | Literal["all"] = "all"

    @field_validator("images")
    @classmethod
    def _known_datasets(
        cls, table: dict[str, SomeNames], info: ValidationInfo
    ) -> dict[str, SomeNames]:
        for dataset in table:
            if catalogue_of(info).sources.find(dataset).kind == "weights":
                raise ValueError(f"{dataset} holds weights; name a dataset here")
        return table


class ViewerEntries(BaseModel):
    """The viewer of the committed page, and of the one that stays on this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    committed: ViewerEntry | None = None
    local: ViewerEntry | None = None

    @field_validator("committed")
    @classmethod
    def _may_be_committed(
        cls, entry: ViewerEntry | None, info: ValidationInfo
    ) -> ViewerEntry | None:
        sources = catalogue_of(info).sources
        for dataset in entry.images if entry else ():
            if not sources.find(dataset).redistributable:
                free = ", ".join(s.name for s in sources.all().values() if s.redistributable)
                raise ValueError(
                    f"images of {dataset} may not be redistributed, those of {free} may; "
                    f"move {dataset} to `local`"
                )
        return entry
