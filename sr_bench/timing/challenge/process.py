"""A team's network in a process of its own: asked by lines, bounded in time and memory."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from sr_bench.networks.device import CPU
from sr_bench.networks.foreign.conventions import ForeignModel, Padding
from sr_bench.networks.opened import OpenOptions
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import naming
from sr_bench.support.parallel import cores

_MODULE = "sr_bench.timing.challenge.child"
_START = 300  # seconds that loading PyTorch may take, before the team's own time begins
# What the challenge's code may see of the environment: no tokens.
_PASSED = ("PATH", "PYTHON", "LD_", "CUDA", "NVIDIA", "OMP_", "MKL_", "HOME", "TMP", "TEMP", "LANG",
           "LC_", "SYSTEMROOT", "VIRTUAL_ENV")  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """What one team may take.

    Args:
        seconds: for everything once PyTorch is loaded: the network, all images, and timing.
        memory_mb: beyond what PyTorch itself takes (Linux, on the CPU).
        device: where it runs.
    """

    seconds: float = 300
    memory_mb: int = 8000
    device: torch.device = CPU


class Process:
    """The process and its answers.

    Args:
        child: started by :func:`team_process`.
        folder: in which arrays are exchanged.
        limits: what the team may take.
    """

    def __init__(self, child: subprocess.Popen[str], folder: Path, limits: Limits) -> None:
        self.child, self.folder, self.limits = child, folder, limits
        self._end = time.monotonic() + _START
        self._answers: queue.Queue[str] = queue.Queue()
        self._calls = 0
        threading.Thread(target=self._read, daemon=True).start()
        self._answer("start")
        self._end = time.monotonic() + limits.seconds

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self._answers.put(line)
        self._answers.put("")  # it has ended

    def ask(self, do: str, **told: Any) -> dict[str, Any]:
        """Ask, and wait for the answer.

        Raises:
            SrBenchError: if it fails, ends, or takes longer than it may.
        """
        assert self.child.stdin is not None
        with suppress(OSError):  # it has ended: the answer says so
            print(json.dumps({"do": do, **told}), file=self.child.stdin, flush=True)
        return self._answer(do)

    def _answer(self, do: str) -> dict[str, Any]:
        try:
            line = self._answers.get(timeout=max(0.0, self._end - time.monotonic()))
        except queue.Empty:
            _kill(self.child)
            limit = f"{self.limits.seconds:g} s"
            raise SrBenchError(f"took longer than {limit} ({do}); allow more: --limit") from None
        if not line:
            raise SrBenchError(self._ended())
        answer = json.loads(line)
        if "failed" in answer:
            raise SrBenchError(str(answer["failed"]))
        return dict(answer["done"])

    def call(self, lr: torch.Tensor) -> torch.Tensor:
        """The network: (1, 3, h, w) in its own range, to what it returns."""
        self._calls += 1
        source, target = (self.folder / f"{kind}-{self._calls}.npy" for kind in ("lr", "sr"))
        with naming(source):
            np.save(source, lr.cpu().numpy(), allow_pickle=False)
        self.ask("call", lr=str(source), sr=str(target))
        made = torch.from_numpy(np.load(target, allow_pickle=False))
        source.unlink()
        target.unlink()
        return made

    def model(self, white: float) -> ForeignModel:
        """The network as the harness calls it."""
        return ForeignModel(self.call, "rgb", white, Padding(), OpenOptions())

    def _ended(self) -> str:
        code = self.child.wait()
        if code == -9:  # SIGKILL
            return "its process was killed: out of memory, most likely"
        log = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
        last = " ".join(log.strip()[-300:].split())
        return f"its process ended with {code}: {last or 'it said nothing'}"


@contextmanager
def team_process(repository: Path, limits: Limits) -> Iterator[Process]:
    """A process in a folder of links to the repository: files that it writes are not the user's."""
    with tempfile.TemporaryDirectory(prefix="sr-bench-challenge-") as name:
        folder = Path(name)
        work = folder / "work"
        work.mkdir()
        for path in repository.resolve().iterdir():
            (work / path.name).symlink_to(path)
        with (folder / "log").open("w", encoding="utf-8") as log:
            child = _start(work, log)
            try:
                yield Process(child, folder, limits)
            finally:
                _kill(child)


def _start(work: Path, log: IO[str]) -> subprocess.Popen[str]:
    kept = {k: v for k, v in os.environ.items() if k.upper().startswith(_PASSED)}
    return subprocess.Popen(
        # -P: this package, not one that lies in the challenge's folder.
        [sys.executable, "-P", "-m", _MODULE],
        cwd=work,
        env=kept | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,
    )


def _kill(child: subprocess.Popen[str]) -> None:
    """End the process and all that it started."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    child.wait()


def threads() -> int:
    """Threads of a team's process: as many as PyTorch takes here."""
    return min(cores(), torch.get_num_threads())
