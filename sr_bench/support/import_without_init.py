"""Import a module of a package without the package's ``__init__``, which needs more."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any


def module_without_init(name: str) -> Any:
    """Import ``package.part.module`` without running ``__init__`` of the packages above it.

    Empty packages with the right ``__path__`` stand in for ``package`` and ``package.part``: the
    real ones of basicsr, piq and pyiqa load networks and need torchvision. A package that is
    already imported is left as it is.

    Raises:
        ModuleNotFoundError: if the package isn't installed, or the module needs another.
    """
    parts = name.split(".")[:-1]
    for depth in range(1, len(parts) + 1):
        _empty_package(".".join(parts[:depth]))
    return import_module(name)


def basicsr(name: str) -> Any:
    """A pure module of basicsr; its metrics ask ``basicsr.utils`` for one name, put there here."""
    color = module_without_init("basicsr.utils.color_util")
    sys.modules["basicsr.utils"].bgr2ycbcr = color.bgr2ycbcr  # type: ignore[attr-defined]
    return module_without_init(f"basicsr.{name}")


def _empty_package(name: str) -> None:
    if name in sys.modules:
        return
    top, *rest = name.split(".")
    spec = sys.modules[top].__spec__ if rest else find_spec(top)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"{top} is not installed", name=top)
    package = ModuleType(name)
    package.__spec__ = spec
    package.__path__ = [str(Path(p).joinpath(*rest)) for p in spec.submodule_search_locations]
    sys.modules[name] = package
