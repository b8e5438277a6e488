"""LPIPS, DISTS and NIQE through the libraries that people cite; none is a dependency.

Each is a function of two uint8 RGB images and carries a signature: library, version, network, and
the hash of all its weights. Where a library or its weights can't be had, the error says what is
missing; nothing stands in for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
from numpy.typing import NDArray

from sr_bench.evaluation.metrics.checks import checked_pair, require_uint8
from sr_bench.support.errors import SrBenchError, unknown
from sr_bench.support.files import sha256

Image = NDArray[np.generic]  # uint8, which calls check


@dataclass(frozen=True)
class Perceptual:
    """A metric, ready to be called with sr and hr: uint8 (h, w, 3) RGB of one shape."""

    name: str
    signature: str
    function: Callable[[Image, Image], float]

    def __call__(self, sr: Image, hr: Image) -> float:
        """Of both images; lower is better for all three. NIQE looks at sr alone.

        Raises:
            ValueError: if the shapes differ, or an image isn't uint8 RGB.
        """
        for name, image in (("sr", sr), ("hr", hr)):
            require_uint8(name, image)
            if image.ndim != 3:
                raise ValueError(
                    f"{name} is {image.dtype} {image.shape}, {self.name} takes uint8 (h, w, 3) "
                    "RGB; repeat a gray image three times"
                )
        checked_pair(sr, hr, data_range=255)
        return self.function(sr, hr)


@lru_cache(maxsize=8)  # networks: loaded once
def load_perceptual(name: str, device: str | None = None) -> Perceptual:
    """``lpips`` (AlexNet, v0.1), ``dists`` or ``niqe``.

    Args:
        name: of the metric.
        device: of its network, see :func:`sr_bench.networks.device.choose_device`; niqe has none.

    Raises:
        SrBenchError: "not run" and the reason, where its library or its weights can't be had.
        WrongUse: for an unknown name.
    """
    if name not in _LOADERS:
        raise unknown("metric", name, _LOADERS, where="sr_bench/evaluation/metrics/perceptual.py")
    try:
        return _LOADERS[name](device)
    except ImportError as error:
        raise SrBenchError(
            f"{name}: not run: {error}; docs/conformance.md says how to install it"
        ) from error
    except (URLError, OSError) as error:
        raise SrBenchError(
            f"{name}: not run: its weights can't be had ({error}); put them where torch.hub keeps "
            "checkpoints, or run where the network is"
        ) from error


def not_run(name: str) -> str:
    """Why a metric can't run here; empty if it can."""
    try:
        load_perceptual(name)
    except SrBenchError as error:
        return str(error)
    return ""


def _lpips(device: str | None) -> Perceptual:
    """Zhang et al., 2018, doi:10.1109/CVPR.2018.00068, by its authors' package."""
    import lpips

    model = _placed(lpips.LPIPS(net="alex", version="0.1", verbose=False), device)

    def distance(sr: Image, hr: Image) -> float:
        return _of_network(model, _tensor(sr) * 2 - 1, _tensor(hr) * 2 - 1)

    return Perceptual("lpips", _signature("lpips", "alex-0.1", _weights_hash(model)), distance)


def _dists(device: str | None) -> Perceptual:
    """Ding et al., 2022, doi:10.1109/TPAMI.2020.3045810, by piq."""
    from piq.perceptual import DISTS

    model = _placed(DISTS(), device)

    def distance(sr: Image, hr: Image) -> float:
        return _of_network(model, _tensor(sr), _tensor(hr))

    return Perceptual("dists", _signature("piq", "vgg16", _weights_hash(model)), distance)


def _niqe(device: str | None) -> Perceptual:
    """Mittal et al., 2013, doi:10.1109/LSP.2012.2227726, by basicsr, whose parameters are inside.

    On rounded Y, blocks of 96 x 96, which must be two at least.
    """
    from sr_bench.support.import_without_init import basicsr

    module: Any = basicsr("metrics.niqe")
    parameters = Path(module.__file__).with_name("niqe_pris_params.npz")

    def quality(sr: Image, hr: Image) -> float:
        if (sr.shape[0] // 96) * (sr.shape[1] // 96) < 2:
            raise ValueError(
                f"sr is {sr.shape[:2]}, NIQE needs two blocks of 96 x 96 pixels; use larger images"
            )
        return float(module.calculate_niqe(np.ascontiguousarray(sr[..., ::-1]), 0))

    return Perceptual("niqe", _signature("basicsr", "y", sha256(parameters)), quality)


_LOADERS: dict[str, Callable[[str | None], Perceptual]] = {
    "lpips": _lpips,
    "dists": _dists,
    "niqe": _niqe,
}


def _signature(package: str, network: str, weights: str) -> str:
    return f"{package}-{version(package)}+{network}+weights.{weights[:16]}"


def _tensor(image: Image) -> Any:
    """(h, w, 3) uint8 -> (1, 3, h, w) float32 in [0, 1]."""
    import torch

    return torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1)[None]


def _of_network(model: Any, sr: Any, hr: Any) -> float:
    import torch

    where = next(model.parameters()).device
    with torch.no_grad():
        return float(model(sr.to(where), hr.to(where)))


def _placed(model: Any, device: str | None) -> Any:
    """A network in inference mode on the device that was chosen."""
    from sr_bench.networks.device import choose_device, set_up

    where = choose_device(device)
    set_up(where, deterministic=True)
    return model.eval().to(where)


def _weights_hash(model: Any) -> str:
    """Of all parameters and buffers, in the order of their names."""
    digest = hashlib.sha256()
    for name, values in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(values.cpu().numpy().tobytes())
    return digest.hexdigest()
