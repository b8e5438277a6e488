"""What is timed: a run on a device, in a precision, on an input."""

from __future__ import annotations

import itertools
import re
from dataclasses import asdict, dataclass
from typing import NamedTuple

# Sr of fixed sizes (height, width): the network alone, its input and output on the device.
SIZES = {
    "180p": (180, 320),
    "360p": (360, 640),
    "720p": (720, 1280),
    "1080p": (1080, 1920),
    "2160p": (2160, 3840),
}
FRAME = "720p"  # the convention
FILES = "720p-png"  # the whole way, a PNG file in and a PNG file out
FRAMES = (*SIZES, FILES)  # every other input is a dataset's name, or the size of an lr image
_LR_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")  # 180x320: height x width

ONE, ALL, GPU = "cpu-1", "cpu-all", "cuda"
DEVICES = (ONE, ALL, GPU)


EAGER, COMPILE, ONNXRUNTIME, OPENVINO = "eager", "compile", "onnxruntime", "openvino"
BACKENDS = (EAGER, COMPILE, ONNXRUNTIME, OPENVINO)
EXPORTED = (ONNXRUNTIME, OPENVINO)  # what runs an ONNX file of the network


class Precision(NamedTuple):
    """How a network is run.

    Args:
        dtype: what autocast computes in, as PyTorch calls it; ``float32`` is no autocast.
        backend: PyTorch as it is, ``torch.compile``, or what runs the network's ONNX export.
        channels_last: the layout of weights and inputs; if not, PyTorch's own, NCHW, and whole
            layers one after the other (:mod:`sr_bench.networks.strips`).
    """

    dtype: str
    backend: str = EAGER
    channels_last: bool = True


_DTYPES = {"float32": "float32", "bf16": "bfloat16", "fp16": "float16"}
PLAIN = "float32-nchw"  # what a plain eager call does, to compare with
PRECISIONS = {
    **{name: Precision(dtype) for name, dtype in _DTYPES.items()},
    PLAIN: Precision("float32", channels_last=False),
    **{f"{name}-{COMPILE}": Precision(dtype, COMPILE) for name, dtype in _DTYPES.items()},
    **{f"float32-{backend}": Precision("float32", backend) for backend in EXPORTED},
}


@dataclass(frozen=True)
class Setting:
    """One row of the timings."""

    run: str
    device: str
    precision: str
    input: str

    def __str__(self) -> str:
        return f"{self.run} {self.device} {self.precision} {self.input}"

    def asdict(self) -> dict[str, str]:
        """The four by name."""
        return asdict(self)


def works_on(precision: str, device: str) -> bool:
    """Whether a device has that precision: fp16 is CUDA's alone, exported networks the CPU's."""
    dtype, backend, _ = PRECISIONS[precision]
    return backend not in EXPORTED if device == GPU else dtype != "float16"


def lr_size(name: str) -> tuple[int, int] | None:
    """Height and width of an input that is named by its lr size, as ``180x320``."""
    found = _LR_SIZE.fullmatch(name)
    return (int(found[1]), int(found[2])) if found else None


def is_alone(name: str) -> bool:
    """Whether an input is for the network alone, in the device's memory: no file, no dataset."""
    return name in SIZES or lr_size(name) is not None


def is_frame(name: str) -> bool:
    """Whether an input is one made-up image, not a dataset."""
    return name in FRAMES or is_alone(name)


def frame_of(scale: int, name: str) -> tuple[int, int]:
    """Height and width of the lr image that ``scale`` enlarges to a frame.

    x3 divides no width of them: 427 x 240 becomes 1281 x 720.
    """
    given = lr_size(name)
    if given is not None:
        return given
    height, width = SIZES[FRAME if name == FILES else name]
    return height // scale, round(width / scale)


def all_settings(
    runs: list[str], devices: list[str], precisions: list[str], inputs: list[str]
) -> list[Setting]:
    """Every combination. Runs change fastest: what is compared is timed in the same minutes."""
    order = itertools.product(devices, inputs, precisions, runs)
    return [Setting(run, device, precision, i) for device, i, precision, run in order]
