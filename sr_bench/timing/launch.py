"""One setting in a process of its own: benchmarks/test_inference.py under pytest-benchmark."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sr_bench.support.errors import SrBenchError
from sr_bench.timing.devices import pinned
from sr_bench.timing.task import RESULT, VARIABLE, WHY, Task

SUITE = Path(__file__).parents[2] / "benchmarks" / "test_inference.py"
OUT_OF_MEMORY = "out of memory"
_SAID = ("out of memory", "can't allocate memory", "not enough memory", "MemoryError")


class OutOfMemory(SrBenchError):
    """A setting that needs more memory than there is."""


@dataclass(frozen=True)
class Measured:
    """What the process says: the fields of a row that it knows, and pytest-benchmark's numbers."""

    facts: dict[str, Any]
    stats: dict[str, Any]


def require_suite() -> None:
    """Check that there is something to launch.

    Raises:
        SrBenchError: without pytest-benchmark, or outside a clone.
    """
    if find_spec("pytest_benchmark") is None:
        raise SrBenchError("pytest-benchmark is not installed; pip install 'sr-bench[run,test]'")
    if not SUITE.is_file():
        raise SrBenchError(f"{SUITE}: no such file; timing works in a clone of the repository")


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
        if done.returncode:
            raise _failure(task, folder, done)
        (bench,) = json.loads((folder / RESULT).read_text(encoding="utf-8"))["benchmarks"]
    return Measured(bench["extra_info"], bench["stats"])


def _run(task: Task, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", str(SUITE), "--benchmark-only", "-q", "--tb=short"]
    command += ["-p", "no:cacheprovider", f"--benchmark-json={folder / RESULT}"]
    # As one of xdist's workers, which the caller may be, pytest-benchmark would measure nothing.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_XDIST")}
    with pinned(task.setting.device) as variables:
        return subprocess.run(
            command,
            cwd=SUITE.parents[1],
            env={**inherited, **variables, VARIABLE: str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )


def _failure(task: Task, folder: Path, done: subprocess.CompletedProcess[str]) -> SrBenchError:
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        if done.returncode == -signal.SIGKILL:
            return OutOfMemory(f"{task.setting}: killed by {name}: {OUT_OF_MEMORY}, most likely")
        return SrBenchError(f"{task.setting}: killed by {name}")
    noted = folder / WHY
    why = noted.read_text(encoding="utf-8") if noted.is_file() else _tail(done)
    if any(said in why for said in _SAID):
        return OutOfMemory(f"{task.setting}: {OUT_OF_MEMORY} ({why})")
    return SrBenchError(f"{task.setting}: {why}")


def _tail(done: subprocess.CompletedProcess[str]) -> str:
    said = (done.stdout + done.stderr).strip()[-2000:]
    return f"the timing process ended with {done.returncode}: {said}"
