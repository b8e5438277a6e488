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

from sr_bench.degrade import Degradation
from sr_bench.errors import SrBenchError, unknown
from sr_bench.weights import RenamedKey

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


@dataclass(frozen=True)
class Published:
    """A published weights file: a group of ``sources.yaml`` and a name in it."""

    group: str
    name: str


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
            it; see :class:`sr_bench.training.reparametrised.Reparametrised`.
        recipes: the method file's ``RECIPES``: variant to name to a recipe's fields, see
            :class:`sr_bench.training.recipe.Recipe`.
    """

    network: Callable[[str, tuple[int, ...]], nn.Module]
    model: Callable[[Mapping[str, torch.Tensor], Setup], Model]
    samples: Callable[[str], Samples]
    recipes: Mapping[str, Mapping[str, Mapping[str, Any]]]
    reparametrised: Callable[[str], nn.Module] | None = None


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
    """

    name: str
    load: Callable[[Setup], Model]
    reference: str
    variants: tuple[str, ...] = ("",)
    published: Mapping[tuple[str, str, int], Published] = field(default_factory=dict)
    training: Training | None = None
    key_map: Callable[[Path, str, int], list[RenamedKey]] | None = None

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
    except Exception as error:
        raise SrBenchError(f"{path}: fails on import with {error!r}; mend the file") from error
    method = getattr(module, "METHOD", None)
    if not isinstance(method, Method):
        raise SrBenchError(
            f"{path}: METHOD is {type(method).__name__}, expected sr_bench.method.Method; "
            "see methods/README.md"
        )
    return method


def load_methods(folders: list[Path]) -> dict[str, Method]:
    """All methods of the folders by name.

    Raises:
        SrBenchError: for a missing folder, or two files whose methods have one name.
    """
    found: dict[str, Method] = {}
    origin: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise SrBenchError(f"{folder}: no such folder of methods; correct params.yaml: methods")
        for path in sorted(folder.glob("*.py")):
            method = load_method(path)
            if method.name in found:
                raise SrBenchError(
                    f"{path}: its method is called '{method.name}', and so is that of "
                    f"{origin[method.name]}; rename one"
                )
            found[method.name], origin[method.name] = method, path
    return found


def find_method(name: str, folders: list[Path]) -> Method:
    """The method of that name, or an error that suggests one."""
    methods = load_methods(folders)
    if name not in methods:
        where = ", ".join(str(f) for f in folders)
        raise unknown("method", name, methods, where=where)
    return methods[name]


def _spell(key: tuple[str, str, int]) -> str:
    variant, weights, scale = key
    return f"{variant} {weights} x{scale}".strip()
