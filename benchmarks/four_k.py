"""EDSR baseline x4 to 3840 x 2160, as whole layers, in strips and in tiles: memory and agreement.

``python -m benchmarks.four_k [WAY ...]``: ``layers`` (no strips, as a plain PyTorch call does it),
``strips`` (what the model does by itself), or a tile's size in lr pixels; by default ``layers
strips 270 90``. Each runs in a process of its own, whose peak memory (VmHWM) is printed: Python and
PyTorch, the network with its committed weights, and the images at both ends are in it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.method import Setup
from sr_bench.networks.method_files import load_method
from sr_bench.networks.strips import whole_images
from sr_bench.timing.devices import peak_mb
from sr_bench.timing.photo import photo
from sr_bench.timing.setting import frame_of

SCALE, FRAME = 4, "2160p"
METHODS = Path(__file__).parents[1] / "methods"
TRAINED = "sr-bench-open690"


def main(ways: list[str]) -> None:
    """Print a line for each way, and what differs from the first."""
    first = None
    with tempfile.TemporaryDirectory(prefix="sr-bench-4k-") as folder:
        for way in ways:
            path = Path(folder) / f"{way}.npy"
            command = [sys.executable, "-m", "benchmarks.four_k", "--to", str(path), way]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            sr = np.load(path)
            path.unlink()
            first = sr if first is None else first
            apart = np.abs(sr - first).max()
            values = np.count_nonzero(np.rint(sr) != np.rint(first))
            print(f"{said.strip()}; furthest from the first {apart:.1e} of 255, "
                  f"{values} of {sr.size} values differ once rounded", flush=True)  # fmt: skip


def upscale(way: str, path: Path) -> None:
    """One way, in this process; the unrounded sr goes to a file after memory has been read."""
    rule = load_protocols().degradations["rgb-matlab"]
    weights = METHODS / "weights" / f"edsr-baseline-{TRAINED}-x{SCALE}.safetensors"
    setup = Setup("baseline", TRAINED, weights, SCALE, rule)
    model: Any = load_method(METHODS / "edsr.py").load(setup)
    lr = photo(*frame_of(SCALE, FRAME), seed=0)
    tile = None if way in ("layers", "strips") else int(way)
    upscaler = Upscaler("edsr", model, rule, SCALE, tile=tile)
    start = time.perf_counter()
    with whole_images(model) if way == "layers" else nullcontext():
        sr = upscaler.unrounded(lr)
    seconds, peak = time.perf_counter() - start, peak_mb()
    np.save(path, sr)
    what = f"tiles of {way}" if tile else way
    print(f"{what}: peak {peak:.0f} MB, {seconds:.1f} s on {torch.get_num_threads()} threads")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--to"]:
        upscale(sys.argv[3], Path(sys.argv[2]))
    else:
        main(sys.argv[1:] or ["layers", "strips", "270", "90"])
