"""What sr-bench takes, against how much it is given: time, peak memory, fitted exponents.

``python -m benchmarks.scaling [images] [pixels] [runs] [workers] [units]``, by default all. Every
command runs in a process of its own, in a made-up project below ``--folder``; its peak is the
largest resident memory of it and its workers together. ``--large`` measures up to 10,000 images,
100 megapixels and 20 times the runs of this repository: half an hour on two cores.

A cell is CPU seconds (wall seconds), peak memory. An exponent is the slope of log(CPU seconds, or
memory) against log(size), both without what the smallest size takes: 1 is as the work, 2 its
square, 0 nothing.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sr_bench.support.parallel import cores

from .made_up import SET, Images, project_of_images, project_of_tables

RUNS = 61  # of this repository
TABLES = {"five": 5, "fourteen": 14, "hundred": 100}  # images of the sets that it scores
_POLL = 0.02


@dataclass(frozen=True)
class Taken:
    """What a command took."""

    seconds: float
    cpu: float  # seconds, of it and its workers: what other work beside it changes less
    peak_mb: float


@dataclass(frozen=True)
class Row:
    """A command at one size."""

    work: str
    size: float
    taken: Taken


def measured(words: Sequence[str | int], folder: Path) -> Taken:
    """Run ``sr-bench`` there; peak memory is that of the process and all its children together."""
    command = [sys.executable, "-m", "sr_bench", *map(str, words)]
    start, before = time.perf_counter(), _cpu()
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        peaks: dict[int, int] = {}
        watch = threading.Thread(target=_watch, args=(process, peaks))
        watch.start()
        _, said = process.communicate()
        watch.join()
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}: {said}")
    seconds, cpu = time.perf_counter() - start, _cpu() - before
    return Taken(seconds, cpu, sum(peaks.values()) / 1e6)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(process: subprocess.Popen[str], peaks: dict[int, int]) -> None:
    while process.poll() is None:
        for pid in _family(process.pid):
            peaks[pid] = max(peaks.get(pid, 0), _most_held(pid))
        time.sleep(_POLL)


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


def _most_held(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def images(folder: Path, large: bool) -> Iterator[Row]:
    """Images of 64 x 64: index, upscale by bicubic and by a small network, score."""
    for count in (100, 1000, 10_000) if large else (100, 300, 1000):
        root = folder / f"images-{count}"
        project_of_images(root, Images(count, 64, 64))
        yield from _stages(root, count, ("bicubic-x2", "small-x2"))


def pixels(folder: Path, large: bool) -> Iterator[Row]:
    """One image of so many megapixels through the same."""
    for side in (1000, 2000, 4000, 10_000) if large else (500, 1000, 2000):
        root = folder / f"pixels-{side}"
        project_of_images(root, Images(1, side, side))
        yield from _stages(root, side**2 / 1e6, ("bicubic-x2", "small-x2"))


def _stages(root: Path, size: float, runs: Sequence[str]) -> Iterator[Row]:
    yield Row("index", size, measured(["fetch", SET], root))
    for run in runs:
        measured(["fetch", "--run", run], root)
        yield Row(f"upscale {run}", size, measured(["upscale", run], root))
        yield Row(f"upscale {run}, all there", size, measured(["upscale", run], root))
    yield Row("score", size, measured(["score", runs[0]], root))


def runs(folder: Path, large: bool) -> Iterator[Row]:
    """Report and page of so many runs on 119 images each."""
    for count in (RUNS, 4 * RUNS, 20 * RUNS) if large else (RUNS // 4, RUNS, 2 * RUNS):
        root = folder / f"runs-{count}"
        project_of_tables(root, count, TABLES)
        yield Row("report and page", count, measured(["report"], root))


def workers(folder: Path, large: bool) -> Iterator[Row]:
    """100 images of 480 x 320 by one and by two workers, of each kind."""
    root = folder / "workers"
    project_of_images(root, Images(400 if large else 100, 320, 480, runs=("small",)))
    measured(["fetch", SET], root)
    measured(["fetch", "--run", "small-x2"], root)
    for kind in ("processes", "dask"):
        for count in range(1, cores() + 1):
            by = ["--executor", kind, "--workers", count]
            _forget(root)
            taken = measured(["upscale", "small-x2", *by], root)
            yield Row(f"upscale small-x2, {kind}", count, taken)
            yield Row(f"score, {kind}", count, measured(["score", "small-x2", *by], root))


def units(folder: Path, large: bool) -> Iterator[Row]:
    """Tiny blocks, each of work that takes no time: what giving out one costs."""
    for kind in ("processes", "dask"):
        for count in (1000, 2000, 4000):
            start, before = time.perf_counter(), _cpu()
            code = _UNITS.format(kind=kind, count=count)
            subprocess.run([sys.executable, "-c", code], check=True, cwd=folder)
            taken = Taken(time.perf_counter() - start, _cpu() - before, 0)
            yield Row(f"{kind}, two workers", count, taken)


_UNITS = """
from sr_bench.support.executors import ExecutorOptions
from sr_bench.support.units import in_order
if __name__ == "__main__":
    with ExecutorOptions("{kind}", 2).opened(lambda text: None) as executor:
        in_order(executor, abs, list(range(-{count}, 0)))
