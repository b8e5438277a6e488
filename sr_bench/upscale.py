"""The upscale stage: degrade each hr of the run's datasets, run the method, save."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import torch

from sr_bench import images
from sr_bench.degrade import Degradation, degrade
from sr_bench.entries import Run
from sr_bench.errors import SrBenchError, about
from sr_bench.files import replacing_folder
from sr_bench.inference import Upscaler
from sr_bench.manifest import Dataset, Entry, open_dataset
from sr_bench.method import Method, Setup, find_method
from sr_bench.parallel import cores, one_blas_thread
from sr_bench.project import Project
from sr_bench.protocol import load_protocols
from sr_bench.run_weights import noted_weights

_PIXELS_AT_ONCE = 4_000_000  # of sr over all workers: 64 float32 channels of these take 1 GB


def load_upscaler(
    run: Run, method: Method, file: Path | None, degradation: Degradation
) -> Upscaler:
    """Build the run's model for lr made by ``degradation``."""
    setup = Setup(run.base_variant, run.weights, file, run.scale, degradation)
    upscaler = Upscaler(
        run.name,
        method.built(setup, run.name),
        degradation,
        run.scale,
        ensemble=run.ensemble,
        tile=run.tile,
    )
    upscaler.require_reach()
    return upscaler


def upscale_run(project: Project, name: str, *, progress: Callable[[int], None]) -> list[Path]:
    """Write ``build/sr/<run>/<degradation>/<dataset>/*.png`` for all the run is scored on.

    Args:
        project: the project folder.
        name: a run of ``params.yaml``.
        progress: called with 1 after each image.

    Returns:
        The folders written.
    """
    run = project.run(name)
    method = find_method(run.method, project.method_folders)
    file = noted_weights(project, run, method)
    opened = {d: open_dataset(d, project.data, project.manifest(d)) for d in project.datasets(run)}
    upscalers: dict[str, Upscaler] = {}
    written = []
    for dataset, degradation, _ in project.work(run):
        if degradation not in upscalers:
            rule = load_protocols().degradations[degradation]
            upscalers[degradation] = load_upscaler(run, method, file, rule)
        target = project.sr(name, degradation, dataset)
        with replacing_folder(target) as folder:
            upscale_dataset(upscalers[degradation], opened[dataset], folder, progress=progress)
        written.append(target)
    return written


def upscale_dataset(
    upscaler: Upscaler, dataset: Dataset, folder: Path, *, progress: Callable[[int], None]
) -> None:
    """Write ``folder/<stem>.png`` for each image.

    Small images go one to a core from file to file, which has no barriers to wait at; images too
    large to hold several at once take all cores, one after the other.
    """

    def upscale_one(entry: Entry) -> None:
        with about(dataset.folder / entry.name):
            lr = degrade(dataset.read(entry), upscaler.degradation, scale=upscaler.scale)
        try:
            sr = upscaler(lr)
        except SrBenchError as error:
            raise SrBenchError(f"{dataset.name}/{entry.name}: {error}") from error
        images.write(folder / f"{entry.stem}.png", sr, colour=upscaler.degradation.colour)
        progress(1)

    largest = max(entry.shape[0] * entry.shape[1] for entry in dataset)
    workers = max(1, min(cores(), _PIXELS_AT_ONCE // largest))
    threads = cores() // workers
    with one_blas_thread(), _torch_threads(threads), ThreadPoolExecutor(workers) as pool:
        list(pool.map(upscale_one, dataset))


@contextmanager
def _torch_threads(count: int) -> Iterator[None]:
    """Threads that one torch operation may use; what it was is restored."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
