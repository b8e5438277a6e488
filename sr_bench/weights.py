"""Weight files in: MATLAB's .mat, PyTorch checkpoints; never an untrusted pickle."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.io import loadmat

from sr_bench.errors import SrBenchError


def read_mat(path: Path) -> dict[str, NDArray[np.float64]]:
    """The numeric arrays of a MATLAB file (up to version 7.2), by name.

    Raises:
        SrBenchError: if the file isn't one.
    """
    try:
        content = loadmat(path)
        return {k: np.asarray(v, np.float64) for k, v in content.items() if not k.startswith("_")}
    except Exception as error:  # SciPy meets damage with a dozen types, MatReadError to IndexError
        raise SrBenchError(
            f"{path}: not a readable MATLAB file ({error}); fetch it again"
        ) from error


def read_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a PyTorch checkpoint, by key; a ``state_dict`` inside is taken out.

    Only tensors and plain containers are unpickled (``weights_only=True``).

    Raises:
        SrBenchError: if the file is damaged, or would have to run code to be read.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise SrBenchError(
            f"{path}: refused: it isn't a checkpoint of tensors alone "
            f"({str(error).splitlines()[0]}); "
            "loading it could run code: convert it to safetensors where you trust it"
        ) from error
    except Exception as error:  # PyTorch too, from RuntimeError to struct.error
        raise SrBenchError(
            f"{path}: not a readable checkpoint ({error}); fetch it again"
        ) from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(
        isinstance(v, torch.Tensor) for v in content.values()
    ):
        raise SrBenchError(f"{path}: holds no dictionary of tensors; is it a checkpoint?")
    return dict(content)


def load_strictly(model: torch.nn.Module, state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Load every tensor of ``state`` into ``model``, none missing, none left over.

    Raises:
        SrBenchError: naming the missing, extra and misshapen keys.
    """
    wanted = {k: tuple(v.shape) for k, v in model.state_dict().items()}
    given = {k: tuple(v.shape) for k, v in state.items()}
    problems = [f"{k} is missing" for k in wanted.keys() - given.keys()]
    problems += [f"{k} is not part of the network" for k in given.keys() - wanted.keys()]
    problems += [
        f"{k} is {given[k]}, the network has {wanted[k]}"
        for k in wanted.keys() & given.keys()
        if wanted[k] != given[k]
    ]
    if problems:
        raise SrBenchError(
            f"{path}: does not fit the network: {'; '.join(sorted(problems))}; "
            "check the variant, the scale and where the file comes from"
        )
    model.load_state_dict(dict(state))
