"""What becomes of each tensor of a weights file in a method's network."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch

from sr_bench.imaging.degrade import Degradation
from sr_bench.networks.method import Method, Setup
from sr_bench.networks.modules import networks_of
from sr_bench.networks.weights import read_checkpoint, read_mat
from sr_bench.support.errors import SrBenchError, unknown


@dataclass(frozen=True)
class KeyRow:
    """One tensor.

    Args:
        theirs: its key in the file; ``""``: the network's own, which no tensor of the file equals.
        ours: its key in the network; ``None``: no tensor of the network equals it.
        shape: its shape in the file, else in the network.
        divisor: what its values are divided by; ``None`` where they aren't found again.
    """

    theirs: str
    ours: str | None
    shape: tuple[int, ...]
    divisor: float | None


def key_table(
    method: Method, variant: str, scale: int, file: Path, degradation: Degradation
) -> list[KeyRow]:
    """A row for each tensor of the file, and for each of the network that isn't from the file.

    A method's ``key_map`` says it. Of a method without one the model is loaded, and each tensor of
    the file is looked for among the network's, by its values.

    Raises:
        WrongUse: for a variant or a scale that the method doesn't have.
        SrBenchError: if the file doesn't fit the network.
    """
    if variant not in method.variants:
        raise unknown("variant", variant, method.variants, where=f"method {method.name}")
    method.require_scale(scale)
    if method.key_map is not None:
        rows = method.key_map(file, variant, scale)
        return [KeyRow(r.theirs, r.ours, r.shape, r.divisor) for r in rows]
    weights = next(
        (
            key[1]
            for key, published in method.published.items()
            if Path(published.name).name == file.name and key[::2] == (variant, scale)
        ),
        file.stem,
    )
    setup = Setup(variant, weights, file, scale, degradation)
    model = method.built(setup, f"{file}: method {method.name}")
    state = {
        ".".join(part for part in (where, key) if part): value
        for where, network in networks_of(model).items()
        for key, value in network.state_dict().items()
    }
    if not state:
        raise SrBenchError(
            f"{file}: method {method.name} x{scale} has no nn.Module whose keys could be listed; "
            f"what the file holds shows: sr-bench keys {file}"
        )
    return _by_values(tensors_of(file), state)


def tensors_of(file: Path, take: str | None = None) -> dict[str, torch.Tensor]:
    """All tensors of a checkpoint, a safetensors or a .mat file."""
    with file.open("rb") as handle:
        matlab = handle.read(6) == b"MATLAB"
    if not matlab:
        return read_checkpoint(file, take=take)
    return {key: torch.as_tensor(value) for key, value in read_mat(file).items()}


def _by_values(theirs: dict[str, torch.Tensor], ours: dict[str, torch.Tensor]) -> list[KeyRow]:
    free: dict[str, list[str]] = {}
    for key, value in ours.items():
        free.setdefault(_digest(value), []).append(key)
    rows = []
    for key, value in theirs.items():
        alike = free.get(_digest(value), [])
        found = max(alike, key=lambda name: _common_end(name, key), default=None)
        if found is not None:
            alike.remove(found)
        shape = tuple(value.shape)
        rows.append(KeyRow(key, found, shape, None if found is None else 1.0))
    taken = {row.ours for row in rows}
    rest = [key for key in ours if key not in taken]
    return rows + [KeyRow("", key, tuple(ours[key].shape), None) for key in rest]


def _digest(value: torch.Tensor) -> str:
    """Of the values as float32 in their order, whatever the shape."""
    values = value.detach().cpu().float().contiguous().reshape(-1)
    return hashlib.sha256(values.numpy().tobytes()).hexdigest()


def _common_end(a: str, b: str) -> int:
    """How many parts two keys end alike in: tensors of equal values are told apart by it."""
    pairs = zip(reversed(a.split(".")), reversed(b.split(".")))
    return next((i for i, (x, y) in enumerate(pairs) if x != y), len(a))
