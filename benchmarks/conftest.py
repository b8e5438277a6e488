"""What the JSON file must say about the machine for its ratios to mean something."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from sr_bench.parallel import cores

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
    machine_info["versions"] = {p: v for p in PACKAGES if (v := _version(p))}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
