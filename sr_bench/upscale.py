"""The upscale stage: degrade each hr, run the method, convert, clamp, round, save.

Colour conversion, clamping and rounding happen here, once, for every method.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sr_bench import images
from sr_bench.color import gray_of_rgb, rgb_to_ycbcr, to_uint8, ycbcr_to_rgb
from sr_bench.degrade import Degradation, degrade
from sr_bench.errors import SrBenchError, about
from sr_bench.files import replacing_folder, sha256, write_text
from sr_bench.manifest import Dataset, Entry, fetch_source, open_dataset
from sr_bench.method import Method, Model, Published, Setup, find_method
from sr_bench.parallel import cores, one_blas_thread
from sr_bench.project import Project, Run
from sr_bench.protocol import load_protocols
from sr_bench.resize import imresize
from sr_bench.sources import find_source

Planes = NDArray[np.float64]  # (h, w) or (h, w, 3), 0..255, unrounded
_SLACK = 1.0  # a model's values may leave [0, 1] by this much before they are called wrong
_PIXELS_AT_ONCE = 4_000_000  # of sr over all workers: 64 float32 channels of these take 1 GB


@dataclass(frozen=True)
class Upscaler:
    """A loaded model under one degradation: lr planes in, uint8 sr planes out."""

    name: str
    model: Model
    degradation: Degradation
    scale: int

    def __call__(self, lr: NDArray[np.generic]) -> images.Image:
        """lr as :func:`~sr_bench.degrade.degrade` makes it -> uint8 sr in the same planes.

        A gray lr gives a gray sr where the planes are Y, Cb, Cr, and for a model of Y; an RGB model
        sees it as three equal channels and its three are kept.

        Raises:
            SrBenchError: if the model's output has the wrong shape, type or range, or NaN in it.
        """
        planes = np.asarray(lr, dtype=np.float64)
        colour = self.model.colour
        if colour == "any":
            return to_uint8(self._apply(planes))
        if colour == "rgb":
            return to_uint8(self._with_rgb(planes))
        return to_uint8(self._with_y(planes))

    def _with_rgb(self, lr: Planes) -> Planes:
        if lr.ndim == 2:
            sr = self._apply(np.repeat(lr[..., None], 3, axis=2))
            return sr if self.degradation.colour == "rgb" else gray_of_rgb(sr)
        if self.degradation.colour == "rgb":
            return self._apply(lr)
        return rgb_to_ycbcr(self._apply(ycbcr_to_rgb(lr)))

    def _with_y(self, lr: Planes) -> Planes:
        """Y through the model, Cb and Cr by bicubic, as the SRCNN paper does."""
        if lr.ndim == 2:
            return self._apply(lr)
        ycbcr = lr if self.degradation.colour == "ycbcr" else rgb_to_ycbcr(lr)
        border = self.degradation.border
        sr = imresize(ycbcr, scale=self.scale, rounding="none", border=border).astype(np.float64)
        sr[..., 0] = self._apply(ycbcr[..., 0])
        return sr if self.degradation.colour == "ycbcr" else ycbcr_to_rgb(sr)

    def _apply(self, lr: Planes) -> Planes:
        """Run the model on (h, w) or (h, w, C) in 0..255 and check what it returns."""
        unit = np.atleast_3d(lr).transpose(2, 0, 1)[None] / 255  # (1, C, h, w)
        with torch.inference_mode():
            out = self.model(torch.from_numpy(np.ascontiguousarray(unit, dtype=np.float32)))
        height, width = lr.shape[:2]
        self._check_layout(out, (1, unit.shape[1], height * self.scale, width * self.scale))
        values = out.numpy()
        self._check_values(values)
        sr = values[0].transpose(1, 2, 0).astype(np.float64) * 255  # (H, W, C)
        return np.asarray(sr.reshape(sr.shape[:2] + lr.shape[2:]))

    def _check_layout(self, out: object, shape: tuple[int, ...]) -> None:
        if not isinstance(out, torch.Tensor):
            raise SrBenchError(
                f"{self.name}: returned {type(out).__name__}, expected a tensor of {shape}"
            )
        if tuple(out.shape) != shape or out.dtype != torch.float32:
            raise SrBenchError(
                f"{self.name}: returned {tuple(out.shape)} {out.dtype}, expected {shape} "
                "torch.float32; a method returns its lr's layout at scale times the size"
            )

    def _check_values(self, values: NDArray[np.float32]) -> None:
        bad = int(values.size - np.isfinite(values).sum())
        if bad:
            raise SrBenchError(
                f"{self.name}: {bad} of {values.size} returned values are NaN or infinite; "
                "check the weights and the input's range, [0, 1]"
            )
        low, high = float(values.min()), float(values.max())
        if low < -_SLACK or high > 1 + _SLACK:
            raise SrBenchError(
                f"{self.name}: returned values span {low:.3g} .. {high:.3g}, expected about "
                "[0, 1]; undo the method's own value range before returning"
            )


def load_upscaler(
    run: Run, method: Method, file: Path | None, degradation: Degradation
) -> Upscaler:
    """Build the run's model for lr made by ``degradation``."""
    setup = Setup(run.variant, run.weights, file, run.scale, degradation)
    return Upscaler(run.name, method.load(setup), degradation, run.scale)


Note = dict[str, str | None]  # weights, file, sha256


def note_weights(project: Project, name: str, *, progress: Callable[[int], None]) -> Note:
    """Fetch the run's weights and note which file they are: ``build/weights/<run>.json``.

    Returns:
        The note: the weights' name, and the file and its sha256 (``None`` without weights).

    Raises:
        SrBenchError: for an unknown method, variant or weights, or a file that can't be had.
    """
    run = project.run(name)
    method = find_method(run.method, project.method_folders)
    published = method.weights_file(run.variant, run.weights, run.scale)
    note: Note = {"weights": run.weights, "file": None, "sha256": None}
    if published is not None:
        path = _fetched(published, project, progress)
        note |= {"file": path.relative_to(project.root).as_posix(), "sha256": sha256(path)}
    write_text(project.weights_note(name), json.dumps(note, indent=1) + "\n")
    return note


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
    file = _weights_file(project, run, method)
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


def _fetched(published: Published, project: Project, progress: Callable[[int], None]) -> Path:
    source = find_source(published.group)
    wanted = source.file(published.name)
    fetch_source(source, project.data, progress=progress)
    return project.data / source.folder / wanted.name


def _weights_file(project: Project, run: Run, method: Method) -> Path | None:
    """The run's weights as noted, fetched again where they have gone, verified."""
    published = method.weights_file(run.variant, run.weights, run.scale)
    if published is None:
        return None
    note = project.weights_note(run.name)
    if not note.is_file():
        raise SrBenchError(f"{note}: no such file; make it with: sr-bench fetch --run {run.name}")
    try:
        pinned = json.loads(note.read_text(encoding="utf-8"))["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise SrBenchError(
            f"{note}: not a note of weights ({error!r}); "
            f"make it again with: sr-bench fetch --run {run.name}"
        ) from error
    path = _fetched(published, project, lambda _: None)
    if sha256(path) != pinned:
        raise SrBenchError(
            f"{path}: sha256 is {sha256(path)}, {note} says {pinned}; "
            f"run: sr-bench fetch --run {run.name}"
        )
    return path
