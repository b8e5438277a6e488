"""The configurations that a method file names, and a file of weights for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from sr_bench.data.catalogue.sources import find_source, installed_sources
from sr_bench.networks.method import Method
from sr_bench.support.errors import SrBenchError

SCALES = (2, 3, 4)  # of a method without weights


class NoFile(SrBenchError):
    """Weights that can neither be found nor made up: nothing can be tried."""


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


def configurations(method: Method) -> list[Configuration]:
    """Those of its published weights; of a method without, each variant at x2, x3 and x4."""
    keys = list(method.published) or [(v, "none", s) for v in method.variants for s in SCALES]
    return [Configuration(method, *key) for key in keys]


def weights_file(of: Configuration, folder: Path, data: Path | None = None) -> Weights:
    """A file to load: the real one below ``data``, or one made up in ``folder``.

    Raises:
        NoFile: if there is none and the method's file doesn't say how to make one.
    """
    published = of.method.weights_file(of.variant, of.weights, of.scale)
    if published is None:
        return NO_WEIGHTS
    if data and published.group in installed_sources():
        real = data / find_source(published.group).folder / published.name
        if real.is_file():
            return Weights(real, made_up=False)
    folder.mkdir(parents=True, exist_ok=True)
    if of.method.example is not None:
        made = folder / Path(published.name).name
        of.method.example(made, of.variant, of.scale)
        return Weights(made)
    if of.method.training is not None:
        return Weights(_untrained(of, folder))
    fetch = f"sr-bench fetch {published.group}"
    raise NoFile(
        f"{of}: {published.name} is not fetched ({fetch}), and METHOD has neither `example`, which "
        "writes a file like it, nor `training`; nothing is tried"
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
