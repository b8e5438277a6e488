"""What a network costs, and the rate of the machine's own matrix product."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, TypeVar

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from sr_bench.networks.strips import whole_images
from sr_bench.support.errors import SrBenchError
from sr_bench.timing.rounds import Clock, duration

T = TypeVar("T")
SIDE = 2048  # of the square matrices that the machine's rate is measured with
_PRODUCTS = 7
_OWN = ("aten", "prim", "prims", "profiler")  # PyTorch's operators: the costly ones are counted


def parameters(networks: Iterable[nn.Module]) -> int:
    """Number of parameters of a model's networks: of all scales, each shared one once."""
    return sum(p.numel() for p in {id(p): p for n in networks for p in n.parameters()}.values())


def macs(network: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> int:
    """Multiply-adds of the network's convolutions and matrix products over some calls.

    Raises:
        SrBenchError: as :func:`counted`.
    """
    return sum(counted(network, inputs)[0] for inputs in calls)


def counted(network: Callable[..., Any], inputs: tuple[Any, ...]) -> tuple[int, Any]:
    """The multiply-adds of one call, and what it returns: a shape alone where that was enough.

    Nothing is computed where the inputs' shapes are enough. What looks at values (``.item()``,
    ``.numpy()``, an index from a comparison), or is no ``nn.Module``, is called with the inputs
    themselves.

    Raises:
        SrBenchError: if an operator that isn't PyTorch's own takes part: nobody knows its count.
    """
    if not isinstance(network, nn.Module):
        return _called(network, inputs)
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    try:
        with FakeTensorMode(allow_non_fake_inputs=True):
            return _called(network, tuple(_shape_only(x, device) for x in inputs))
    except Exception:  # many kinds, by what the network does with the values
        return _called(network, inputs)


class _Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the operators that aren't PyTorch's own: the counter takes them for nothing."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.foreign: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.namespace not in _OWN and func not in flop_registry:
            self.foreign.add(f"{func.namespace}::{func._schema.name.partition('::')[2]}")
        return func(*args, **(kwargs or {}))


def _called(network: Callable[..., Any], inputs: tuple[Any, ...]) -> tuple[int, Any]:
    whole = whole_images(network) if isinstance(network, nn.Module) else nullcontext()
    with _Operators() as seen, FlopCounterMode(display=False) as counter, torch.no_grad(), whole:
        returned = network(*inputs)
    if seen.foreign:
        raise SrBenchError(
            f"the multiply-adds of {', '.join(sorted(seen.foreign))} aren't known: it isn't an "
            "operator of PyTorch's own"
        )
    return int(counter.get_total_flops()) // 2, returned


def fact(name: str, find: Callable[[], T], not_known: dict[str, str]) -> T | None:
    """A fact of a row; where it can't be found, ``None``, and the reason goes to ``not_known``.

    The row's times are good without it.
    """
    not_known.pop(name, None)
    try:
        return find()
    except Exception as error:
        why = " ".join(str(error).split()) or type(error).__name__
        not_known[name] = why[:300]
        return None


def matrix_rate(device: torch.device, dtype: torch.dtype, clock: Clock) -> float:
    """FLOP/s of a product of two square matrices: of the fastest library, in the fastest round.

    In float32 on a CPU there are two, MKL and oneDNN. On AMD's processors MKL leaves half of
    AVX-512 unused: a convolution may have twice the rate of its product. The first call, which
    finds its memory and its kernel, doesn't count.
    """
    a, b = (torch.randn(SIDE, SIDE, device=device).to(dtype) for _ in range(2))
    products: list[Callable[[], torch.Tensor]] = [partial(torch.mm, a, b)]
    has_onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if device.type == "cpu" and dtype == torch.float32 and has_onednn:
        products.append(partial(functional.linear, a.to_mkldnn(), b.to_mkldnn()))
    times = [[duration(product, clock) for _ in range(_PRODUCTS)] for product in products]
    return float(2 * SIDE**3 / min(min(later) for _, *later in times))


def _shape_only(value: Any, device: torch.device) -> Any:
    return torch.empty(value.shape, device=device) if isinstance(value, torch.Tensor) else value
