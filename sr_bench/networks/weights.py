"""Weights under a network's own keys: read, renamed, and loaded strictly."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import torch

from sr_bench.networks.mat_files import read_mat
from sr_bench.networks.safetensors_files import is_safetensors, read_safetensors
from sr_bench.networks.torch_files import read_checkpoint
from sr_bench.networks.unwrap import prefixes, some, without_prefix
from sr_bench.support.errors import SrBenchError
from sr_bench.support.notices import notice

__all__ = [
    "Renamed",
    "RenamedKey",
    "Rule",
    "check_fit",
    "is_safetensors",
    "layer_rules",
    "load_strictly",
    "read_checkpoint",
    "read_mat",
    "read_own",
    "read_safetensors",
    "rename",
    "with_known",
]

_SIDE = 3  # keys of each side in an error


@dataclass(frozen=True)
class Rule:
    """How keys of another program become ours.

    Args:
        theirs: regular expression of a whole key.
        ours: what replaces it, as in ``re.sub``; ``None`` for a key that is left out.
        divisor: what its values are divided by.
    """

    theirs: str
    ours: str | None
    divisor: float = 1.0


@dataclass(frozen=True)
class RenamedKey:
    """What became of one key: a row of the report of a mapping."""

    theirs: str
    ours: str | None  # None: left out
    shape: tuple[int, ...]
    divisor: float


@dataclass(frozen=True)
class Renamed:
    """A state under our keys, and the report: one row for every key there was."""

    state: dict[str, torch.Tensor]
    rows: list[RenamedKey]


def layer_rules(layers: Mapping[str, str], *, bias_divisor: float = 1.0) -> list[Rule]:
    """Rules for the weights and biases of layers, their names (as in :class:`Rule`) to ours.

    A network of convolutions, ReLUs and sums that was trained on 0..255 does the same on 0..1 when
    its biases, and only they, are divided by 255.
    """
    rules = []
    for theirs, ours in layers.items():
        rules.append(Rule(rf"{theirs}\.weight", f"{ours}.weight"))
        rules.append(Rule(rf"{theirs}\.bias", f"{ours}.bias", bias_divisor))
    return rules


def rename(state: Mapping[str, torch.Tensor], rules: Iterable[Rule], path: Path) -> Renamed:
    """The state under our keys; the first rule that fits a key decides.

    Raises:
        SrBenchError: for keys that no rule knows, and for two keys that become one.
    """
    rules = list(rules)

    def fits(keys: Collection[str]) -> bool:
        return all(any(re.fullmatch(rule.theirs, key) for rule in rules) for key in keys)

    plain = _plain_keys(state, fits, path)
    rows = [_rename_key(key, plain[key], state[key], rules) for key in state]
    strange = [key for key, row in zip(state, rows) if row is None]
    if strange:
        raise SrBenchError(
            f"{path}: {len(strange)} of {len(state)} keys don't belong to the network: "
            f"{some(strange)}; check the method, and where the file comes from{_hint(state)}"
        )
    found = Renamed({}, [row for row in rows if row is not None])
    for row in found.rows:
        if row.ours in found.state:
            raise SrBenchError(
                f"{path}: {row.theirs} and another key both become {row.ours}; "
                "is the file a mix of two formats?"
            )
        if row.ours is not None:
            value = state[row.theirs]
            found.state[row.ours] = value if row.divisor == 1 else value / row.divisor
    return found


def with_known(
    state: Mapping[str, torch.Tensor], known: Iterable[str], path: Path
) -> dict[str, torch.Tensor]:
    """The state without a prefix of all its keys, where one of the ``known`` keys appears then.

    For methods that tell formats by a key that only one of them has.
    """
    marks = set(known)
    plain = _plain_keys(state, lambda keys: not marks.isdisjoint(keys), path)
    return {plain[k]: v for k, v in state.items()}


def read_own(path: Path) -> Renamed:
    """A safetensors file of ours: its keys are the network's."""
    return rename(read_checkpoint(path), [Rule(".*", r"\g<0>")], path)


def check_fit(
    model: torch.nn.Module, state: Mapping[str, torch.Tensor], path: Path
) -> dict[str, torch.Tensor]:
    """Check that ``state`` has the model's keys and shapes; the model may be on ``meta``.

    Returns:
        The state under the model's keys: without a prefix such as ``module.`` before all of them.

    Raises:
        SrBenchError: naming the misshapen, missing and extra keys, and some of both sides.
    """
    wanted = {k: tuple(v.shape) for k, v in model.state_dict().items()}
    plain = _plain_keys(state, lambda keys: set(keys) == wanted.keys(), path)
    fitting = {plain[k]: v for k, v in state.items()}
    if {k: tuple(v.shape) for k, v in fitting.items()} != wanted:
        _refuse_misfit(fitting, wanted, path)
    return fitting


def load_strictly(model: torch.nn.Module, state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Load every tensor of ``state`` into ``model``, none missing, none left over.

    A prefix such as ``module.`` before all keys, as DataParallel and torch.compile put there, is
    removed, with a note, where the keys are the network's without it.

    Raises:
        SrBenchError: naming the misshapen, missing and extra keys, and some of both sides.
    """
    model.load_state_dict(check_fit(model, state, path))


def _rename_key(
    key: str, plain: str, value: torch.Tensor, rules: Iterable[Rule]
) -> RenamedKey | None:
    for rule in rules:
        match = re.fullmatch(rule.theirs, plain)
        if match:
            ours = None if rule.ours is None else match.expand(rule.ours)
            return RenamedKey(key, ours, tuple(value.shape), rule.divisor)
    return None


def _plain_keys(
    state: Mapping[str, torch.Tensor], fits: Callable[[Collection[str]], bool], path: Path
) -> dict[str, str]:
    """Each key without the prefix that keeps all from fitting; as it is, where none does."""
    found = without_prefix(state, fits)
    if found is None:
        return {k: k for k in state}
    plain, prefix = found
    if prefix:
        count = sum(k != v for k, v in plain.items())
        notice(path, f"the prefix '{prefix}' was removed from {count} of {len(state)} keys")
    return plain


def _refuse_misfit(
    state: Mapping[str, torch.Tensor], wanted: Mapping[str, tuple[int, ...]], path: Path
) -> NoReturn:
    """Name what doesn't fit, a prefix of all keys aside; shapes first, which say most."""
    prefix = max(prefixes(state), key=lambda p: sum(k.removeprefix(p) in wanted for k in state))
    given = {k.removeprefix(prefix): tuple(v.shape) for k, v in state.items()}
    problems = [
        f"{k} is {given[k]}, the network has {wanted[k]}"
        for k in wanted
        if k in given and wanted[k] != given[k]
    ]
    problems += [f"{k} is missing" for k in wanted if k not in given]
    problems += [f"{k} is not part of the network" for k in given if k not in wanted]
    sides = "" if given.keys() == wanted.keys() else _both_sides(state, wanted)
    raise SrBenchError(
        f"{path}: does not fit the network: {some(problems, '; ')}; "
        f"check the variant, the scale and where the file comes from{sides}{_hint(state)}"
    )


def _both_sides(given: Collection[str], wanted: Collection[str]) -> str:
    file, network = (", ".join(list(keys)[:_SIDE]) or "none" for keys in (given, wanted))
    return (
        f". The file has {len(given)} keys, the first are {file}; "
        f"the network has {len(wanted)}, the first are {network}"
    )


def _hint(state: Collection[str]) -> str:
    """What all keys begin with, if a wrapper of the network may have put it there."""
    prefix = prefixes(state)[-1]
    return f". All keys of the file begin with the prefix '{prefix}'" if prefix else ""
