"""Weight files in: MATLAB's .mat, PyTorch checkpoints; never an untrusted pickle."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from scipy.io import loadmat

from sr_bench.errors import SrBenchError

# Where training programs put the weights: mmediting and others; BasicSR, whose moving average is
# what its own results are measured with.
WRAPPERS = ("state_dict", "params_ema", "params")
SHOWN = 6  # keys named in an error; a wrong variant alone has hundreds


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
    """The tensors of a PyTorch checkpoint, by key.

    Those inside ``state_dict``, ``params_ema`` or ``params`` are taken out, the first of them that
    is there. Only tensors and plain containers are unpickled (``weights_only=True``).

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
    if isinstance(content, Mapping):
        inside = [content[k] for k in WRAPPERS if isinstance(content.get(k), Mapping)]
        content = inside[0] if inside else content
    if not isinstance(content, Mapping) or not all(
        isinstance(v, torch.Tensor) for v in content.values()
    ):
        raise SrBenchError(f"{path}: holds no dictionary of tensors; is it a checkpoint?")
    return dict(content)


def read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file, by key.

    Raises:
        SrBenchError: if the file is missing or isn't one.
    """
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise SrBenchError(f"{path}: not a readable safetensors file ({error})") from error


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
    rows = [_rename_key(key, tuple(value.shape), rules) for key, value in state.items()]
    strange = [key for key, row in zip(state, rows) if row is None]
    if strange:
        raise SrBenchError(
            f"{path}: {len(strange)} of {len(state)} keys don't belong to the network: "
            f"{_some(strange, ', ')}; check the method, and where the file comes from"
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


def read_own(path: Path) -> Renamed:
    """A safetensors file of ours: its keys are the network's."""
    return rename(read_safetensors(path), [Rule(".*", r"\g<0>")], path)


def _rename_key(key: str, shape: tuple[int, ...], rules: list[Rule]) -> RenamedKey | None:
    for rule in rules:
        match = re.fullmatch(rule.theirs, key)
        if match:
            ours = None if rule.ours is None else match.expand(rule.ours)
            return RenamedKey(key, ours, shape, rule.divisor)
    return None


def check_fit(model: torch.nn.Module, state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Check that ``state`` has the model's keys and shapes; the model may be on ``meta``.

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
            f"{path}: does not fit the network: {_some(sorted(problems), '; ')}; "
            "check the variant, the scale and where the file comes from"
        )


def load_strictly(model: torch.nn.Module, state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Load every tensor of ``state`` into ``model``, none missing, none left over.

    Raises:
        SrBenchError: naming the missing, extra and misshapen keys.
    """
    check_fit(model, state, path)
    model.load_state_dict(dict(state))


def _some(facts: list[str], separator: str) -> str:
    more = [f"and {len(facts) - SHOWN} more"] if len(facts) > SHOWN else []
    return separator.join(facts[:SHOWN] + more)
