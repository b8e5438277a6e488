"""One setting in a process of its own: ``python -m sr_bench.timing.measure FOLDER``.

So each has its own peak memory, and when it fails or is killed the others go on.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sr_bench.support.errors import SrBenchError
from sr_bench.timing.devices import pinned
from sr_bench.timing.tasks import Task

MODULE = "sr_bench.timing.measure"
# Files of the folder in which the two processes meet.
MEASURED, FAILURE = "measured.json", "failure.txt"
OUT_OF_MEMORY = "out of memory"
_OUT_OF_MEMORY = (OUT_OF_MEMORY, "can't allocate memory", "not enough memory", "MemoryError")


class OutOfMemory(SrBenchError):
    """A setting that needs more memory than there is."""


@dataclass(frozen=True)
class Measured:
    """What the process hands back: the other fields of a row, and the seconds of each round."""

    facts: dict[str, Any]
    times_s: list[float]

    def write(self, folder: Path) -> None:
        """Hand it back."""
        (folder / MEASURED).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Measured:
        """What was handed back."""
        return cls(**json.loads((folder / MEASURED).read_text(encoding="utf-8")))


def launch(task: Task) -> Measured:
    """Time one setting in a fresh process on the device's cores.

    Raises:
        OutOfMemory: if memory doesn't suffice, or the system killed the process.
        SrBenchError: if it fails for another reason.
    """
    with tempfile.TemporaryDirectory(prefix="sr-bench-time-") as name:
        folder = Path(name)
        task.write(folder)
        done = _run(task, folder)
        if done.returncode and not (folder / MEASURED).is_file():
            raise _failure(task, folder, done)
        return Measured.read(folder)


def _run(task: Task, folder: Path) -> subprocess.CompletedProcess[str]:
    # -P: this package, not one that lies in the current folder.
    command = [sys.executable, "-P", "-m", MODULE, str(folder)]
    with pinned(task.setting.device) as variables:
        environment = os.environ | variables
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _failure(task: Task, folder: Path, done: subprocess.CompletedProcess[str]) -> SrBenchError:
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        if done.returncode == -signal.SIGKILL:
            return OutOfMemory(f"{task.setting}: killed by {name}: {OUT_OF_MEMORY}, most likely")
        return SrBenchError(f"{task.setting}: killed by {name}")
    noted = folder / FAILURE
    why = noted.read_text(encoding="utf-8") if noted.is_file() else _tail(done)
    if any(text in why for text in _OUT_OF_MEMORY):
        return OutOfMemory(f"{task.setting}: {OUT_OF_MEMORY} ({why})")
    return SrBenchError(f"{task.setting}: {why}")


def _tail(done: subprocess.CompletedProcess[str]) -> str:
    said = (done.stdout + done.stderr).strip()[-2000:]
    return f"the timing process ended with {done.returncode}: {said}"
