"""Runs a challenge's own ``select_model`` in the current folder, on whatever device there is."""

from __future__ import annotations

import ast
import sys
from argparse import Namespace
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sr_bench.support.files import sha256
from sr_bench.timing.challenge.repository import FUNCTION, SCRIPT

_MB = 1_000_000


class Adapted:
    """PyTorch as the challenge's code expects it, and what that code did.

    Weights that were saved on a GPU are read onto the device that there is; ``.cuda()`` moves to
    it. No value changes. The weights' files are noted, and keys that ``strict=False`` passed over.

    Args:
        device: where the network will run.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.files: dict[str, str] = {}
        self.notes: list[str] = []
        self._load: Callable[..., Any] = torch.load
        self._fill: Callable[..., Any] = nn.Module.load_state_dict
        changed: Any = torch
        changed.load = self._loaded
        adapted = self

        def filled(module: nn.Module, *args: Any, **options: Any) -> Any:
            return adapted._filled(module, *args, **options)

        changed.nn.Module.load_state_dict = filled
        if device.type != "cuda":
            changed.nn.Module.cuda = lambda module, *args, **options: self._moved(module)
            changed.Tensor.cuda = lambda tensor, *args, **options: self._moved(tensor)

    def _loaded(self, file: Any, map_location: Any = None, *args: Any, **options: Any) -> Any:
        with suppress(TypeError, OSError):
            path = Path(file)
            self.files[path.name] = sha256(path)
        # The code of the challenge runs anyway, and was written when this was the default.
        options.setdefault("weights_only", False)
        return self._load(file, self.device, *args, **options)

    def _filled(self, module: nn.Module, *args: Any, **options: Any) -> Any:
        found = self._fill(module, *args, **options)
        with suppress(TypeError, ValueError, AttributeError):
            missing, unexpected = found
            if missing or unexpected:
                self._note(
                    f"loaded with strict=False: {len(missing)} parameters of the network are not "
                    f"in the file, {len(unexpected)} of the file not in the network"
                )
        return found

    def _moved(self, what: Any) -> Any:
        self._note(f"asks for CUDA; computed on {self.device}")
        return what.to(self.device)

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def select(team: int, device: torch.device, adapted: Adapted) -> tuple[Any, Any, Any, Any]:
    """Call ``select_model`` of the script in the current folder.

    Imports of the script that fail are passed over: ``select_model`` may not need them (fvcore,
    say), and if it does, its own error says so.

    Returns:
        The network, its name, what white is for it, and the size of tiles.
    """
    sys.path.insert(0, str(Path.cwd()))
    script = Path(SCRIPT)
    names: dict[str, Any] = {"__name__": script.stem, "__file__": str(script.absolute())}
    absent: list[str] = []
    for node in ast.parse(script.read_text(encoding="utf-8")).body:
        part = compile(ast.Module([node], []), str(script), "exec")
        if isinstance(node, ast.Import | ast.ImportFrom):
            try:
                exec(part, names)
            except ImportError as error:
                absent.append(str(error))
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign):
            exec(part, names)
    try:
        network, name, data_range, tile = names[FUNCTION](Namespace(model_id=team), device)
    except NameError as error:
        raise NameError(f"{error} ({'; '.join(absent) or 'nothing failed to import'})") from error
    return network, name, data_range, tile


def limit_memory(megabytes: int) -> None:
    """Let this process take so much memory beyond what it has now; where the system can do that."""
    try:
        import resource
    except ImportError:  # Windows
        return
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:  # not Linux
        return
    most = pages * resource.getpagesize() + megabytes * _MB
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
