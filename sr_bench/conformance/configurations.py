"""The configurations that a method file names, and a file of weights for each."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch

from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.networks.method import Method
from sr_bench.support.errors import SrBenchError, WrongUse, unknown

SCALES = (2, 3, 4)  # of a method without weights, where it has them


class NoFile(SrBenchError):
    """Weights that can neither be found nor made up: nothing can be checked."""


class Weights(NamedTuple):
    """A file to load, ``None`` for a method without weights, and whether it is made up."""

    file: Path | None
    made_up: bool = True


NO_WEIGHTS = Weights(None, made_up=False)


@dataclass(frozen=True)
class Configuration:
    """A method's variant, weights and scale."""

    method: Method
    variant: str
    weights: str
    scale: int

    def __str__(self) -> str:
        parts = (self.method.name, self.variant, self.weights, f"x{self.scale}")
        return "-".join(part for part in parts if part)


@dataclass(frozen=True)
class Choice:
    """Which configurations of a method to check, and where their weights are.

    Args:
        data: the folder below which fetched weights lie.
        variant: only this one.
        scale: only this one.
        weights: the file to load; the variant and the scale are then one each.
        catalogue: what is known by name.
    """

    data: Path
    variant: str | None = None
    scale: int | None = None
    weights: Path | None = None
    catalogue: Catalogue = field(default_factory=Catalogue.installed)


def configurations(method: Method, choice: Choice | None = None) -> list[Configuration]:
    """Those of its published weights; of a method without, each variant at x2, x3 and x4.

    Raises:
        WrongUse: if the method has none that is chosen, or a file of weights could be of several.
    """
    if choice is not None and choice.scale is not None:
        method.require_scale(choice.scale)
    usual = tuple(s for s in SCALES if s in method.scales) or method.scales
    scales = usual if choice is None or choice.scale is None else (choice.scale,)
    keys = list(method.published) or [(v, "none", s) for v in method.variants for s in scales]
    every = [Configuration(method, *key) for key in keys]
    if choice is None:
        return every
    if choice.variant is not None and choice.variant not in method.variants:
        raise unknown("variant", choice.variant, method.variants, where=f"method {method.name}")
    fit = [
        of
        for of in every
        if choice.variant in (None, of.variant) and choice.scale in (None, of.scale)
    ]
    if choice.weights is not None:
        return [_of_file(method, choice, choice.weights, fit)]
    if not fit:
        raise WrongUse(
            f"method {method.name} has no published weights of {choice.variant or 'any variant'} "
            f"x{choice.scale}; it has {', '.join(map(str, every))}; or give --weights FILE"
        )
    return fit


def _of_file(method: Method, choice: Choice, file: Path, fit: list[Configuration]) -> Configuration:
    """What the file is of: published under its name, else as the variant and the scale say."""
    if not file.is_file():
        raise SrBenchError(f"{file}: no such file; name the file of the method's weights")
    published = method.published
    named = [
        of
        for of in fit
        if (entry := published.get((of.variant, of.weights, of.scale)))
        and Path(entry.name).name == file.name
    ]
    if len(named) == 1:
        return named[0]
    variants = {choice.variant} if choice.variant is not None else {*method.variants}
    scales = {of.scale for of in fit if published} if choice.scale is None else {choice.scale}
    if len(variants) != 1 or len(scales) != 1:
        raise WrongUse(
            f"{file}: which variant ({', '.join(method.variants)}) and scale of method "
            f"{method.name} it is of is open; say --variant and --scale"
        )
    return Configuration(method, variants.pop(), file.stem, scales.pop())


def weights_file(of: Configuration, folder: Path, choice: Choice | None = None) -> Weights:
    """A file to load: the one that was chosen, the real one, or one made up in ``folder``.

    Raises:
        NoFile: if there is none and the method's file doesn't say how to make one.
    """
    method, published = of.method, of.method.published.get((of.variant, of.weights, of.scale))
    if choice is not None and choice.weights is not None:
        return Weights(choice.weights, made_up=False)
    if choice is not None and published is not None and published.group in choice.catalogue.sources:
        folder_of = choice.catalogue.sources.find(published.group).folder
        real = choice.data / folder_of / published.name
        if real.is_file():
            return Weights(real, made_up=False)
    folder.mkdir(parents=True, exist_ok=True)
    if method.example is not None:
        made = folder / Path("example" if published is None else published.name).name
        method.example(made, of.variant, of.scale)
        return Weights(made)
    if method.training is not None:
        return Weights(_untrained(of, folder))
    if published is None:
        return NO_WEIGHTS
    fetch = f"sr-bench fetch {published.group}"
    raise NoFile(
        f"{of}: {published.name} is not fetched ({fetch}), --weights names no other file, and "
        "METHOD has neither `example`, which writes a file like it, nor `training`; nothing is "
        "checked"
    )


def _untrained(of: Configuration, folder: Path) -> Path:
    from safetensors.torch import save_file

    training = of.method.training
    assert training is not None
    torch.manual_seed(0)
    path = folder / f"{of}.safetensors"
    state = training.network(of.variant, (of.scale,)).state_dict()
    save_file({key: value.contiguous().clone() for key, value in state.items()}, path)
    return path
