"""Getting hold of the rivals, none of which the package depends on."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

_REMEDY = "see benchmarks/README.md for how to install the rivals"


def rival(module: str) -> ModuleType:
    """Import a rival's module, or skip the benchmark and say why."""
    try:
        return import_module(module)
    except ImportError as error:
        pytest.skip(f"{module}: {error}; {_REMEDY}")


def basicsr(module: str) -> ModuleType:
    """A pure module of basicsr; the package's own ``__init__`` needs torchvision and more.

    Its metrics ask ``basicsr.utils`` for one name, which is put there by hand.
    """
    rival("cv2")
    _without_init("basicsr", "basicsr.utils", "basicsr.metrics")
    color = rival("basicsr.utils.color_util")
    sys.modules["basicsr.utils"].bgr2ycbcr = color.bgr2ycbcr  # type: ignore[attr-defined]
    return rival(f"basicsr.{module}")


def piq(module: str) -> ModuleType:
    """A pure module of piq; the package's own ``__init__`` loads networks from torchvision."""
    rival("torch")
    _without_init("piq")
    return rival(f"piq.{module}")


def _without_init(*packages: str) -> None:
    """Put empty packages with the right ``__path__`` into ``sys.modules``, parents first.

    Importing a module inside them then runs that module and not the packages' ``__init__``.
    """
    for name in packages:
        if name in sys.modules:
            continue
        top, *rest = name.split(".")
        spec = find_spec(top) if not rest else sys.modules[top].__spec__
        if spec is None or spec.submodule_search_locations is None:
            pytest.skip(f"{top} is not installed; {_REMEDY}")
        package = ModuleType(name)
        package.__spec__ = spec
        folders = [Path(p).joinpath(*rest) for p in spec.submodule_search_locations]
        package.__path__ = [str(f) for f in folders]
        sys.modules[name] = package
