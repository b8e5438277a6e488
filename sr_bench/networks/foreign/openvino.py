"""OpenVINO's files (.xml and .bin), and ONNX files where OpenVINO is asked to run them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from sr_bench.networks.foreign.graphs import Engine, Graph, open_graph
from sr_bench.networks.foreign.onnx_files import external_files, is_onnx
from sr_bench.networks.opened import OpenedModel, OpenOptions
from sr_bench.support.errors import SrBenchError, WrongUse

_HEAD = 4096
_TYPES = {"f32": torch.float32, "f16": torch.float16, "f64": torch.float64, "u8": torch.uint8}


def is_openvino(path: Path) -> bool:
    """Whether a file is the XML of an OpenVINO model."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return head.lstrip().startswith(b"<?xml") and b"<net" in head and b"<layers" in head


def open_openvino(path: Path, options: OpenOptions) -> OpenedModel:
    """The model of an .xml with its .bin, or of an ONNX file, in float32 on the CPU.

    Raises:
        SrBenchError: if OpenVINO isn't there or can't load it, or it has more than one input.
        WrongUse: for another device, or another scale than the one that is asked for.
    """
    if options.device.type != "cpu":
        raise WrongUse(f"{path}: OpenVINO runs on cpu here, the device is {options.device}")
    others = external_files(path) if is_onnx(path) else (path.with_suffix(".bin"),)
    if not all(other.is_file() for other in others):
        raise SrBenchError(f"{path}: its weights, {others[0]}, aren't there; put them beside it")
    graph = _graph(path, _compiled(path))
    return open_graph(graph, Engine("OpenVINO (CPU)", path, others), options)


def _compiled(path: Path) -> Any:
    try:
        import openvino
    except ImportError as error:
        raise SrBenchError(
            f"{path}: needs OpenVINO ({error}): pip install 'sr-bench[openvino]'"
        ) from error
    # Without the hint it chooses half precision on processors that have it.
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    try:
        return openvino.Core().compile_model(path, "CPU", settings)
    except RuntimeError as error:
        what = " ".join(str(error).split())[:400]
        raise SrBenchError(f"{path}: OpenVINO can't load it: {what}; export it again") from error


def _graph(path: Path, model: Any) -> Graph:
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        inputs, outputs = (", ".join(map(_name, ports)) for ports in (model.inputs, model.outputs))
        raise SrBenchError(
            f"{path}: has the inputs {inputs} and the outputs {outputs}, expected one image in and "
            "one out; export it so, or wrap it in a function: file.py:function"
        )
    port = model.inputs[0]
    kind = port.element_type.get_type_name()
    if kind not in _TYPES:
        raise SrBenchError(f"{path}: its input is {kind}, expected {', '.join(_TYPES)}")
    shape = tuple(None if side.is_dynamic else side.get_length() for side in port.partial_shape)

    def run(lr: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(model(lr.numpy())[0].copy())

    return Graph(shape, _TYPES[kind], run)


def _name(port: Any) -> str:
    return f"'{port.any_name}' {port.partial_shape}"
