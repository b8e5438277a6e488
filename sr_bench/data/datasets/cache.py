"""Datasets without a project: fetched into one folder of the user's, and kept there."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import platformdirs

from sr_bench.data.catalogue.sources import Source, find_source
from sr_bench.data.datasets.manifest import (
    Dataset,
    fetch_dataset,
    open_dataset,
    require_hr,
)
from sr_bench.data.datasets.transfer import Progress
from sr_bench.support.errors import SrBenchError

CACHE = "SR_BENCH_DATA"


def cache_folder() -> Path:
    """The folder that ``SR_BENCH_DATA`` names, else the user's cache (``~/.cache/sr-bench``).

    Raises:
        SrBenchError: if the variable names something that is no folder.
    """
    named = os.environ.get(CACHE)
    folder = Path(named).expanduser() if named else platformdirs.user_cache_path("sr-bench")
    if folder.exists() and not folder.is_dir():
        raise SrBenchError(f"{CACHE} is '{folder}', a file; name a folder, or unset it")
    return folder


def open_anywhere(name: str, *, progress: Progress = lambda _: None) -> Dataset:
    """A dataset by its name, fetched into the cache where it isn't there yet, every file verified.

    Args:
        name: of ``sr-bench list sources``.
        progress: called with the number of bytes that have newly come, from several threads.

    Raises:
        WrongUse: for an unknown name.
        SourceError: if a file can't be had.
        SrBenchError: if it holds weights, or an image can't be read.
    """
    return open_source(find_source(name), progress=progress)


def open_source(source: Source, *, progress: Progress = lambda _: None) -> Dataset:
    """As :func:`open_anywhere`, for an entry of any catalogue."""
    cache = cache_folder()
    require_hr(source, cache / source.folder)
    manifest = cache / "manifests" / f"{source.name}-{_pins(source)}.json"
    if manifest.is_file():
        return open_dataset(source, cache, manifest)
    return fetch_dataset(source, cache, manifest, progress=progress)


def _pins(source: Source) -> str:
    """What the catalogue pins, as one short hash: a manifest is of one version of it."""
    pins = "\n".join(f"{f.name} {f.size} {f.sha256}" for f in source.files)
    return hashlib.sha256(pins.encode()).hexdigest()[:12]
