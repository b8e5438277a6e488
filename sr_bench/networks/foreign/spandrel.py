"""Weights of other people's networks: recognised and built by spandrel."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from sr_bench.networks.foreign.conventions import ForeignModel, padding_of
from sr_bench.networks.foreign.probe import probe
from sr_bench.networks.mat_files import read_mat
from sr_bench.networks.method import ModelColour
from sr_bench.networks.opened import OpenedModel, OpenOptions, Pad
from sr_bench.networks.torch_files import read_checkpoint
from sr_bench.networks.unwrap import some, without_prefix
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.support.files import sha256
from sr_bench.support.filetype import describe
from sr_bench.support.notices import collected_notices

# How the authors of a network pad lr, where its forward pass does something else: the way, and the
# attribute of the network with the multiple. SwinIR's and Swin2SR's test scripts mirror.
_AUTHORS: dict[str, tuple[Pad, str]] = {
    "SwinIR": ("flip-next", "window_size"),
    "Swin2SR": ("flip-next", "window_size"),
}
_COLOURS: dict[int, ModelColour] = {1: "y", 3: "rgb"}
_MISSING = re.compile(r"operator torchvision::(\w+) does not exist")
_NUMBER = re.compile(r"(?<![^.])\d+(?![^.])")  # a part of a key
_NUMBERS_ALWAYS, _NUMBERS = 1000, 10  # that such a part may be; and for each tensor
_defined: list[Any] = []  # libraries of operators; what they define goes when they do


def open_weights(path: Path, options: OpenOptions) -> OpenedModel:
    """The network that spandrel recognises.

    Raises:
        SrBenchError: for weights that it doesn't know, with the first keys, and for other purposes.
        WrongUse: for another scale than the one that is asked for.
    """
    with collected_notices() as notes:
        state = _state(path)
    _require_bounded(path, state)
    registry = _registry(path, state)
    plain = without_prefix(state, lambda keys: _is_known(registry, keys, state))
    if plain is None:
        raise _unknown(path, state)
    keys, prefix = plain
    if prefix:
        notes.append(f"the prefix '{prefix}' was removed from the keys")
    found = _built(registry, {keys[k]: v for k, v in state.items()}, path)
    return _opened(found, path, tuple(notes), options)


def _require_bounded(path: Path, state: Mapping[str, torch.Tensor]) -> None:
    """Refuse what makes a network of any size out of a few bytes.

    Spandrel builds as many blocks as the largest number in a key says, and layers as wide as the
    shapes say, also of tensors without values.
    """
    empty = [key for key, value in state.items() if not value.numel()]
    most = _NUMBERS_ALWAYS + _NUMBERS * len(state)
    beyond = [
        key for key in state if any(len(n) > 6 or int(n) > most for n in _NUMBER.findall(key))
    ]
    if empty or beyond:
        what = "tensors without values" if empty else f"numbers above {most} in keys"
        raise SrBenchError(f"{path}: refused: {what}: {some(empty or beyond)}; save it again")


def _state(path: Path) -> dict[str, torch.Tensor]:
    if describe(path) != "a MATLAB file":
        return read_checkpoint(path)
    return {name: torch.from_numpy(array) for name, array in read_mat(path).items()}


def _registry(path: Path, state: Mapping[str, torch.Tensor]) -> Any:
    """All architectures that spandrel knows, and those of spandrel_extra_arches where installed."""
    try:
        spandrel = beside_torchvision("spandrel")
    except ImportError as error:
        raise SrBenchError(
            f"{path}: no registered method knows it ({_outline(state)}); spandrel may, which isn't "
            f"installed ({error}): pip install 'sr-bench[zoo]'"
        ) from error
    with suppress(ImportError):
        beside_torchvision("spandrel_extra_arches").install(ignore_duplicates=True)
    return spandrel.MAIN_REGISTRY


def beside_torchvision(name: str) -> Any:
    """A module that imports torchvision.

    A torchvision that was built for another PyTorch (pip's beside PyTorch's own CPU build, say)
    fails to import: its operators, which no super-resolution network calls, are missing. They are
    defined, without code, so that the import goes through. A torchvision that fits has them, and
    nothing is done.
    """
    package = name.partition(".")[0]
    for _ in range(8):
        try:
            return import_module(name)
        except RuntimeError as error:
            missing = _MISSING.search(str(error))
            if missing is None:
                raise
            kind: Any = torch.library.Library
            library = kind("torchvision", "FRAGMENT")
            library.define(f"{missing[1]}(Tensor a, Tensor b, float c) -> Tensor")
            _defined.append(library)
            for module in [
                m for m in sys.modules if m.partition(".")[0] in ("torchvision", package)
            ]:
                del sys.modules[module]
    raise SrBenchError(f"{name} can't be imported: torchvision doesn't fit PyTorch; reinstall it")


def _is_known(registry: Any, keys: Collection[str], state: Mapping[str, torch.Tensor]) -> bool:
    renamed = dict(zip(keys, state.values()))
    return any(arch.detect(renamed) for arch in registry.architectures("detection"))


def _built(registry: Any, state: dict[str, torch.Tensor], path: Path) -> Any:
    detected = (a for a in registry.architectures("detection") if a.detect(state))
    architecture = next(detected).architecture
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of PyTorch, about how the network is written
            return architecture.load(state)
    except Exception as error:  # a mere likeness: load_state_dict and others fail
        what = " ".join(str(error).split())[:400]
        raise SrBenchError(
            f"{path}: looks like {architecture.name} to spandrel, but doesn't fit it: "
            f"{type(error).__name__}: {what}; {_remedy()}"
        ) from error


def _opened(found: Any, path: Path, notes: tuple[str, ...], options: OpenOptions) -> OpenedModel:
    name, scale = found.architecture.name, int(found.scale)
    _require_upscaler(found, path)
    if options.scale not in (None, scale):
        raise WrongUse(
            f"{path}: is {name} x{scale}, but the scale asked for is {options.scale}; ask for "
            f"{scale}, or name weights of x{options.scale}"
        )
    model = _model(found, options)
    probed = probe(str(path), [model], options, any_size=False)
    told = (*notes, *probed.notes, *_padding_told(model, options))
    origin = f"spandrel: {name} x{scale}"
    return OpenedModel(path.stem, model, scale, origin, sha256(path), told, model.options)


def _model(found: Any, options: OpenOptions) -> ForeignModel:
    network, sizes = found.model.eval().to(options.device), found.size_requirements
    pad, attribute = _AUTHORS.get(str(found.architecture.id), ("reflect", ""))
    multiple = sizes.multiple_of
    if attribute and options.pad == "author":
        multiple = max(multiple, int(getattr(network, attribute)))
    padding = padding_of(options, multiple=multiple, minimum=max(sizes.minimum, 1), author=pad)
    # What the descriptor's own call does beside: it clamps, and self-ensemble averages before that.
    call = partial(found._call_fn, network)
    colour, white = _COLOURS[found.input_channels], options.value_range
    return ForeignModel(call, colour, white, padding, options, network=network)


def _require_upscaler(found: Any, path: Path) -> None:
    name = found.architecture.name
    if found.purpose != "SR" or found.scale < 2:
        raise SrBenchError(
            f"{path}: is {name}, which spandrel knows for '{found.purpose}' at x{found.scale}; "
            "name a super-resolution model"
        )
    channels = (found.input_channels, found.output_channels)
    if channels[0] not in _COLOURS or channels[0] != channels[1]:
        raise SrBenchError(
            f"{path}: is {name} with {channels[0]} channels in and {channels[1]} out; models with "
            "1 or 3 of both are run; wrap it in a function: file.py:function"
        )


def _padding_told(model: ForeignModel, options: OpenOptions) -> tuple[str, ...]:
    padding = model.padding
    if padding.multiple == 1:
        return ()
    why = "as its authors do" if options.pad == "author" else "as told"
    return (f"lr is padded to a multiple of {padding.multiple} ({padding.mode}, {why})",)


def _unknown(path: Path, state: Mapping[str, torch.Tensor]) -> SrBenchError:
    return SrBenchError(
        f"{path}: neither a registered method nor spandrel knows these weights: {_outline(state)}; "
        f"{_remedy()}"
    )


def _outline(state: Mapping[str, torch.Tensor]) -> str:
    """Count, first keys and shapes."""
    keys = [f"{k} {tuple(v.shape)}" for k, v in state.items()]
    return f"{len(keys)} tensors: {some(keys)}"


def _remedy() -> str:
    return (
        "build the network in a Python file, load the weights there, and name the function that "
        "upscales: file.py:function"
    )
