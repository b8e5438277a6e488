"""EDSR baseline x4 to 3840 x 2160 in tiles and as a whole: peak memory, time, and if they agree.

``python -m benchmarks.four_k [TILE ...]``, in lr pixels, 0 being the whole image; by default the
whole image and tiles of 270, 180 and 90. Each runs in a process of its own, whose peak memory
(VmHWM) is printed: Python and PyTorch, the network, and the images at both ends are in it. The
network starts as a training of x4 does, from the committed weights of x2: values of a photo's size,
untrained enlargement.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from sr_bench.inference import Upscaler
from sr_bench.method import load_method
from sr_bench.protocol import load_protocols
from sr_bench.timing.memory import peak_mb
from sr_bench.timing.setting import frame_of
from sr_bench.weights import read_safetensors

from .pictures import photo

SCALE, FRAME = 4, "2160p"
METHODS = Path(__file__).parents[1] / "methods"
WEIGHTS = METHODS / "weights" / "edsr-baseline-sr-bench-open591-x2.safetensors"


def main(tiles: list[int]) -> None:
    """Print a line for each way, and what differs from the first."""
    first = None
    with tempfile.TemporaryDirectory(prefix="sr-bench-4k-") as folder:
        for tile in tiles:
            path = Path(folder) / f"{tile}.npy"
            command = [sys.executable, "-m", "benchmarks.four_k", "--to", str(path), str(tile)]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            sr = np.load(path)
            path.unlink()
            first = sr if first is None else first
            apart = np.abs(sr - first).max()
            values = np.count_nonzero(np.rint(sr) != np.rint(first))
            print(f"{said.strip()}; furthest from the first {apart:.1e} of 255, "
                  f"{values} of {sr.size} values differ once rounded", flush=True)  # fmt: skip


def upscale(tile: int, path: Path) -> None:
    """One way, in this process; the unrounded sr goes to a file after memory has been read."""
    rule = load_protocols().degradations["rgb-matlab"]
    lr = photo(*frame_of(SCALE, FRAME), seed=0)
    upscaler = Upscaler("edsr", network(), rule, SCALE, tile=tile or None)
    start = time.perf_counter()
    sr = upscaler.unrounded(lr)
    seconds, peak = time.perf_counter() - start, peak_mb()
    np.save(path, sr)
    what = f"tiles of {tile}" if tile else "whole"
    threads = torch.get_num_threads()
    print(f"{what}: peak {peak:.0f} MB, {seconds:.1f} s on {threads} threads")


def network() -> torch.nn.Module:
    """EDSR baseline x4 with x2's weights where they fit; the rest from a fixed seed."""
    training = load_method(METHODS / "edsr.py").training
    assert training is not None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = training.network("baseline", (SCALE,))
    ours, theirs = made.state_dict(), read_safetensors(WEIGHTS)
    made.load_state_dict({k: theirs.get(k, v) for k, v in ours.items()})
    return made.eval().to(memory_format=torch.channels_last)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--to"]:
        upscale(int(sys.argv[3]), Path(sys.argv[2]))
    else:
        main([int(tile) for tile in sys.argv[1:]] or [0, 270, 180, 90])
