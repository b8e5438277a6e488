"""The images of a dataset: lr made, upscaled, saved; as many at once as memory and cores allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from sr_bench.data.datasets.manifest import Dataset, Entry
from sr_bench.evaluation.upscaling.batches import Batches, batches_of
from sr_bench.imaging import images
from sr_bench.networks.device import CPU
from sr_bench.networks.inference import Upscaler
from sr_bench.support.errors import SrBenchError
from sr_bench.support.parallel import cores, outcomes

_AROUND_A_GPU = 4  # threads: one image is computed, the others are read, copied or written
_PIXELS_AT_ONCE = 4_000_000  # of sr over all workers: 64 float32 channels of these take 1 GB


class BadImages(SrBenchError):
    """Images that a run could not be made of; all others were."""

    def __init__(self, what: str, reasons: list[str]) -> None:
        super().__init__(f"{what}: {'; '.join(reasons)}")
        self.reasons = reasons


def upscale_dataset(
    upscaler: Upscaler,
    dataset: Dataset,
    folder: Path,
    *,
    progress: Callable[[int], None],
    note: Callable[[Entry], None] = lambda entry: None,
    entries: Sequence[Entry] | None = None,
    at_once: int | None = None,
) -> None:
    """Write ``folder/<stem>.png`` for each image.

    Small images go one to a core from file to file, which has no barriers to wait at; images too
    large to hold several at once take all cores, one after the other. A GPU computes some images
    of one size at once, if the model has ``batches``; meanwhile the next ones are read and the last
    ones written.

    Args:
        upscaler: the run's model for one degradation.
        dataset: its hr images.
        folder: where the SR images go.
        progress: called with 1 after each image.
        note: called with each image that is written.
        entries: the images to make; ``None``: all. The others still decide how many threads one
            image gets, so that a part of a dataset comes out as the whole does.
        at_once: how many images are computed at once; ``None``: as many as the cores allow.

    Raises:
        BadImages: naming every image that failed, after all others were made.
    """

    def done(entry: Entry, sr: images.Image) -> None:
        images.write(folder / f"{entry.stem}.png", sr, colour=upscaler.degradation.colour)
        note(entry)
        progress(1)

    workers = workers_for(max((e.shape[0] * e.shape[1] for e in dataset), default=1))
    if upscaler.device != CPU:
        workers = _AROUND_A_GPU
    part = dataset if entries is None else replace(dataset, entries=tuple(entries))
    together = batches_of(part, upscaler, most=_PIXELS_AT_ONCE)
    with torch_threads(max(1, cores() // workers)):
        found = outcomes(Batches(upscaler, dataset, done).one, together, workers=at_once or workers)
    reasons = [reason for _, of_batch in found.done for reason in of_batch]
    reasons += [failure.reason for failure in found.failed]
    if reasons:
        what = f"{dataset.name}: {len(reasons)} of {len(part.entries)} images failed"
        raise BadImages(what, reasons)


def workers_for(largest: int) -> int:
    """How many images of so many SR pixels are computed at once."""
    return max(1, min(cores(), _PIXELS_AT_ONCE // max(1, largest)))


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Threads that one torch operation may use; what it was is restored."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
