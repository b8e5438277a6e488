"""A network in ONNX Runtime or OpenVINO, by way of an ONNX file that ``torch.onnx`` writes.

The file is made for one size of input, which engines run fastest, and by a process of its own
(``python -m sr_bench.timing.exported FOLDER``): what exporting needs isn't in the peak memory.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sr_bench.imaging.degrade import Degradation
from sr_bench.networks.modules import network_of
from sr_bench.networks.strips import whole_images
from sr_bench.support.errors import SrBenchError
from sr_bench.timing.computation import Computation, Inputs
from sr_bench.timing.setting import ONNXRUNTIME
from sr_bench.timing.tasks import Task, timed_of

MODULE = "sr_bench.timing.exported"
_REQUEST, _FILE, _FAILURE = "export.json", "network.onnx", "failure.txt"
Engine = Callable[[list[NDArray[Any]]], NDArray[np.float32]]


class Exported(Computation):
    """A network that an engine runs on the CPU, from a file for each size of input.

    Args:
        original: the network, or the whole model.
        backend: the engine.
        export: writes the file for such inputs.
    """

    def __init__(
        self, original: Callable[..., Any], backend: str, export: Callable[[Inputs], Path]
    ) -> None:
        super().__init__(original)
        self._open = open_onnxruntime if backend == ONNXRUNTIME else open_openvino
        self._export = export
        self._engines: dict[str, Engine] = {}

    def compute(self, *inputs: Any) -> torch.Tensor:
        """The engine's result."""
        key = json.dumps(_described(inputs))
        if key not in self._engines:
            self._engines[key] = self._open(self._export(inputs), torch.get_num_threads())
        arrays = [x.contiguous().numpy() for x in inputs if isinstance(x, torch.Tensor)]
        return torch.from_numpy(self._engines[key](arrays))


def open_onnxruntime(path: Path, threads: int) -> Engine:
    """The file in ONNX Runtime, on so many threads of the CPU."""
    onnxruntime = _engine("onnxruntime", "zoo")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [tensor.name for tensor in session.get_inputs()]
    return lambda arrays: session.run(None, dict(zip(names, arrays)))[0]


def open_openvino(path: Path, threads: int) -> Engine:
    """The file in OpenVINO, on so many threads of the CPU; float32, though bf16 may be faster."""
    openvino = _engine("openvino", "openvino")
    core = openvino.Core()
    options = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    request = core.compile_model(core.read_model(path), "CPU", options).create_infer_request()
    return lambda arrays: request.infer(arrays, share_inputs=True)[0]


def _engine(name: str, extra: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise SrBenchError(
            f"{name} is not installed: pip install 'sr-bench[{extra},export]'"
        ) from error


@dataclass(frozen=True)
class Exporter:
    """Writes ONNX files of the model of a task into a folder."""

    task: Task
    folder: Path

    def __call__(self, inputs: Inputs, rule: Degradation) -> Path:
        """The network for inputs of these sizes, of the model for lr that ``rule`` makes.

        Raises:
            SrBenchError: if it can't be exported, with the reason.
        """
        folder = self.folder / f"export-{len(list(self.folder.glob('export-*')))}"
        folder.mkdir()
        self.task.write(folder)
        made = {**rule.model_dump(mode="json"), "name": rule.name}
        request = {"inputs": _described(inputs), "rule": made}
        (folder / _REQUEST).write_text(json.dumps(request), encoding="utf-8")
        command = [sys.executable, "-P", "-m", MODULE, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            noted = folder / _FAILURE
            why = noted.read_text(encoding="utf-8") if noted.is_file() else done.stderr[-500:]
            raise SrBenchError(f"its network can't be exported to ONNX: {why}")
        return folder / _FILE


def _described(inputs: Inputs) -> list[Any]:
    """A tensor's shape as a list; a number, such as a scale, as it is."""
    return [list(x.shape) if isinstance(x, torch.Tensor) else x for x in inputs]


class _OfTensors(nn.Module):
    """The network as a function of its tensors alone; its numbers are constants."""

    def __init__(self, network: Callable[..., Any], described: list[Any]) -> None:
        super().__init__()
        self.network, self.described = network, described

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        rest = iter(tensors)
        given = [next(rest) if isinstance(x, list) else x for x in self.described]
        return cast(torch.Tensor, self.network(*given))


def write_onnx(network: Callable[..., Any], described: list[Any], path: Path) -> None:
    """Export a network for inputs of the shapes that :func:`_described` gives."""
    module = _OfTensors(network, described).eval()
    tensors = tuple(torch.zeros(shape) for shape in described if isinstance(shape, list))
    with torch.no_grad(), whole_images(module):
        torch.onnx.export(module, tensors, path, dynamo=True, verbose=False)


def main() -> None:
    """Export what the folder on the command line asks for."""
    folder = Path(sys.argv[1])
    request = json.loads((folder / _REQUEST).read_text(encoding="utf-8"))
    try:
        timed = timed_of(Task.read(folder))
        model = timed.upscaler(Degradation.model_validate(request["rule"])).model
        write_onnx(network_of(model) or model, request["inputs"], folder / _FILE)
    except Exception as error:
        why = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        if isinstance(error, ModuleNotFoundError) and error.name in ("onnx", "onnxscript"):
            why = f"{error.name} is not installed: pip install 'sr-bench[export]'"
        (folder / _FAILURE).write_text(why[:300], encoding="utf-8")
        raise


if __name__ == "__main__":
    main()
