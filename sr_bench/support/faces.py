"""What a face needs: a module that keeps an import of 0.1 alive for one release."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any


def moved(old: str, new: str) -> None:
    """Warn whoever imports the module ``old``; to be called at its top level."""
    warnings.warn(
        f"{old} is a name of 0.1 and ends with 0.2; write: {new}", DeprecationWarning, stacklevel=3
    )


def make_callable(name: str, function: Callable[..., Any]) -> None:
    """Let the module ``sr_bench.<name>`` be called as the public function that it hides."""

    class CallableModule(ModuleType):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

    module = sys.modules[name]
    module.__class__ = CallableModule
    module.__doc__ = function.__doc__
