"""The upscale stage: degrade each hr, run the method, convert, clamp, round, save.

Colour conversion, clamping and rounding happen here, once, for every method.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
            lr_tensor = torch.from_numpy(np.ascontiguousarray(unit, dtype=np.float32))
            out = self.model(lr_tensor)
        height, width = lr.shape[:2]
        self._check(out, (1, unit.shape[1], height * self.scale, width * self.scale))
        sr = out[0].permute(1, 2, 0).double().numpy() * 255  # (H, W, C)
        return np.asarray(sr.reshape(sr.shape[:2] + lr.shape[2:]))

    def _check(self, out: torch.Tensor, shape: tuple[int, ...]) -> None:
        if not isinstance(out, torch.Tensor):
            raise SrBenchError(
                f"{self.name}: returned {type(out).__name__}, expected a tensor of {shape}"
            )
        if tuple(out.shape) != shape or out.dtype != torch.float32:
            raise SrBenchError(
                f"{self.name}: returned {tuple(out.shape)} {out.dtype}, expected {shape} "
                "torch.float32; a method returns its lr's layout at scale times the size"
            )
        bad = int((~torch.isfinite(out)).sum())
        if bad:
            raise SrBenchError(
                f"{self.name}: {bad} of {out.numel()} returned values are NaN or infinite; "
                "check the weights and the input's range, [0, 1]"
            )
        low, high = float(out.min()), float(out.max())
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


def note_weights(project: Project, name: str, *, progress: Callable[[int], None]) -> None:
    """Fetch the run's weights and note which file they are: ``build/weights/<run>.json``.

    Raises:
        SrBenchError: for an unknown method, variant or weights, or a file that can't be had.
    """
    run = project.run(name)
    method = find_method(run.method, project.method_folders)
    published = method.weights_file(run.variant, run.weights, run.scale)
    note: dict[str, str | None] = {"weights": run.weights, "file": None, "sha256": None}
    if published is not None:
        path = _fetched(published, project, progress)
        note |= {"file": path.relative_to(project.root).as_posix(), "sha256": sha256(path)}
    write_text(project.weights_note(name), json.dumps(note, indent=1) + "\n")


def upscale_run(project: Project, name: str, *, progress: Callable[[int], None]) -> None:
    """Write ``build/sr/<run>/<degradation>/<dataset>/*.png`` for all the run is scored on.

    Args:
        project: the project folder.
        name: a run of ``params.yaml``.
        progress: called with 1 after each image.
    """
    run = project.run(name)
    method = find_method(run.method, project.method_folders)
    file = _weights_file(project, run, method)
    protocols = load_protocols()
    wanted: dict[str, dict[str, Dataset]] = {}
    for dataset, scored in project.datasets(run).items():
        opened = open_dataset(dataset, project.data, project.manifest(dataset))
        for protocol in scored:
            wanted.setdefault(protocols.protocol(protocol).degradation, {})[dataset] = opened
    for degradation, datasets in wanted.items():
        upscaler = load_upscaler(run, method, file, protocols.degradations[degradation])
        for dataset, opened in datasets.items():
            with replacing_folder(project.sr(name, degradation, dataset)) as folder:
                upscale_dataset(upscaler, opened, folder, progress=progress)


def upscale_dataset(
    upscaler: Upscaler, dataset: Dataset, folder: Path, *, progress: Callable[[int], None]
) -> None:
    """Write ``folder/<stem>.png`` for each image; reading, degrading and writing run in threads."""

    def make_lr(entry: Entry) -> tuple[Entry, NDArray[np.generic]]:
        with about(dataset.folder / entry.name):
            lr = degrade(dataset.read(entry), upscaler.degradation, scale=upscaler.scale)
        return entry, lr

    colour = upscaler.degradation.colour
    with one_blas_thread(), ThreadPoolExecutor(cores()) as pool:
        saves = []
        for entry, lr in pool.map(make_lr, dataset):
            try:
                sr = upscaler(lr)
            except SrBenchError as error:
                raise SrBenchError(f"{dataset.name}/{entry.name}: {error}") from error
            target = folder / f"{entry.stem}.png"
            saves.append(pool.submit(images.write, target, sr, colour=colour))
            progress(1)
        for save in saves:
            save.result()


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
