"""How long our SRCNN 9-1-5 trains on T91 until it equals the paper's 91-image number on Set5.

``python -m benchmarks.time_to_quality [MINUTES]``, after ``sr-bench fetch T91 Set5``. It follows
the committed recipe and stops at the number; scoring is not part of the time. Set5 chooses nothing
here: it is looked at while the recipe runs as it is.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch

from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.networks.device import choose_device
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.machine import describe
from sr_bench.networks.method import Setup
from sr_bench.project.project import Project
from sr_bench.training.job import Data, Job, make_network
from sr_bench.training.processes import Processes
from sr_bench.training.trainer import Trainer
from sr_bench.training.validation import Validation

NAME = "srcnn-9-1-5-sr-bench-t91-x3"
PAPER, SCALE, EVERY = 32.39, 3, 250


def main(minutes: float) -> None:
    """Train and print a line at each look."""
    job = Job.find(Project.load(Path.cwd()), NAME)
    device = choose_device()
    start = time.perf_counter()
    data = Data.read(job)
    network = make_network(job, data)
    trainer = Trainer(job.recipe, network, data.pairs, processes=Processes(), device=device)
    spent = time.perf_counter() - start
    print(f"{describe(device)}, {torch.get_num_threads()} threads; data ready after {spent:.1f} s")
    score = 0.0
    while score < PAPER and spent < 60 * minutes:
        start = time.perf_counter()
        for _ in range(EVERY):
            trainer.advance()
        spent += time.perf_counter() - start
        score = set5(job, trainer)
        print(f"step {trainer.step}: {spent:.1f} s, Set5 {score:.3f} dB", flush=True)


def set5(job: Job, trainer: Trainer) -> float:
    """PSNR in dB under srcnn-2015."""
    project = job.project
    dataset = project.dataset("Set5")
    rule = load_protocols().degradations[job.training.samples(job.entry.variant).degradation]
    setup = Setup(job.entry.variant, job.entry.label, None, SCALE, rule)
    upscale = Upscaler(NAME, job.training.model(trainer.weights(), setup), rule, SCALE)
    return Validation([dataset.read(entry) for entry in dataset], rule).psnr(upscale, SCALE)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0)
