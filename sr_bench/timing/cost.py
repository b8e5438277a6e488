"""What a network is made of, and the rate of the machine's own matrix product."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from sr_bench.networks.strips import whole_images

T = TypeVar("T")
SIDE = 2048  # of the square matrices that the machine's rate is measured with
_PRODUCTS = 7


def parameters(network: nn.Module | None) -> int:
    """Their number; those of all scales where a network has several."""
    return 0 if network is None else sum(p.numel() for p in network.parameters())


def macs(network: nn.Module, calls: Sequence[tuple[Any, ...]]) -> int:
    """Multiply-adds of the network's convolutions and matrix products over some calls.

    Nothing is computed where the inputs' shapes are enough. A network that looks at values
    (``.item()``, ``.numpy()``, an index from a comparison) is called with the inputs themselves.
    """
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    try:
        with FakeTensorMode(allow_non_fake_inputs=True):
            shapes = [tuple(_shape_only(x, device) for x in inputs) for inputs in calls]
            return _counted(network, shapes)
    except Exception:  # many kinds, by what the network does with the values
        return _counted(network, calls)


def _counted(network: nn.Module, calls: Sequence[tuple[Any, ...]]) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad(), whole_images(network):
        for inputs in calls:
            network(*inputs)
    return int(counter.get_total_flops()) // 2


def fact(name: str, find: Callable[[], T], not_known: dict[str, str]) -> T | None:
    """A fact that stands beside a time; where it can't be had, ``None``, and why in ``not_known``.

    The time is good without it.
    """
    try:
        return find()
    except Exception as error:
        why = " ".join(str(error).split()) or type(error).__name__
        not_known[name] = why[:300]
        return None


def matrix_rate(device: torch.device, dtype: torch.dtype, clock: Callable[[], float]) -> float:
    """FLOP/s of a product of two square matrices: of the fastest way, in the fastest round.

    In float32 on a CPU there are two ways, MKL's and oneDNN's. On AMD's processors MKL leaves half
    of AVX-512 unused: a convolution may have twice the rate of its product.
    """
    a, b = (torch.randn(SIDE, SIDE, device=device).to(dtype) for _ in range(2))
    ways: list[Callable[[], torch.Tensor]] = [partial(torch.mm, a, b)]
    has_onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if device.type == "cpu" and dtype == torch.float32 and has_onednn:
        ways.append(partial(functional.linear, a.to_mkldnn(), b.to_mkldnn()))
    return float(2 * SIDE**3 / min(_fastest(way, clock) for way in ways))


def _fastest(call: Callable[[], Any], clock: Callable[[], float]) -> float:
    """Seconds of the fastest call but for the first, which finds its memory and its kernel."""
    times = []
    for _ in range(_PRODUCTS):
        start = clock()
        call()
        times.append(clock() - start)
    return min(times[1:])


def _shape_only(value: Any, device: torch.device) -> Any:
    return torch.empty(value.shape, device=device) if isinstance(value, torch.Tensor) else value
