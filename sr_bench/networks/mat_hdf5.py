"""MATLAB's .mat files of version 7.3, which are HDF5: read by h5py, where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sr_bench.networks.limits import most_bytes
from sr_bench.support.errors import SrBenchError
from sr_bench.support.filetype import describe

_REFERENCES = "#refs#"  # what cells point to; it has no name in MATLAB
_MOST = 20_000  # arrays; links can make a few into any number


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
            return dict(_Arrays(file, most_bytes(path)).all())
    except SrBenchError as error:
        raise SrBenchError(f"{path}: refused: {error}; fetch the weights' own file") from error
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise SrBenchError(
            f"{path}: not a readable MATLAB file of version 7.3 ({error}); it is "
            f"{describe(path)}. Fetch it again"
        ) from error


class _Arrays:
    """The arrays of a file, of bounded number and size."""

    def __init__(self, file: Any, most: int) -> None:
        self._file, self._most, self._left, self._seen = file, most, most, 0

    def all(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Every array by its name."""
        for name in self._file:
            if name != _REFERENCES:
                yield from self._inside(name, self._member(self._file, name))

    def _inside(self, name: str, node: Any) -> Iterator[tuple[str, NDArray[Any]]]:
        """Fields of a struct, elements of a cell, or a value, whose axes MATLAB keeps in order."""
        self._seen += 1
        if self._seen > _MOST:
            raise SrBenchError(f"its structs and cells lead to more than {_MOST:,} arrays")
        if hasattr(node, "keys"):
            for field in node:
                yield from self._inside(f"{name}.{field}", self._member(node, field))
        elif node.dtype.hasobject:
            for i, reference in enumerate(self._read(name, node).ravel(), start=1):
                yield from self._inside(f"{name}.{i}", self._file[reference])
        elif node.attrs.get("MATLAB_class") == b"char":
            yield name, np.asarray("".join(map(chr, self._read(name, node).ravel())))
        elif not node.attrs.get("MATLAB_empty"):
            yield name, self._read(name, node).T

    def _member(self, group: Any, name: str) -> Any:
        """What is in a group; a link to another file isn't followed."""
        link = group.get(name, getlink=True)
        if hasattr(link, "filename"):
            raise SrBenchError(f"{name} lies in another file, {link.filename}")
        return group[name]

    def _read(self, name: str, node: Any) -> NDArray[Any]:
        """The values of a dataset: of the file itself, and not more than a file of its size has."""
        if node.external or node.is_virtual:
            raise SrBenchError(f"the values of {name} lie in another file")
        self._left -= node.nbytes
        if self._left < 0:
            raise SrBenchError(
                f"its arrays would take more than the {self._most:,} bytes that "
                "weights of a file of its size take"
            )
        values: NDArray[Any] = node[()]
        return values
