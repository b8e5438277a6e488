"""Weights that MatConvNet trained, as PyTorch's: MATLAB's ``h x w x in x out`` filters.

Its convolution is a correlation, as PyTorch's is; its ``convt`` filters are ``h x w x out x in``,
which the same change of axes brings into the order of ``ConvTranspose2d``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.io import savemat

from sr_bench.networks.mat_files import load_mat
from sr_bench.support.errors import SrBenchError

_KINDS = {"f": "weight", "b": "bias"}  # filters and biases, at the end of a parameter's name


def filters(array: NDArray[np.floating]) -> torch.Tensor:
    """(h, w, in, out) -> (out, in, h, w); MATLAB drops axes of length 1 at the end."""
    whole = np.asarray(array, np.float32).reshape(array.shape + (1,) * (4 - array.ndim))
    return torch.from_numpy(whole.transpose(3, 2, 0, 1).copy())


def matlab_filters(weight: torch.Tensor) -> NDArray[np.float32]:
    """What :func:`filters` reads: (out, in, h, w) -> (h, w, in, out)."""
    array: NDArray[np.float32] = weight.detach().numpy().transpose(2, 3, 1, 0)
    return array


def read_dagnn(path: Path) -> dict[str, torch.Tensor]:
    """The parameters of a saved DagNN, ``conv1_f`` as ``conv1.weight``, ``conv1_b`` as its bias.

    Raises:
        SrBenchError: if the file isn't a MATLAB file with ``net.params``, each with name and value.
    """
    content = load_mat(path)
    try:
        entries = np.asarray(content["net"]["params"].flat[0]).flat
        arrays = {str(e["name"].flat[0]): np.asarray(e["value"], np.float32) for e in entries}
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise SrBenchError(
            f"{path}: holds {', '.join(content) or 'nothing'}, expected MatConvNet's DagNN: "
            "net.params, a struct array of name and value; is it the authors' file?"
        ) from error
    state = {}
    for name, array in arrays.items():
        layer, _, kind = name.rpartition("_")
        if kind not in _KINDS:
            raise SrBenchError(
                f"{path}: parameter '{name}' ends neither in _f (filters) nor in _b (biases); "
                "is it the authors' file?"
            )
        value = filters(array) if kind == "f" else torch.from_numpy(array.ravel().copy())
        state[f"{layer}.{_KINDS[kind]}"] = value
    return state


def write_dagnn(path: Path, state: Mapping[str, torch.Tensor]) -> None:
    """A file that :func:`read_dagnn` reads: for made-up weights."""
    params = np.empty((1, len(state)), dtype=[("name", object), ("value", object)])
    for i, (key, value) in enumerate(state.items()):
        layer, _, kind = key.rpartition(".")
        if kind == "weight":
            params[0, i] = (f"{layer}_f", matlab_filters(value))
        else:
            params[0, i] = (f"{layer}_b", value.detach().numpy()[None])
    savemat(path, {"net": {"params": params}})
