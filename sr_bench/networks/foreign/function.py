"""A function of Python that upscales an image: NumPy or PyTorch in, the same out."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from sr_bench.networks.foreign.conventions import Call, ForeignModel, padding_of
from sr_bench.networks.foreign.probe import probe
from sr_bench.networks.method import ModelColour
from sr_bench.networks.opened import OpenedModel, OpenOptions
from sr_bench.support.errors import SrBenchError, WrongUse, unknown
from sr_bench.support.files import sha256
from sr_bench.support.user_code import import_file

Function = Callable[..., Any]


class Way(NamedTuple):
    """A kind of array that a function may take and return."""

    kind: str  # NumPy, or PyTorch
    text: str
    call: Callable[[Function, torch.Tensor], torch.Tensor]
    colour: ModelColour = "rgb"
    white: float | None = None  # None: as told


def open_function(spec: str, where: str, name: str, options: OpenOptions) -> OpenedModel:
    """The function ``name`` of a file or module, called in the first way that works.

    The ways: a NumPy array (h, w, 3) of uint8; one of float32; a float32 tensor (1, 3, h, w); one
    of (1, 1, h, w). The annotation of its first argument, NumPy's or PyTorch's, leaves the others
    out.

    Raises:
        WrongUse: if there is no such file, module or function, or for another scale.
        SrBenchError: if the import fails, or the function in each of these ways.
    """
    module, file = _module(spec, where)
    function = _found(spec, module, name)
    network = function.to(options.device) if isinstance(function, nn.Module) else None
    ways = [w for w in WAYS if w.kind in _kinds(function)]
    function = _bound(spec, function, options)
    models = {id(m): (m, way) for m, way in _models(function, ways, network, options)}
    probed = probe(spec, [m for m, _ in models.values()], options)
    model, way = models[id(probed.model)]
    notes = [f"called with {way.text} from 0 to {model.value_range:g}", *probed.notes]
    if file is not None:
        notes.append(f"the hash is that of {file.name} alone, not of what it imports")
    short = f"{Path(where).stem}.{name}" if where.endswith(".py") else f"{where}.{name}"
    digest = None if file is None else sha256(file)
    return OpenedModel(
        short, model, probed.scale, f"function {spec}", digest, tuple(notes), model.options
    )


def _module(spec: str, where: str) -> tuple[ModuleType, Path | None]:
    """The module, and its file where it has one; its neighbours can be imported too."""
    path = Path(where)
    if where.endswith(".py") and not path.is_file():
        raise WrongUse(f"{spec}: no such file: {path}; a function is named file.py:function")
    folder = str(path.resolve().parent if where.endswith(".py") else Path.cwd())
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        if where.endswith(".py"):
            module = import_file(path, f"sr_bench_function_{path.stem}", keep=True)
        else:
            module = importlib.import_module(where)
    except (Exception, SystemExit) as error:
        raise SrBenchError(
            f"{spec}: {where} fails on import with {type(error).__name__}: "
            f"{' '.join(str(error).split())}; mend it"
        ) from error
    file = getattr(module, "__file__", None)
    return module, None if file is None else Path(file)


def _found(spec: str, module: ModuleType, name: str) -> Function:
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is None:
        own = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        raise unknown("function", name, own, where=spec.removesuffix(f":{name}"))
    if not callable(found) or isinstance(found, type):
        what = "a class" if isinstance(found, type) else type(found).__name__
        raise WrongUse(f"{spec}: {name} is {what}, expected a function or a loaded model")
    return found  # type: ignore[no-any-return]


def _bound(spec: str, function: Function, options: OpenOptions) -> Function:
    """The function with the scale, where it takes one."""
    parameter = _parameters(function).get("scale")
    if parameter is None:
        return function
    if options.scale is None:
        if parameter.default is not inspect.Parameter.empty:
            return function
        raise WrongUse(f"{spec}: takes the scale; name one with --scale")
    return partial(function, scale=options.scale)


def _parameters(function: Function) -> dict[str, inspect.Parameter]:
    try:
        target = function.forward if isinstance(function, nn.Module) else function
        return dict(inspect.signature(target).parameters)
    except (TypeError, ValueError):  # written in C
        return {}


def _kinds(function: Function) -> tuple[str, ...]:
    """Kinds of arrays that it may take, by the annotation of its first argument."""
    if isinstance(function, nn.Module):
        return ("PyTorch",)
    first = next(iter(_parameters(function).values()), None)
    text = "" if first is None else str(first.annotation)
    if "Tensor" in text:
        return ("PyTorch",)
    return ("NumPy",) if "ndarray" in text or "NDArray" in text else ("NumPy", "PyTorch")


def _models(
    function: Function, ways: list[Way], network: nn.Module | None, options: OpenOptions
) -> Iterator[tuple[ForeignModel, Way]]:
    for way in ways:
        call: Call = partial(way.call, function)
        white = way.white or options.value_range
        padding = padding_of(options)
        yield ForeignModel(call, way.colour, white, padding, options, network=network), way


def _as_uint8(function: Function, lr: torch.Tensor) -> torch.Tensor:
    planes = lr[0].permute(1, 2, 0).clamp(0, 255).round().to(torch.uint8)
    return _array(function(planes.cpu().contiguous().numpy()), "uint8", lambda k: k == np.uint8)


def _as_float(function: Function, lr: torch.Tensor) -> torch.Tensor:
    planes = lr[0].permute(1, 2, 0).cpu().contiguous().numpy()
    return _array(function(planes), "floats", lambda k: k.kind == "f")


def _array(sr: Any, expected: str, fits: Callable[[np.dtype[Any]], bool]) -> torch.Tensor:
    if not isinstance(sr, np.ndarray):
        raise TypeError(f"it returns {type(sr).__name__} for a NumPy array, expected one")
    if not fits(sr.dtype) or sr.ndim != 3:
        raise TypeError(f"it returns {sr.shape} {sr.dtype}, expected (H, W, 3) of {expected}")
    return torch.from_numpy(np.ascontiguousarray(sr, np.float32)).permute(2, 0, 1)[None]


def _as_tensor(function: Function, lr: torch.Tensor) -> torch.Tensor:
    sr = function(lr)
    if not isinstance(sr, torch.Tensor):
        raise TypeError(f"it returns {type(sr).__name__} for a tensor, expected one")
    return sr


WAYS = (
    Way("NumPy", "a NumPy array (h, w, 3) of uint8", _as_uint8, white=255.0),
    Way("NumPy", "a NumPy array (h, w, 3) of float32", _as_float),
    Way("PyTorch", "a float32 tensor (1, 3, h, w)", _as_tensor),
    Way("PyTorch", "a float32 tensor (1, 1, h, w) of Y", _as_tensor, "y"),
)
