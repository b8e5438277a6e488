"""Made-up things that several tests share."""

import torch

from sr_bench.timing.fingerprint import Fingerprint

MACHINE = Fingerprint(
    cpu="A",
    cpu_id="1.2.3",
    instructions=("avx2",),
    cores=1,
    threads=2,
    torch="2",
    os="L",
    gpu=None,
    driver=None,
)


def image(*shape):
    """In float64: how far float32 sums of another order lie apart depends on the processor."""
    generator = torch.Generator().manual_seed(1)
    return torch.rand(1, 3, *shape, dtype=torch.float64, generator=generator)


def official(state, mean):
    """A network's state as the authors of EDSR saved it: with the layers that shift the mean."""
    extra = {}
    for layer, sign in (("sub_mean", -1), ("add_mean", 1)):
        extra[f"{layer}.weight"] = torch.eye(3).reshape(3, 3, 1, 1)
        extra[f"{layer}.bias"] = sign * 255 * mean.flatten()
    return state | extra
