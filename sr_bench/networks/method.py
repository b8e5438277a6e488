"""The contract of a method file.

A method file holds ``METHOD``. Its model gets float32 ``(1, C, h, w)`` in [0, 1] and returns
float32 ``(1, C, scale * h, scale * w)`` in about the same range. The harness converts colours,
clamps and rounds; mean shift, padding and checkpoint keys are the method's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import nn

from sr_bench.imaging.degrade import Degradation
from sr_bench.networks import method_fields as rules
from sr_bench.networks.weights import RenamedKey
from sr_bench.support.errors import SrBenchError, WrongUse, unknown
from sr_bench.support.scale import SCALES
from sr_bench.support.strict_yaml import shown
from sr_bench.support.titles import title_of

ModelColour = Literal["any", "y", "rgb", "ycbcr"]


class Model(Protocol):
    """What ``load`` returns.

    ``colour`` says which planes it wants: ``y`` (C = 1), ``rgb`` or ``ycbcr`` (C = 3), or ``any``
    planes (C = 1 or 3, each treated alike). A model that can be tiled has ``reach`` as well: how
    many lr pixels away an output pixel still depends on. One that takes (B, C, h, w), and treats
    each image as if it were alone, has ``batches = True``.
    """

    colour: ModelColour

    def __call__(self, lr: torch.Tensor) -> torch.Tensor:
        """(1, C, h, w) -> (1, C, scale * h, scale * w)."""


@dataclass(frozen=True)
class Setup:
    """What ``load`` gets: which model to build, and how the lr it will see was made."""

    variant: str
    weights: str
    file: Path | None  # the weights' file, fetched and verified; None where weights are "none"
    scale: int
    degradation: Degradation  # methods that resample inside do it as lr was made

    def require_file(self, method: str) -> Path:
        """The weights' file, for a method that can't run without weights.

        Raises:
            SrBenchError: if there is none.
        """
        if self.file is None:
            variant = f" {self.variant}" if self.variant else ""
            raise SrBenchError(
                f"{method}{variant}: weights are '{self.weights}', but it can't run without them; "
                "name published or trained weights in params.yaml"
            )
        return self.file


@dataclass(frozen=True)
class Published:
    """A published weights file and its origin."""

    group: str  # its group in `sources.yaml`
    name: str  # its name there
    # the training set, as tables name it; empty: as the group says, else not stated
    trained_on: str = ""
    # who trained it; empty: as the group says, else `authors` where the weights are called
    # `author...`, else the weights' name
    by: str = ""
    # what figures call the weights, after the method's title; by default the training set of the
    # authors' weights, and who trained others
    label: str | None = None

    def __post_init__(self) -> None:
        rules.require("Published", vars(self), rules.PUBLISHED_RULES)


@dataclass(frozen=True)
class Samples:
    """What pairs a network is trained on."""

    colour: Literal["y", "rgb", "ycbcr"]  # the planes it sees and returns, in [0, 1]
    degradation: str  # how lr is made, a name of `protocols.yaml`
    enlarged: bool = False  # whether lr is first enlarged to hr's size, by the same imresize
    # hr pixels that the network in training takes from each side (valid convolutions)
    margin: int = 0


class Reparametrised(Protocol):
    """A form of a network that is easier to train, and folds into the network exactly.

    It is an ``nn.Module`` with the network's inputs and outputs.
    """

    def prepare(self, inputs: torch.Tensor) -> None:
        """See (B, C, p, p) training inputs, float32 in [0, 1], before the first step."""

    def folded(self) -> dict[str, torch.Tensor]:
        """The network's own ``state_dict``."""


@dataclass(frozen=True)
class Training:
    """How a method's networks are trained: the engine does the rest."""

    # `(variant, scales)` to an untrained network, initialised from PyTorch's global generator.
    # It maps (B, C, h, w) to (B, C, H, W); one of several scales is called with the batch and its
    # scale.
    network: Callable[[str, tuple[int, ...]], nn.Module]
    # the network's `state_dict` and the run's Setup to what `load` returns
    model: Callable[[Mapping[str, torch.Tensor], Setup], Model]
    samples: Callable[[str], Samples]  # the pairs that a variant is trained on
    # the method file's `RECIPES`: variant to name to a recipe's fields, see
    # sr_bench.training.recipe.Recipe
    recipes: Mapping[str, Mapping[str, Mapping[str, Any]]]
    # a variant to another form of its untrained network, for recipes that ask for it; see
    # Reparametrised
    reparametrised: Callable[[str], nn.Module] | None = None
    # the weights that a training starts from, maybe another method's, under the network's keys;
    # those whose key or shape the network doesn't have are left out
    adopt: Callable[[Mapping[str, torch.Tensor]], Mapping[str, torch.Tensor]] | None = None

    def __post_init__(self) -> None:
        rules.require("Training", vars(self), rules.TRAINING_RULES)


