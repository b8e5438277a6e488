"""MATLAB's .mat files as named arrays: those in structs and cells too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat
from scipy.io.matlab import MatlabFunction, MatlabOpaque
from scipy.sparse import issparse

from sr_bench.networks.limits import most_bytes
from sr_bench.networks.mat_elements import require_bounded
from sr_bench.networks.mat_hdf5 import is_hdf5, read_hdf5
from sr_bench.networks.unwrap import some
from sr_bench.support.errors import SrBenchError, about
from sr_bench.support.filetype import describe
from sr_bench.support.notices import notice

_NUMBERS = "fiub"  # NumPy's kinds of real numbers


def read_mat(path: Path) -> dict[str, NDArray[np.float64]]:
    """The numeric arrays of a MATLAB file, by name.

    Fields of structs are ``name.field``; elements of cells and of struct arrays are counted from 1,
    as MATLAB does: ``model.weight.1``. What isn't numeric is left out, with a note.

    Raises:
        SrBenchError: if the file isn't one, is of version 7.3 (HDF5) while h5py isn't installed,
            holds no numbers, or complex ones, whose imaginary part would be lost.
    """
    if path.is_file() and is_hdf5(path):
        found = read_hdf5(path)
    else:
        content = load_mat(path)
        with about(path):
            found = dict(_all_inside(content, most_bytes(path)))
    complex_ones = [k for k, v in found.items() if _kind(v) == "c"]
    if complex_ones:
        raise SrBenchError(
            f"{path}: {some(complex_ones)} are complex numbers, weights are real ones; "
            "save their real and imaginary parts under two names"
        )
    numbers = {k: np.asarray(v, np.float64) for k, v in found.items() if _kind(v) in _NUMBERS}
    others = [f"{k} ({_type(v)})" for k, v in found.items() if k not in numbers]
    if not numbers:
        raise SrBenchError(
            f"{path}: a MATLAB file without numeric arrays; it holds {some(others) or 'nothing'}; "
            "is it the right file?"
        )
    if others:
        notice(path, f"left out, since they aren't numeric: {some(others)}")
    return numbers


def load_mat(path: Path) -> dict[str, Any]:
    """What SciPy reads of a MATLAB file (up to version 7.2), by name.

    Raises:
        SrBenchError: as :func:`read_mat`.
    """
    if not path.is_file():
        raise SrBenchError(f"{path}: no such file; fetch it, or check the path")
    if is_hdf5(path):
        raise SrBenchError(
            f"{path}: a MATLAB file of version 7.3 (HDF5), which isn't read here; in MATLAB, save "
            "it again with: save('FILE.mat', '-struct', 'S', '-v7')"
        )
    try:
        require_bounded(path)
        content = loadmat(path)
    except SrBenchError:
        raise
    except Exception as error:  # SciPy meets damage with a dozen types, MatReadError to IndexError
        raise SrBenchError(
            f"{path}: not a readable MATLAB file ({error}); it is {describe(path)}. Fetch it again"
        ) from error
    return {k: v for k, v in content.items() if not k.startswith("__")}


def _all_inside(content: Mapping[str, Any], most: int) -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        for inside, array in _inside(name, value):
            yield inside, _dense(inside, array, most) if issparse(array) else array


def _dense(name: str, array: Any, most: int) -> NDArray[Any]:
    rows, columns = array.shape
    if rows * columns * array.dtype.itemsize > most:
        raise ValueError(
            f"{name} is a sparse matrix of {rows} x {columns}, too large to be written out; save "
            "weights as dense arrays"
        )
    if array.format == "csc":
        array.check_format(full_check=True)  # SciPy writes where a wrong index points
    return np.asarray(array.toarray())


def _inside(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A value, or those that it holds: fields of a struct, elements of a cell or struct array."""
    if issparse(value):
        yield name, value
        return
    array = np.asarray(value)
    holds = array.dtype.names is not None or (array.dtype.kind == "O" and array.ndim)
    if not holds or isinstance(array, MatlabFunction | MatlabOpaque):
        yield name, array
        return
    elements = list(array.flat)
    for i, element in enumerate(elements, start=1):
        single = array.dtype.names is not None and len(elements) == 1
        inner = name if single else f"{name}.{i}"
        if array.dtype.names is None:
            yield from _inside(inner, element)
        for field in array.dtype.names or ():
            yield from _inside(f"{inner}.{field}", element[field])


def _kind(value: Any) -> str:
    return str(np.asarray(value).dtype.kind)


def _type(value: Any) -> str:
    return {"U": "text", "S": "text", "V": "an object", "O": "an object"}.get(
        _kind(value), str(value.dtype)
    )
