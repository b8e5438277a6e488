"""Checkpoints and weights as safetensors: tensors, and facts as JSON in the header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from sr_bench.networks.safetensors_files import (
    FACTS,
    HASH,
    digest_of,
    header_of,
    read_safetensors,
)
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import replacing_from_folder


def save(path: Path, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and facts to a temporary file, then rename it: an older file stays until then.

    Raises:
        SrBenchError: if the disk is full or can't be written; an older file is still there.
    """
    text = json.dumps(facts)
    try:
        with replacing_from_folder(path) as temporary:
            save_file(dict(tensors), temporary, {FACTS: text, HASH: digest_of(tensors, text)})
    except (SafetensorError, OSError) as error:
        kept = "the file before it is intact" if path.is_file() else "nothing was there before"
        why = getattr(error, "strerror", None) or error
        raise SrBenchError(f"{path}: can't be written ({why}); {kept}") from error


def load(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The tensors and facts of a file that :func:`save` wrote, checked against their hash.

    Files of version 0.1 hold no hash (:func:`is_hashed`): they are taken as they are.

    Raises:
        SrBenchError: if it isn't one, or its content isn't what was written.
    """
    facts = read_facts(path)
    return read_safetensors(path), facts


def is_hashed(path: Path) -> bool:
    """Whether the file says what its content must be."""
    return HASH in header_of(path)


def read_facts(path: Path) -> dict[str, Any]:
    """The facts alone: how weights were made, or how far a training is.

    Raises:
        SrBenchError: if the file is missing or holds none.
    """
    try:
        facts = json.loads(header_of(path)[FACTS])
    except (SafetensorError, OSError, KeyError, ValueError, RecursionError) as error:
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
