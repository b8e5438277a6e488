"""Checkpoints and weights as safetensors: tensors, and facts as JSON in the header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from sr_bench.errors import SrBenchError
from sr_bench.files import replacing
from sr_bench.weights import read_safetensors

FACTS = "sr-bench"  # the header's key


def save(path: Path, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and facts beside ``path`` and rename: what was there stays until it is whole.

    Raises:
        SrBenchError: if the disk is full or can't be written; an older file is still there.
    """
    for stale in path.parent.glob(f".{path.name}.*"):  # of a process that was killed here
        stale.unlink(missing_ok=True)
    try:
        with replacing(path) as temporary:
            save_file(dict(tensors), temporary, {FACTS: json.dumps(facts)})
    except (SafetensorError, OSError) as error:
        kept = "the file before it is intact" if path.is_file() else "nothing was there before"
        raise SrBenchError(f"{path}: can't be written ({error}); {kept}") from error


def load(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The tensors and facts of a file that :func:`save` wrote.

    Raises:
        SrBenchError: if it isn't one.
    """
    return read_safetensors(path), read_facts(path)


def read_facts(path: Path) -> dict[str, Any]:
    """The facts alone: how weights were made, or where a training stands.

    Raises:
        SrBenchError: if the file is missing or holds none.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            facts = json.loads((file.metadata() or {})[FACTS])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise SrBenchError(
            f"{path}: not weights or a checkpoint that sr-bench train wrote ({error!r})"
        ) from error
    if not isinstance(facts, dict):
        raise SrBenchError(f"{path}: the header's '{FACTS}' is {facts!r}, expected a JSON object")
    return facts


def require_same(path: Path, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to resume a training that would now be another one.

    Raises:
        SrBenchError: naming each fact that differs, then and now.
    """
    then, now = _flat(then), _flat(now)
    differing = [k for k in {**then, **now} if then.get(k) != now.get(k)]
    if differing:
        facts = "; ".join(f"{k} was {then.get(k)!r}, is {now.get(k)!r}" for k in differing)
        raise SrBenchError(
            f"{path}: was begun with other settings: {facts}. Restore them to go on, or delete "
            "this file to start anew"
        )


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """``{"recipe": {"lr": 1}}`` as ``{"recipe.lr": 1}``."""
    flat: dict[str, Any] = {}
    for key, value in facts.items():
        inner = value if isinstance(value, dict) else {}
        flat |= {f"{key}.{k}": v for k, v in inner.items()} or {key: value}
    return flat
