"""The contract of a method file, and ``load_method``.

A method file holds ``METHOD``. Its model gets float32 ``(1, C, h, w)`` in [0, 1] and returns
float32 ``(1, C, scale * h, scale * w)`` in about the same range. The harness converts colours,
clamps and rounds; mean shift, padding and checkpoint keys are the method's own.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import nn

from sr_bench.imaging.degrade import Degradation
from sr_bench.networks import method_fields as rules
from sr_bench.networks.method_fields import require
from sr_bench.networks.weights import RenamedKey
from sr_bench.support.errors import SrBenchError, unknown
from sr_bench.support.strict_yaml import shown

ModelColour = Literal["any", "y", "rgb", "ycbcr"]


class Model(Protocol):
    """What ``load`` returns.

    ``colour`` says which planes it wants: ``y`` (C = 1), ``rgb`` or ``ycbcr`` (C = 3), or ``any``
    planes (C = 1 or 3, each treated alike). A model that can be tiled has ``reach`` as well: how
    many lr pixels away an output pixel still depends on.
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
    """A published weights file and its origin.

    Args:
        group: its group in ``sources.yaml``.
        name: its name there.
        trained_on: the training set, as tables name it; empty: as the group says, else not stated.
        by: who trained it; empty: as the group says, else ``authors`` where the weights are called
            ``author...``, else the weights' name.
        label: what figures call the weights, after the method's title; by default the training
            set of the authors' weights, and who trained others.
    """

    group: str
    name: str
    trained_on: str = ""
    by: str = ""
    label: str | None = None

    def __post_init__(self) -> None:
        require("Published", vars(self), _PUBLISHED)


@dataclass(frozen=True)
class Samples:
    """What pairs a network is trained on.

    Args:
        colour: the planes it sees and returns, in [0, 1].
        degradation: how lr is made, a name of ``protocols.yaml``.
        enlarged: whether lr is first enlarged to hr's size, by the same imresize.
        margin: hr pixels that the network in training takes from each side (valid convolutions).
    """

    colour: Literal["y", "rgb", "ycbcr"]
    degradation: str
    enlarged: bool = False
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
    """How a method's networks are trained: the engine does the rest.

    Args:
        network: ``(variant, scales)`` to an untrained network, initialised from PyTorch's global
            generator. It maps (B, C, h, w) to (B, C, H, W); one of several scales is called with
            the batch and its scale.
        model: the network's ``state_dict`` and the run's :class:`Setup` to what ``load`` returns.
        samples: the pairs that a variant is trained on.
        reparametrised: a variant to another form of its untrained network, for recipes that ask for
            it; see :class:`Reparametrised`.
        recipes: the method file's ``RECIPES``: variant to name to a recipe's fields, see
            :class:`sr_bench.training.recipe.Recipe`.
    """

    network: Callable[[str, tuple[int, ...]], nn.Module]
    model: Callable[[Mapping[str, torch.Tensor], Setup], Model]
    samples: Callable[[str], Samples]
    recipes: Mapping[str, Mapping[str, Mapping[str, Any]]]
    reparametrised: Callable[[str], nn.Module] | None = None

    def __post_init__(self) -> None:
        require("Training", vars(self), _TRAINING)


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
        title: what tables and figures call it; the name if empty.
        colour: of its marks in figures, ``#rrggbb``; ``None`` for the next one that is free.
        marker: the shape of its marks, one of matplotlib's; ``None`` for the next one that is free.
        baseline: whether gains are measured against it. One method of a project may be.
        speed_reference: whether ``sr-bench check --timings`` takes the machine's own speed from it.
        filters: whether the report draws its first layer's filters.
        example: ``(path, variant, scale)``: writes a made-up weights file there, as those that are
            published are, for ``sr-bench try``. A method with ``training`` needs none.

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
    title: str = ""
    colour: str | None = None
    marker: str | None = None
    baseline: bool = False
    speed_reference: bool = False
    filters: bool = False
    example: Callable[[Path, str, int], object] | None = None

    def __post_init__(self) -> None:
        require("METHOD", vars(self), _METHOD)
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
        if not isinstance(value, Published):
            raise SrBenchError(
                f"METHOD: published[{shown(key)}] is {shown(value)}, expected Published('group of "
                "sources.yaml', 'file'); correct it"
            )

    def built(self, setup: Setup, name: str) -> Model:
        """The model of a run; whatever ``load`` raises names the run.

        Raises:
            SrBenchError: if ``load`` fails.
        """
        try:
            return self.load(setup)
        except (SrBenchError, MemoryError, ModuleNotFoundError, OSError):
            raise
        except Exception as error:
            raise SrBenchError(
                f"{name}: load fails with {type(error).__name__}: {' '.join(str(error).split())}; "
                f"mend the file of method {self.name}"
            ) from error

    def weights_file(self, variant: str, weights: str, scale: int) -> Published | None:
        """Where the weights of a run come from; ``None`` for a method without weights.

        Raises:
            WrongUse: for a variant or weights that the method doesn't have.
        """
        if variant not in self.variants:
            raise unknown("variant", variant, self.variants, where=f"method {self.name}")
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


