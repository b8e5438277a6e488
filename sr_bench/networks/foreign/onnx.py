"""ONNX files, run by onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from sr_bench.networks.foreign.graphs import Engine, Graph, open_graph
from sr_bench.networks.foreign.onnx_files import external_files
from sr_bench.networks.opened import OpenedModel, OpenOptions
from sr_bench.support.errors import SrBenchError, WrongUse

_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
_TYPES = {
    "tensor(float)": torch.float32,
    "tensor(float16)": torch.float16,
    "tensor(double)": torch.float64,
    "tensor(uint8)": torch.uint8,
}


def open_onnx(path: Path, options: OpenOptions) -> OpenedModel:
    """The model of an ONNX file, on the device that is asked for.

    Raises:
        SrBenchError: for a damaged file, external data elsewhere, or more than one input.
        WrongUse: for a device that this onnxruntime doesn't have, or another scale.
    """
    data = external_files(path)
    provider = _provider(path, options)
    graph = _graph(path, _session(path, provider, options))
    name = f"onnxruntime ({provider.removesuffix('ExecutionProvider')})"
    return open_graph(graph, Engine(name, path, data), options)


def _provider(path: Path, options: OpenOptions) -> str:
    try:
        import onnxruntime
    except ImportError as error:
        raise SrBenchError(
            f"{path}: an ONNX file, which needs onnxruntime ({error}): pip install 'sr-bench[zoo]'"
        ) from error
    wanted = _PROVIDERS.get(options.device.type, "")
    there = onnxruntime.get_available_providers()
    if wanted not in there:
        raise WrongUse(
            f"{path}: the device is {options.device}, but this onnxruntime has {', '.join(there)}; "
            "choose cpu, or install onnxruntime-gpu"
        )
    return wanted


def _session(path: Path, provider: str, options: OpenOptions) -> Any:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3  # errors; its warnings are about the export
    settings.intra_op_num_threads = torch.get_num_threads()
    number = {"device_id": options.device.index or 0} if options.device.type == "cuda" else {}
    try:
        return onnxruntime.InferenceSession(str(path), settings, providers=[(provider, number)])
    except Exception as error:  # onnxruntime's own types, one for each kind of damage
        what = " ".join(str(error).split())[:400]
        raise SrBenchError(f"{path}: onnxruntime can't load it: {what}; export it again") from error


def _graph(path: Path, session: Any) -> Graph:
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1:
        raise SrBenchError(
            f"{path}: has the inputs {_names(inputs)} and the outputs {_names(outputs)}, expected "
            "one image in and one out; export it so, or wrap it in a function: file.py:function"
        )
    kind = inputs[0].type
    if kind not in _TYPES:
        raise SrBenchError(
            f"{path}: its input is {kind}, expected {', '.join(_TYPES)}; export it again"
        )
    name = inputs[0].name

    def run(lr: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(session.run(None, {name: lr.cpu().numpy()})[0])

    shape = tuple(side if isinstance(side, int) else None for side in inputs[0].shape)
    return Graph(shape, _TYPES[kind], run)


def _names(values: Any) -> str:
    return ", ".join(f"'{value.name}' {value.shape}" for value in values) or "none"
