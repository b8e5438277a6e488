"""What a model has to be, and what it has to return; each error names the run."""

from __future__ import annotations

from typing import get_args

import numpy as np
import torch

from sr_bench.networks.method import ModelColour
from sr_bench.networks.modules import networks_of
from sr_bench.networks.tiles import Unit
from sr_bench.support.errors import SrBenchError

_SLACK = 1.0  # a model's values may leave [0, 1] by this much before they are called wrong


def require_model(name: str, model: object) -> None:
    """Refuse what isn't a model, and a model in training mode.

    Raises:
        SrBenchError: naming what is wrong, and the remedy.
    """
    if not callable(model):
        raise SrBenchError(
            f"{name}: load returned {type(model).__name__}, expected a model that can be called"
        )
    colour, known = getattr(model, "colour", None), get_args(ModelColour)
    if colour not in known:
        raise SrBenchError(
            f"{name}: the model's colour is {colour!r}, expected one of {known}; set `colour` in "
            "its class (methods/README.md)"
        )
    for network in networks_of(model).values():
        training = [n or type(m).__name__ for n, m in network.named_modules() if m.training]
        if training:
            raise SrBenchError(
                f"{name}: {training[0]} is in training mode, where Dropout and BatchNorm give "
                "other numbers; return model.eval() from load"
            )


def require_layout(name: str, out: object, shape: tuple[int, ...]) -> None:
    """Refuse what isn't a float32 tensor of that shape.

    Raises:
        SrBenchError: with what was returned.
    """
    if not isinstance(out, torch.Tensor):
        raise SrBenchError(f"{name}: returned {type(out).__name__}, expected a tensor of {shape}")
    if tuple(out.shape) != shape or out.dtype != torch.float32:
        raise SrBenchError(
            f"{name}: returned {tuple(out.shape)} {out.dtype}, expected {shape} "
            "torch.float32; a method returns its lr's layout at scale times the size"
        )


def require_values(name: str, values: Unit, *, untrained: bool) -> None:
    """Refuse NaN, and values far from [0, 1] of weights that aren't made up.

    Raises:
        SrBenchError: with what was returned.
    """
    bad = int(values.size - np.isfinite(values).sum())
    if bad:
        raise SrBenchError(
            f"{name}: {bad} of {values.size} returned values are NaN or infinite; "
            "check the weights and the input's range, [0, 1]"
        )
    low, high = float(values.min()), float(values.max())
    if not untrained and (low < -_SLACK or high > 1 + _SLACK):
        raise SrBenchError(
            f"{name}: returned values span {low:.3g} .. {high:.3g}, expected about "
            "[0, 1]; undo the method's own value range before returning"
        )
