"""TorchScript archives: a program with its weights, which PyTorch runs."""

from __future__ import annotations

import re
import warnings
import zipfile
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import nn

from sr_bench.networks.foreign.graphs import Engine, Graph, open_graph
from sr_bench.networks.limits import most_bytes
from sr_bench.networks.opened import OpenedModel, OpenOptions
from sr_bench.support.errors import SrBenchError
from sr_bench.support.zips import open_zip

_REMEDY = "save it again, or export it to ONNX"
_FREE = (None, None, None, None)  # its input has no shape that could be read
# Operators of a program that reach beyond its tensors: files by name, the terminal.
_REACHING = re.compile(rb"\b(from_file|save|print|rpc_\w+)\b")


def is_torchscript(path: Path) -> bool:
    """Whether a file is a TorchScript archive."""
    if not zipfile.is_zipfile(path):
        return False
    with open_zip(path, remedy=_REMEDY, most=most_bytes(path)) as bundle:
        return any(n.endswith("/constants.pkl") or "/code/" in n for n in bundle.namelist())


def open_torchscript(path: Path, options: OpenOptions) -> OpenedModel:
    """The model of a TorchScript archive, on the device that is asked for.

    Raises:
        SrBenchError: for a damaged archive, or one whose program opens files.
        WrongUse: for another scale than the one that is asked for.
    """
    _require_harmless(path)
    network = _loaded(path, options.device)
    values = [p for p in (*network.parameters(), *network.buffers()) if p.is_floating_point()]
    dtype = values[0].dtype if values else torch.float32
    graph = Graph(_FREE, dtype, partial(_run, network), network)
    return open_graph(graph, Engine(f"TorchScript ({options.device.type})", path), options)


def _run(network: nn.Module, lr: torch.Tensor) -> torch.Tensor:
    return cast(torch.Tensor, network(lr))


def _require_harmless(path: Path) -> None:
    """Refuse a program that reads or writes files, or prints: PyTorch itself runs it.

    The archive is read by PyTorch's own reader: another one may find other members in it.
    """
    try:
        archive = torch._C.PyTorchFileReader(str(path))
        code = [name for name in archive.get_all_records() if name.endswith(".py")]
        reaching = {name: _REACHING.search(archive.get_record(name)) for name in code}
    except RuntimeError as error:
        raise _unloadable(path, error) from error
    for name, found in reaching.items():
        if found:
            what = "prints" if found[1] == b"print" else "opens files"
            raise SrBenchError(
                f"{path}: refused: its program {what} ({found[1].decode()} in {name}), which "
                "an image needs not; name a file of weights, or an ONNX file"
            )


def _unloadable(path: Path, error: Exception) -> SrBenchError:
    what = " ".join(str(error).split())[:400]
    return SrBenchError(
        f"{path}: a TorchScript archive that PyTorch {torch.__version__} can't load: {what}; "
        f"{_REMEDY}"
    )


def _loaded(path: Path, device: torch.device) -> nn.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # torch.jit is old; such files stay
            network = torch.jit.load(str(path), map_location=device)  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise _unloadable(path, error) from error
    return cast(nn.Module, network.eval())
