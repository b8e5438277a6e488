"""Which device computes, and all that depends on that choice.

A device is chosen at run time, by ``--device`` or ``SR_BENCH_DEVICE``. It is recorded beside what
was made, and never part of a run's name.
"""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal, NamedTuple, cast, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sr_bench.networks.method import Model, ModelColour
from sr_bench.networks.modules import network_of, replaced
from sr_bench.support.errors import WrongUse
from sr_bench.support.memory import available, taken_by

DEVICE = "SR_BENCH_DEVICE"  # the environment variable
CPU = torch.device("cpu")
Precision = Literal["float32", "bf16", "fp16"]


class Computing(NamedTuple):
    """Where something is computed, and in what precision."""

    device: torch.device = CPU
    precision: Precision = "float32"

    @property
    def facts(self) -> dict[str, str]:
        """What is recorded: nothing for float32 on the CPU, which everything is compared with."""
        if self == ON_CPU:
            return {}
        on_gpu = self.device.type == "cuda"
        gpu = {"gpu": torch.cuda.get_device_name(self.device)} if on_gpu else {}
        return {"device": self.device.type, **gpu, "precision": self.precision}


ON_CPU = Computing()
_DTYPES = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_WORDS = ("out of memory", "can't allocate memory", "not enough memory")  # of torch's errors
_turns: dict[str, threading.Lock] = {}
_copying: dict[str, Any] = {}  # device -> the CUDA stream of copies back


def devices() -> list[str]:
    """What :func:`choose_device` takes on this machine."""
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    cuda = ["cuda", *(f"cuda:{i}" for i in range(gpus))] if gpus else []
    return ["auto", "cpu", *cuda, *(["mps"] if torch.backends.mps.is_available() else [])]


def choose_device(name: str | None = None) -> torch.device:
    """The device of that name.

    Args:
        name: ``cpu``, ``cuda`` (this process's GPU), ``cuda:1``, ``mps``, or ``auto``: a CUDA GPU
            where there is one, else the CPU. ``mps`` has to be asked for: it computes otherwise.
            ``None``: what ``SR_BENCH_DEVICE`` says, else ``auto``.

    Raises:
        WrongUse: for a device that isn't here, with what is.
    """
    asked = name if name is not None else os.environ.get(DEVICE) or "auto"
    here = devices()
    if asked not in here:
        said = "--device" if name is not None else DEVICE
        raise WrongUse(
            f"{said} is '{asked}', but this machine has {', '.join(here)}; choose one of them"
        )
    if asked == "auto":
        asked = "cuda" if "cuda" in here else "cpu"
    if asked == "cuda":
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device(asked)


def set_up(device: torch.device, *, deterministic: bool = False) -> None:
    """float32 is float32 on a GPU too: without TF32, which cuDNN would use.

    Args:
        device: where will be computed.
        deterministic: whether the same input has to give the same bytes; not for training, where
            it costs time.
    """
    if device.type != "cuda":
        return
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA starts
        torch.backends.cudnn.benchmark = False
        torch.use_deterministic_algorithms(True, warn_only=True)


def in_precision(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """The context to call a model in.

    Raises:
        WrongUse: for fp16 anywhere but on a GPU, or an unknown precision.
    """
    if precision not in get_args(Precision):
        known = ", ".join(get_args(Precision))
        raise WrongUse(f"--precision is '{precision}', expected one of {known}; choose one")
    if precision == "float32":
        return nullcontext()
    if precision == "fp16" and device.type == "cpu":
        raise WrongUse("--precision is fp16, which a CPU hasn't; take bf16 or float32, or a GPU")
    return torch.autocast(device.type, dtype=_DTYPES[precision])


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device, or the machine, had too little memory: torch says so in several ways."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in _WORDS)


def free_memory(device: torch.device) -> None:
    """Give back what torch keeps on a device after too little of it was left."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


@contextmanager
def turn(device: torch.device) -> Iterator[None]:
    """One image at a time on a GPU; several threads may compute on a CPU."""
    if device.type == "cpu":
        yield
        return
    with _turns.setdefault(str(device), threading.Lock()):
        yield


def to_device(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor there. To a GPU from pinned memory: nothing waits for the copy."""
    if device.type == "cuda" and values.device == CPU:
        return values.pin_memory().to(device, non_blocking=True)
    return values.to(device)


def from_device(values: torch.Tensor) -> NDArray[np.float32]:
    """The array of a tensor. From a GPU on a stream of its own: the next image is computed then."""
    if values.device.type != "cuda":
        return cast(NDArray[np.float32], values.cpu().numpy())
    device = values.device
    if str(device) not in _copying:
        _copying[str(device)] = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream = _copying[str(device)]
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        here = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
        here.copy_(values, non_blocking=True)
        values.record_stream(stream)  # its memory isn't used again before it is copied
        done = stream.record_event()
    done.synchronize()
    return cast(NDArray[np.float32], here.numpy())


class Placed(NamedTuple):
    """A model, and the device that it takes its lr on."""

    model: Model
    device: torch.device


def placed(model: Model, device: torch.device) -> Placed:
    """A model on a device: one of its own, where it has a network to move; else on the CPU.

    The model given stays where it is.
    """
    network: Any = network_of(model)
    if network is None or device == CPU:
        return Placed(model, CPU)
    there = copy.deepcopy(network).to(device)
    if network is model:
        return Placed(cast(Model, there), device)
    # It computes on the CPU around its network.
    return Placed(Anywhere(replaced(model, _There(there, device)), CPU), device)


def anywhere(model: Model, device: torch.device) -> Model:
    """A model that computes on a device, and takes lr from any: sr comes back to where lr was."""
    return model if device == CPU else Anywhere(*placed(model, device))


class Anywhere:
    """A model with its device."""

    def __init__(self, model: Model, device: torch.device) -> None:
        self.model, self.device = model, device
        self.colour: ModelColour = model.colour
        for name in ("reach", "batches"):
            if hasattr(model, name):
                setattr(self, name, getattr(model, name))

    def __call__(self, lr: torch.Tensor) -> torch.Tensor:
        """(1, C, h, w) -> (1, C, scale * h, scale * w), on lr's device."""
        return self.model(lr.to(self.device)).to(lr.device)


class _There(nn.Module):
    """A network that takes from the CPU and gives to the CPU."""

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        super().__init__()
        self.network, self.device = network, device
        self.eval()

    def forward(self, *inputs: Any) -> torch.Tensor:
        there = (x.to(self.device) if isinstance(x, torch.Tensor) else x for x in inputs)
        return cast(torch.Tensor, self.network(*there)).cpu()


def free_bytes(device: torch.device) -> int | None:
    """Memory that can be had on a device; ``None`` where it isn't known."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return available()


def taken_on(device: torch.device, call: Callable[[], object]) -> int | None:
    """The most memory that a call takes on a device; ``None`` where it isn't known."""
    if device.type != "cuda":
        return taken_by(call)
    before = int(torch.cuda.memory_allocated(device))
    torch.cuda.reset_peak_memory_stats(device)
    call()
    return int(torch.cuda.max_memory_allocated(device)) - before
