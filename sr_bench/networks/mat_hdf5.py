"""MATLAB's .mat files of version 7.3, which are HDF5: read by h5py, where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sr_bench.support.errors import SrBenchError
from sr_bench.support.filetype import describe

_REFERENCES = "#refs#"  # what cells point to; it has no name in MATLAB


def is_hdf5(path: Path) -> bool:
    """Whether a file is of version 7.3."""
    with path.open("rb") as file:
        head = file.read(520)
    return head.startswith(b"MATLAB 7.3") or b"\x89HDF\r\n" in head


def read_hdf5(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays by name, as :func:`sr_bench.networks.mat_files.read_mat` calls them; texts too.

    Raises:
        SrBenchError: if h5py isn't installed, or the file is damaged.
    """
    try:
        import h5py
    except ImportError as error:
        raise SrBenchError(
            f"{path}: a MATLAB file of version 7.3 (HDF5), which h5py reads: pip install "
            "'sr-bench[hdf5]'; or save it again in MATLAB: save('FILE.mat', '-struct', 'S', '-v7')"
        ) from error
    try:
        with h5py.File(path) as file:
            names = [name for name in file if name != _REFERENCES]
            return {k: v for name in names for k, v in _inside(file, name, file[name])}
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise SrBenchError(
            f"{path}: not a readable MATLAB file of version 7.3 ({error}); it is "
            f"{describe(path)}. Fetch it again"
        ) from error


def _inside(file: Any, name: str, node: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    """Fields of a struct, elements of a cell, or a value, whose axes MATLAB keeps in its order."""
    if hasattr(node, "keys"):
        for field in node:
            yield from _inside(file, f"{name}.{field}", node[field])
    elif node.dtype.hasobject:
        for i, reference in enumerate(node[()].ravel(), start=1):
            yield from _inside(file, f"{name}.{i}", file[reference])
    elif node.attrs.get("MATLAB_class") == b"char":
        yield name, np.asarray("".join(map(chr, node[()].ravel())))
    elif not node.attrs.get("MATLAB_empty"):
        yield name, node[()].T
