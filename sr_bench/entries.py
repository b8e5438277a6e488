"""What ``params.yaml`` names: runs and trainings, each checked by itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"'{name}' is named {names.count(name)} times; name it once")
    return names


Names = Annotated[tuple[str, ...], AfterValidator(_each_once)]
SomeNames = Annotated[Names, Field(min_length=1)]


class Run(BaseModel):
    """method + variant + weights + scale: the unit that a table's row names.

    A variant that ends in ``+`` is the one before it, with self-ensemble. ``tile`` bounds memory,
    not results: the model sees at most about so many lr pixels a side at a time. ``origin`` is the
    file that the run's weights come from, for DVC: the sources, or weights made here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    variant: str = ""
    weights: str = "none"
    origin: str | None = None
    scale: Literal[2, 3, 4]
    protocols: SomeNames
    tile: Annotated[int, Field(ge=16, strict=True)] | None = None

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


TRAINED = "sr-bench-"  # weights made here are called by this and their training set
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
    scales: Annotated[tuple[Literal[2, 3, 4], ...], Field(min_length=1)]
    start: str | None = None  # the training whose weights this one starts from
    tag: Annotated[str, Field(pattern=r"^[a-z0-9]+$")] | None = None

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
