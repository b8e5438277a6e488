"""Importing a file of the user's own by its path."""

from __future__ import annotations

import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType


class _Uncached(SourceFileLoader):
    """Compiles the source at each load.

    Python's bytecode cache takes a file of equal size and equal modification time in seconds for
    unchanged.
    """

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def import_file(path: Path, name: str, *, keep: bool = False) -> ModuleType:
    """The module in a file, as its source is now.

    It is in ``sys.modules`` while it runs, where ``dataclass`` looks for it, and afterwards if
    ``keep``.

    Raises:
        Exception: whatever the file raises.
    """
    spec = spec_from_file_location(name, path, loader=_Uncached(name, str(path)))
    if spec is None or spec.loader is None:
        raise ImportError(f"{path}: Python can't load it")
    module = module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        if not keep:
            sys.modules.pop(name, None)
            if before is not None:
                sys.modules[name] = before
    return module