"""


def _forget(root: Path) -> None:
    for name in ("sr", "made"):
        shutil.rmtree(root / "build" / name, ignore_errors=True)


PARTS: dict[str, tuple[Callable[[Path, bool], Iterator[Row]], str]] = {
    "images": (images, "images of 64 x 64"),
    "pixels": (pixels, "megapixels of one image"),
    "runs": (runs, "runs"),
    "workers": (workers, "workers"),
    "units": (units, "units"),
}


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """The slope of log(value) against log(size), beyond what the smallest size takes."""
    x, y = np.asarray(sizes[1:]) - sizes[0], np.asarray(values[1:]) - values[0]
    if len(x) < 2 or (y <= 0.05 * values[0]).any():  # nothing that grows
        return 0.0
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def _cell(taken: Taken) -> str:
    memory = f", {taken.peak_mb:,.0f} MB" if taken.peak_mb else ""
    return f"{taken.cpu:.1f} s ({taken.seconds:.1f} s){memory}"


def table(unit: str, rows: Sequence[Row]) -> str:
    """Markdown: a row for each kind of work, time and peak memory at each size."""
    sizes = sorted({row.size for row in rows})
    head = " | ".join(f"{size:,g}" for size in sizes)
    lines = [f"| {unit} | {head} | time grows as | memory grows as |"]
    lines.append("| --- |" + " ---: |" * (len(sizes) + 2))
    for work in dict.fromkeys(row.work for row in rows):
        taken = {row.size: row.taken for row in rows if row.work == work}
        cells = [_cell(t) for t in taken.values()]
        grows = [
            f"{exponent(list(taken), [getattr(t, name) for t in taken.values()]):.2f}"
            for name in ("cpu", "peak_mb")
        ]
        lines.append(f"| {work} | {' | '.join([*cells, *grows])} |")
    return "\n".join(lines)


def main() -> None:
    """Measure the parts that are asked for, and print a table of each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], default=list(PARTS))
    parser.add_argument("--large", action="store_true", help="the sizes of docs/scaling.md")
    parser.add_argument("--folder", type=Path, help="where made-up projects go; default: a new one")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sr-bench-scaling-", dir=asked.folder) as name:
        for part in asked.parts:
            measure, unit = PARTS[part]
            load = os.getloadavg()[0]
            rows = list(measure(Path(name), asked.large))
            print(f"{table(unit, rows)}\n\nLoad average {load:.1f} before, "
                  f"{os.getloadavg()[0]:.1f} after.\n", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
