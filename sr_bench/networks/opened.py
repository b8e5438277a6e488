"""``open_model``: a model from a file or a function, whatever made it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch

from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.data.catalogue.sources import Sources
from sr_bench.imaging.degrade import Degradation
from sr_bench.networks.method import Method, Model
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.support.filetype import describe

Methods = Mapping[str, tuple[Path, Method]]  # as method_files returns them
Pad = Literal["author", "reflect", "replicate", "zero", "flip-next"]


@dataclass(frozen=True)
class OpenOptions:
    """What the user says of a model.

    Args:
        scale: the upscaling factor; ``None``: as the file says, or as a call of the model shows.
        value_range: what white is for the model: 1, or 255. Files of ONNX, TorchScript and OpenVINO
            are tried with both.
        bgr: whether its planes are B, G, R.
        multiple_of: lr is padded to a multiple of this, and sr cropped; 1: it isn't.
        pad: what stands in the padding. ``author``: as the authors of the network do, else
            ``reflect``. ``flip-next``: mirrored with the last pixel repeated, always up to the next
            multiple, as SwinIR's test script does.
        device: where it runs.
        degradation: how lr was made, for methods that enlarge lr inside; ``None``: 8-bit RGB.
        sources: what is known by name, which published weights are recognised by; ``None``: what is
            installed.
    """

    scale: int | None = None
    value_range: float = 1.0
    bgr: bool = False
    multiple_of: int = 1
    pad: Pad = "author"
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    degradation: Degradation | None = None
    sources: Sources | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not 0 < self.value_range < math.inf:
            raise WrongUse(f"value range is {self.value_range:g}, expected 1 or 255: what white is")
        if self.multiple_of < 1:
            raise WrongUse(f"multiple of {self.multiple_of}, expected 1 (no padding) or more")

    @property
    def made_by(self) -> Degradation:
        """How lr was made."""
        return self.degradation or load_protocols().degradations["rgb-matlab"]


@dataclass(frozen=True)
class OpenedModel:
    """A model that is ready, and what is known of it.

    Args:
        name: what tables call it.
        model: as a method's: float32 (1, C, h, w) in [0, 1] to ``scale`` times the size.
        scale: its upscaling factor.
        origin: what opened it: ``method edsr baseline x2``, ``spandrel: DAT x4``.
        sha256: of the file, where there is one; of several files a hash of their hashes.
        notes: what was done to open it, for people.
        options: what changes its numbers, for the signature: ``pad:reflect.8``, ``range:255``.
    """

    name: str
    model: Model
    scale: int
    origin: str
    sha256: str | None = None
    notes: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


def open_model(spec: str, *, methods: Methods, options: OpenOptions) -> OpenedModel:
    """Open what ``spec`` names; what a file is follows from its content.

    Args:
        spec: a file of weights or of a whole model; ``file.py:function`` or
            ``package.module:function``; ``METHOD=FILE`` or ``METHOD:VARIANT=FILE``, to say which
            method weights belong to; ``openvino:FILE``; the name of a method without weights.
        methods: those that are registered, with their files.
        options: what else is known.

    Raises:
        WrongUse: where something has to be said, or is said wrongly.
        SrBenchError: if there is no such file, nothing knows it, or the model isn't one.
    """
    path = Path(spec)
    if path.exists():
        return _file(path, methods, options)
    if spec.startswith(_OPENVINO):
        from sr_bench.networks.foreign.openvino import open_openvino

        return open_openvino(_require_file(Path(spec.removeprefix(_OPENVINO))), options)
    if function := _FUNCTION.fullmatch(spec):
        from sr_bench.networks.foreign.function import open_function

        return open_function(spec, function["where"], function["name"], options)
    return _method(spec, methods, options)


_OPENVINO = "openvino:"
_FUNCTION = re.compile(r"(?P<where>.+\.py|[A-Za-z_][\w.]*):(?P<name>[A-Za-z_][\w.]*)", re.S)
_METHOD_AND_FILE = re.compile(r"(?P<method>[\w.+-]+)(?::(?P<variant>[\w.+-]*))?=(?P<file>.+)", re.S)


def _method(spec: str, methods: Methods, options: OpenOptions) -> OpenedModel:
    from sr_bench.networks.foreign import recognise

    told = _METHOD_AND_FILE.fullmatch(spec)
    if told and told["method"] in methods:
        file, method, variant = told.group("file", "method", "variant")
        return recognise.as_told(_require_file(Path(file)), method, variant, methods, options)
    if spec in methods:
        return recognise.without_weights(spec, methods, options)
    raise WrongUse(
        f"{spec}: no such file; a model is a file, file.py:function, METHOD=FILE, or a method "
        f"without weights: {', '.join(recognise.free_of_weights(methods)) or 'none is here'}"
    )


def _file(path: Path, methods: Methods, options: OpenOptions) -> OpenedModel:
    """Open a file by its content: weights, then graphs that an engine runs."""
    from sr_bench.networks.foreign import onnx, openvino, recognise, spandrel, torchscript
    from sr_bench.networks.foreign.onnx_files import is_onnx

    _require_file(path)
    if torchscript.is_torchscript(path):
        return torchscript.open_torchscript(path, options)
    if describe(path) in _WEIGHTS:
        opened = recognise.open_checkpoint(path, methods, options)
        return opened or spandrel.open_weights(path, options)
    if is_onnx(path):
        return onnx.open_onnx(path, options)
    if openvino.is_openvino(path):
        return openvino.open_openvino(path, options)
    hint = "; name its function: file.py:function" if path.suffix == ".py" else ""
    raise SrBenchError(
        f"{path}: is {describe(path)}, not a model: weights (PyTorch, safetensors, MATLAB), ONNX, "
        f"TorchScript or OpenVINO{hint}"
    )


_WEIGHTS = ("a zip archive", "a pickle", "a safetensors file", "a MATLAB file")


def _require_file(path: Path) -> Path:
    if not path.is_file():
        raise WrongUse(f"{path}: is {describe(path)}, expected the file of a model")
    return path