_PUBLISHED: dict[str, rules.Rule] = {
    "group": rules.TEXT,
    "name": rules.TEXT,
    "trained_on": rules.MAYBE_TEXT,
    "by": rules.MAYBE_TEXT,
    "label": (lambda value: value is None or isinstance(value, str), "text, or None"),
}
_TRAINING: dict[str, rules.Rule] = {
    "network": rules.CALLABLE,
    "model": rules.CALLABLE,
    "samples": rules.CALLABLE,
    "recipes": (lambda value: isinstance(value, Mapping), "the file's RECIPES, a dictionary"),
    "reparametrised": rules.MAYBE_CALLABLE,
}
_METHOD: dict[str, rules.Rule] = {
    "name": rules.NAME,
    "load": rules.CALLABLE,
    "reference": rules.TEXT,
    "variants": rules.VARIANTS,
    "published": (lambda value: isinstance(value, Mapping), "a dictionary"),
    "training": (lambda value: value is None or isinstance(value, Training), "Training, or None"),
    "key_map": rules.MAYBE_CALLABLE,
    "title": rules.MAYBE_TEXT,
    "colour": rules.COLOUR,
    "marker": rules.MARKER,
    "baseline": rules.FLAG,
    "speed_reference": rules.FLAG,
    "filters": rules.FLAG,
    "example": rules.MAYBE_CALLABLE,
}


def load_method(path: Path) -> Method:
    """Import a method file by its path and return its ``METHOD``.

    Raises:
        SrBenchError: if the file is missing, fails to import, or holds no ``METHOD``.
    """
    if not path.is_file():
        raise SrBenchError(f"{path}: no such method file; methods are files named <method>.py")
    spec = importlib.util.spec_from_file_location(f"sr_bench_method_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise SrBenchError(f"{path}: Python can't load it; a method file is named <method>.py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SrBenchError as error:  # a field that holds something else
        raise SrBenchError(f"{path}: {error}; see methods/README.md") from error
    except (Exception, SystemExit) as error:
        raise SrBenchError(f"{path}: fails on import with {error!r}; mend the file") from error
    method = getattr(module, "METHOD", None)
    if not isinstance(method, Method):
        raise SrBenchError(
            f"{path}: METHOD is {_description(method)}, expected sr_bench.networks.method.Method; "
            "see methods/README.md"
        )
    return method


def _description(method: object) -> str:
    if method is Method:
        return "the class Method itself, without its fields"
    return "missing" if method is None else type(method).__name__


def load_methods(folders: list[Path]) -> dict[str, Method]:
    """All methods of the folders by name.

    Raises:
        SrBenchError: for a missing folder, or two files whose methods have one name.
    """
    return {name: method for name, (_, method) in method_files(folders).items()}


def method_files(folders: list[Path]) -> dict[str, tuple[Path, Method]]:
    """All methods of the folders by name, each with its file.

    Raises:
        SrBenchError: as :func:`load_methods`.
    """
    found: dict[str, tuple[Path, Method]] = {}
    for folder in folders:
        if not folder.is_dir():
            raise SrBenchError(f"{folder}: no such folder of methods; correct params.yaml: methods")
        for path in sorted(folder.glob("[!_]*.py")):
            method = load_method(path)
            if method.name in found:
                raise SrBenchError(
                    f"{path}: its method is called '{method.name}', and so is that of "
                    f"{found[method.name][0]}; rename one"
                )
            found[method.name] = (path, method)
    return found


def find_method(name: str, folders: list[Path]) -> Method:
    """The method of that name, or an error that suggests one."""
    return find_method_file(name, folders)[1]


def find_method_file(name: str, folders: list[Path]) -> tuple[Path, Method]:
    """The file of that method and what is in it, or an error that suggests one."""
    methods = method_files(folders)
    if name not in methods:
        where = ", ".join(str(f) for f in folders)
        raise unknown("method", name, methods, where=where)
    return methods[name]


def _spell(key: tuple[str, str, int]) -> str:
    variant, weights, scale = key
    return f"{variant} {weights} x{scale}".strip()
