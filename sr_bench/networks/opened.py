"""``open_model``: a model from a file or a function, whatever made it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.imaging.degrade import Degradation
from sr_bench.networks.method import Method, Model
from sr_bench.support.errors import SrBenchError, WrongUse

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
    """

    scale: int | None = None
    value_range: float = 1.0
    bgr: bool = False
    multiple_of: int = 1
    pad: Pad = "author"
    device: torch.device = torch.device("cpu")
    degradation: Degradation | None = None

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
        spec: a file of weights or of a whole model; ``METHOD=FILE`` or ``METHOD:VARIANT=FILE``,
            to say which method a file belongs to; the name of a method without weights.
        methods: those that are registered, with their files.
        options: what else is known.

    Raises:
        WrongUse: where something has to be said, or is said wrongly.
        SrBenchError: if there is no such file, nothing knows it, or the model isn't one.
    """
    from sr_bench.networks.foreign import recognise

    path = Path(spec)
    if not path.exists():
        told = _METHOD_AND_FILE.fullmatch(spec)
        if told and told["method"] in methods:
            file, method, variant = told.group("file", "method", "variant")
            return recognise.as_told(Path(file), method, variant, methods, options)
        if spec in methods:
            return recognise.without_weights(spec, methods, options)
        raise WrongUse(
            f"{spec}: no such file, and no method without weights of that name; a model is a file "
            "of weights or METHOD=FILE"
        )
    opened = recognise.open_checkpoint(path, methods, options)
    if opened is None:
        raise SrBenchError(f"{path}: no registered method knows it")
    return opened


_METHOD_AND_FILE = re.compile(r"(?P<method>[\w.+-]+)(?::(?P<variant>[\w.+-]*))?=(?P<file>.+)", re.S)
