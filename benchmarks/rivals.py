"""Getting hold of the rivals, none of which the package depends on."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from sr_bench.support import import_without_init

_REMEDY = "see benchmarks/README.md for how to install the rivals"


def rival(module: str, get: Callable[[str], Any] = import_module) -> Any:
    """Import a rival's module, or skip the benchmark and say why."""
    try:
        return get(module)
    except ImportError as error:
        pytest.skip(f"{module}: {error}; {_REMEDY}")


def torchmetrics(module: str) -> Any:
    """A module of torchmetrics, which imports torchvision where that is installed."""
    from sr_bench.networks.foreign.spandrel import beside_torchvision

    return rival(f"torchmetrics.{module}", beside_torchvision)


def basicsr(module: str) -> Any:
    """A pure module of basicsr; the package's own ``__init__`` needs torchvision and more."""
    rival("cv2")
    return rival(module, import_without_init.basicsr)


def piq(module: str) -> Any:
    """A pure module of piq; the package's own ``__init__`` loads networks from torchvision."""
    rival("torch")
    return rival(f"piq.{module}", import_without_init.module_without_init)


def pyiqa(module: str) -> Any:
    """A pure module of pyiqa; the package's own ``__init__`` loads networks from torchvision."""
    from sr_bench.networks.foreign.spandrel import beside_torchvision

    rival("torchvision", beside_torchvision)
    return rival(f"pyiqa.{module}", import_without_init.module_without_init)