@dataclass(frozen=True)
class Method:
    """One method.

    Args:
        name: as in the file's name and in tables.
        load: builds the model of a :class:`Setup`.
        variants: the configurations; ``("",)`` where there is just one.
        published: ``(variant, weights, scale)`` to the file that holds those weights.
        training: how its weights are trained here; ``None`` where they can't be.
        key_map: ``(file, variant, scale)`` to how the file's keys become the network's; ``None``
            for a method without checkpoints.
        reference: paper or program, with DOI.
        scales: those that its networks exist for; any other is refused before ``load`` is called.
        title: what tables and figures call it; the name if empty.
        titles: what they call a variant where that isn't title and variant: ``{"m": "CARN-M"}``.
        colour: of its marks in figures, `#rrggbb`; `None` for the next one that is free.
        marker: the shape of its marks, one of matplotlib's; ``None`` for the next one that is free.
        baseline: whether gains are measured against it. One method of a project may be.
        speed_reference: whether ``sr-bench check --timings`` takes the machine's own speed from it.
        filters: whether the report draws its first layer's filters.
        example: ``(path, variant, scale)``: writes a made-up weights file there, as those that are
            published are, for ``sr-bench check-method``. A method with ``training`` needs none.

    Raises:
        SrBenchError: for a field that holds something else, with what is expected.

    Example:
        >>> import torch
        >>> from sr_bench import Method, Setup
        >>> class Nearest:
        ...     colour = "any"
        ...     def __init__(self, setup: Setup) -> None:
        ...         self.scale = setup.scale
        ...     def __call__(self, lr: torch.Tensor) -> torch.Tensor:
        ...         return lr.repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3)
        >>> Method(name="nearest", load=Nearest, reference="each pixel repeated").variants
        ('',)
    """

    name: str
    load: Callable[[Setup], Model]
    reference: str
    variants: tuple[str, ...] = ("",)
    published: Mapping[tuple[str, str, int], Published] = field(default_factory=dict)
    training: Training | None = None
    key_map: Callable[[Path, str, int], list[RenamedKey]] | None = None
    scales: tuple[int, ...] = tuple(SCALES)
    title: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)
    colour: str | None = None
    marker: str | None = None
    baseline: bool = False
    speed_reference: bool = False
    filters: bool = False
    example: Callable[[Path, str, int], object] | None = None

    def __post_init__(self) -> None:
        rules.require("METHOD", vars(self), rules.METHOD_RULES)
        training = (lambda value: value is None or isinstance(value, Training), "Training, or None")
        rules.require("METHOD", vars(self), {"training": training})
        for variant in self.titles:
            if variant not in self.variants:
                raise unknown("variant", variant, self.variants, where="METHOD: titles")
        for key, value in self.published.items():
            self._check_published(key, value)

    def _check_published(self, key: object, value: object) -> None:
        if not _is_key(key):
            raise SrBenchError(
                f"METHOD: a key of published is {shown(key)}, expected (variant, weights, scale), "
                "as ('small', 'author', 2); weights 'none' and 'sr-bench-...' are taken; correct it"
            )
        if key[0] not in self.variants:  # type: ignore[index]
            raise SrBenchError(
                f"METHOD: published has {shown(key)}, but variants are {shown(self.variants)}; "
                "add the variant or correct the key"
            )
        if key[2] not in self.scales:  # type: ignore[index]
            raise SrBenchError(
                f"METHOD: published has {shown(key)}, but scales are {shown(self.scales)}; "
                "add the scale or correct the key"
            )
        if not isinstance(value, Published):
            raise SrBenchError(
                f"METHOD: published[{shown(key)}] is {shown(value)}, expected Published('group of "
                "sources.yaml', 'file'); correct it"
            )

    def called(self, variant: str) -> str:
        """What people call a variant: ``CARN-M``, or title and variant, ``SRCNN 9-5-5``."""
        return title_of(variant, self.title or self.name, self.titles)

    def built(self, setup: Setup, name: str) -> Model:
        """The model of a run; whatever ``load`` raises names the run.

        Raises:
            WrongUse: for a scale that the method doesn't have.
            SrBenchError: if ``load`` fails.
        """
        self.require_scale(setup.scale)
        try:
            return self.load(setup)
        except (SrBenchError, MemoryError, ModuleNotFoundError, OSError):
            raise
        except Exception as error:
            raise SrBenchError(
                f"{name}: load fails with {type(error).__name__}: {' '.join(str(error).split())}; "
                f"mend the file of method {self.name}"
            ) from error

    def require_scale(self, scale: int) -> None:
        """Refuse a scale that the method has no network for.

        Raises:
            WrongUse: naming those that it has.
        """
        if scale not in self.scales:
            listed = ", ".join(map(str, sorted(self.scales)))
            raise WrongUse(
                f"method {self.name}: scale is {scale}, it has {listed}; choose one of them"
            )

    def weights_file(self, variant: str, weights: str, scale: int) -> Published | None:
        """Where the weights of a run come from; ``None`` for a method without weights.

        Raises:
            WrongUse: for a variant, a scale or weights that the method doesn't have.
        """
        if variant not in self.variants:
            raise unknown("variant", variant, self.variants, where=f"method {self.name}")
        self.require_scale(scale)
        if weights == "none" and not self.published:
            return None
        key = (variant, weights, scale)
        if key not in self.published:
            known = [_spell(k) for k in self.published]
            raise unknown("weights", _spell(key), known, where=f"method {self.name}")
        return self.published[key]


def _is_key(key: object) -> bool:
    parts = key if isinstance(key, tuple) and len(key) == 3 else (None, None, None)
    return isinstance(parts[0], str) and rules.is_weights(parts[1]) and rules.is_scale(parts[2])


def _spell(key: tuple[str, str, int]) -> str:
    variant, weights, scale = key
    return f"{variant} {weights} x{scale}".strip()
