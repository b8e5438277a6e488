"""What the JSON file must say about the machine for its ratios to mean something."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import numpy as np

from sr_bench.support.parallel import cores

PACKAGES = (
    "sr-bench",
    "numpy",
    "scipy",
    "pillow",
    "torch",
    "basicsr",
    "opencv-python-headless",
    "scikit-image",
    "torchmetrics",
    "piq",
)


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """Add cores, SIMD features and versions; leave the host's name out."""
    machine_info.pop("node", None)
    simd = np.show_config(mode="dicts")["SIMD Extensions"]
    machine_info["cores_in_use"] = cores()
    machine_info["simd"] = [*simd["baseline"], *simd["found"]]
    machine_info["bf16"] = _bf16()
    machine_info["versions"] = {p: v for p in PACKAGES if (v := _version(p))}


def _bf16() -> str:
    """The instructions that multiply bf16 matrices, and the GPU; empty without PyTorch."""
    if find_spec("torch") is None:
        return ""
    import torch

    names = {"amx_bf16": "AMX", "avx512_bf16": "AVX-512"}
    there = torch.cpu.get_capabilities()
    found = [name for key, name in names.items() if there.get(key)]
    if torch.cuda.is_available():
        found.append(torch.cuda.get_device_name())
    return ", ".join(found) or "none"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
