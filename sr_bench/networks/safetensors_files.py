"""Safetensors files in; those that sr-bench wrote say what their content must be.

The format has no check sum: a flipped bit of a tensor would be another network, and nobody would
know. So the header of what ``sr-bench train`` writes holds a hash of facts and tensors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from sr_bench.support.errors import SrBenchError
from sr_bench.support.filetype import describe

FACTS, HASH = "sr-bench", "sha256"  # the header's keys


def read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file, by key, as they are.

    Files of version 0.1 and of other programs hold no hash: they are taken as they are.

    Raises:
        SrBenchError: if the file is missing, isn't one, or isn't what was written.
    """
    if not path.is_file():
        raise SrBenchError(f"{path}: no such file; fetch it, or check the path")
    try:
        tensors, header = load_file(path), header_of(path)
    except (SafetensorError, OSError) as error:
        raise SrBenchError(
            f"{path}: not a readable safetensors file ({error}); it is {describe(path)} of "
            f"{path.stat().st_size} bytes: fetch it again, or save it again"
        ) from error
    if {FACTS, HASH} <= header.keys():
        _require(path, header[HASH], digest_of(tensors, header[FACTS]))
    return tensors


def _require(path: Path, written: str, now: str) -> None:
    if now != written:
        raise SrBenchError(
            f"{path}: its content has changed since it was written: sha256 is {now}, its header "
            f"says {written}"
        )


def is_safetensors(path: Path) -> bool:
    """Whether the content is that of a safetensors file, whatever its name."""
    return describe(path) == "a safetensors file"


def header_of(path: Path) -> dict[str, str]:
    """What the header says beside the tensors' shapes."""
    with safe_open(path, framework="numpy") as file:
        return file.metadata() or {}


def digest_of(tensors: Mapping[str, torch.Tensor], facts: str) -> str:
    """One hash of the facts and of each tensor's name, type, shape and bytes."""
    digest = hashlib.sha256(facts.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        content: Any = flat.view(torch.uint8).numpy()  # a buffer, which NumPy's types don't say
        digest.update(content)
    return digest.hexdigest()
