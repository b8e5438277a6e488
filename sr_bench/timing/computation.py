"""Runs a model's network on a device and in a precision; the rest of the model is unchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from sr_bench.networks.device import set_up
from sr_bench.networks.method import Model
from sr_bench.networks.modules import network_of, networks_of, replaced
from sr_bench.networks.strips import whole_images
from sr_bench.support.errors import SrBenchError
from sr_bench.timing.setting import COMPILE, EXPORTED, PRECISIONS, Precision

Inputs = tuple[Any, ...]


class Computation:
    """What "network only" times: a model's network, or the whole model where it has none.

    Called as the original is; its inputs can be recorded. Multiply-adds are those of ``original``,
    parameters those of ``networks``.
    """

    device, dtype = torch.device("cpu"), torch.float32

    def __init__(self, original: Callable[..., Any]) -> None:
        self.original, self.networks = original, tuple(networks_of(original).values())
        self._recorded: list[Inputs] | None = None
        for name in ("colour", "reach"):  # where it is the model itself
            if hasattr(original, name):
                setattr(self, name, getattr(original, name))

    def __call__(self, *inputs: Any) -> torch.Tensor:
        """As the original's call: float32 on the CPU in and out."""
        there = self.to_device(inputs)
        if self._recorded is not None:
            self._recorded.append(there)
        return self.compute(*there).float().cpu()

    @contextmanager
    def recorded(self) -> Iterator[list[Inputs]]:
        """Yield the list of the inputs that it gets in the block, on its device."""
        self._recorded = []
        try:
            yield self._recorded
        finally:
            self._recorded = None

    def to_device(self, inputs: Inputs) -> Inputs:
        """The inputs, on the device."""
        return inputs

    def compute(self, *inputs: Any) -> torch.Tensor:
        """The computation alone, from and to the device's memory."""
        raise NotImplementedError


class NetworkOnDevice(Computation):
    """An ``nn.Module`` on a device, in a precision, in inference mode.

    Args:
        network: taken over: it moves.
        device: where it runs.
        precision: how; see :class:`sr_bench.timing.setting.Precision`.
    """

    def __init__(self, network: nn.Module, device: torch.device, precision: Precision) -> None:
        super().__init__(network)
        self.device = device
        self.dtype = getattr(torch, precision.dtype)
        self.layout = torch.channels_last if precision.channels_last else torch.contiguous_format
        self.plain = not precision.channels_last
        moving: Any = network.eval()
        self.network: nn.Module = moving.to(device=device, memory_format=self.layout)
        self._call: Any = (
            torch.compile(self.network) if precision.backend == COMPILE else self.network
        )

    def to_device(self, inputs: Inputs) -> Inputs:
        """Images to the device; a scale stays the number that it is."""
        return tuple(
            x.to(self.device).contiguous(memory_format=self.layout)
            if isinstance(x, torch.Tensor) and x.ndim == 4
            else x
            for x in inputs
        )

    def compute(self, *inputs: Any) -> torch.Tensor:
        """The network, under autocast where the precision isn't float32."""
        fast = self.dtype != torch.float32
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, dtype=self.dtype if fast else None, enabled=fast),
            whole_images(self.network) if self.plain else nullcontext(),
        ):
            return cast(torch.Tensor, self._call(*inputs))


class WholeModel(Computation):
    """A model without a network that can be moved: on the CPU, as it is.

    Args:
        model: called as it is.
        networks: those inside it, where they can't be found in it.
    """

    def __init__(self, model: Model, networks: Iterable[nn.Module] | None = None) -> None:
        super().__init__(model)
        self.model = model
        self.networks = self.networks if networks is None else tuple(networks)

    def compute(self, *inputs: Any) -> torch.Tensor:
        """The model's call, in inference mode."""
        with torch.inference_mode():
            return self.model(*inputs)


def put_on_device(
    model: Model, device: str, precision: str, export: Callable[[Inputs], Path]
) -> tuple[Model, Computation]:
    """Put a model's network on a device (``cpu`` or ``cuda``), in a precision by its label.

    float32 is float32: TF32, which cuDNN's convolutions use by default, is switched off for the
    process.

    Args:
        model: what is put there.
        device: where.
        precision: how.
        export: writes an ONNX file of the network for such inputs, for the engines that read one.

    Returns:
        The model, ready to be called, and the part of it that "network only" times.

    Raises:
        SrBenchError: for a model without a network anywhere but on the CPU in float32.
    """
    network, backend = network_of(model), PRECISIONS[precision].backend
    if backend in EXPORTED:
        from sr_bench.timing.exported import Exported

        engine = Exported(network or model, backend, export)
        return replaced(model, engine), engine
    if network is None:
        if (device, precision) != ("cpu", "float32"):
            raise SrBenchError(
                f"the model has no network that can be moved, so it can't run on {device} in "
                f"{precision}; time it on the CPU in float32, or keep its nn.Module in the "
                "attribute `network` (methods/README.md)"
            )
        whole = WholeModel(model)
        return cast(Model, whole), whole
    where = torch.device(device)
    set_up(where)
    there = NetworkOnDevice(network, where, PRECISIONS[precision])
    return replaced(model, there), there
