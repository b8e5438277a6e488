"""NIQE, and LPIPS, DISTS and others through the libraries that people cite: no dependencies.

Each says whether it needs a pair or sr alone, and carries a signature: library, version, network,
and the hash of all its weights. Where a library or its weights can't be had, the error says what is
missing; nothing stands in for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import version
from typing import Any, Literal
from urllib.error import URLError

import numpy as np
from numpy.typing import NDArray

from sr_bench.data.catalogue.sources import find_source
from sr_bench.data.datasets.cache import cache_folder
from sr_bench.data.datasets.manifest import fetch_source
from sr_bench.evaluation.metrics.checks import checked_pair, require_uint8
from sr_bench.evaluation.metrics.niqe import GRAYS, Pristine, niqe
from sr_bench.support.errors import SrBenchError, unknown
from sr_bench.support.files import sha256

Image = NDArray[np.generic]  # uint8, which calls check
Needs = Literal["pair", "sr"]


@dataclass(frozen=True)
class Perceptual:
    """A metric, ready to be called with uint8 (h, w, 3) RGB: sr and hr of one shape, or sr alone.

    ``needs`` says which. Which direction is better stands in ``sr_bench/analysis/metrics.py``.
    """

    name: str
    signature: str
    function: Callable[..., float]  # of sr and hr, or of sr alone
    needs: Needs = "pair"

    def __call__(self, sr: Image, hr: Image | None = None) -> float:
        """The metric; hr is left aside by one that needs sr alone.

        Raises:
            ValueError: if the shapes differ, an image isn't uint8 RGB, or hr is missing.
        """
        if hr is None and self.needs == "pair":
            raise ValueError(f"{self.name} compares sr with hr; give hr too")
        for name, image in (("sr", sr), ("hr", hr)):
            if image is None:
                continue
            require_uint8(name, image)
            if image.ndim != 3:
                raise ValueError(
                    f"{name} is {image.dtype} {image.shape}, {self.name} takes uint8 (h, w, 3) "
                    "RGB; repeat a gray image three times"
                )
        if self.needs == "sr":
            return self.function(sr)
        checked_pair(sr, hr, data_range=255)
        return self.function(sr, hr)


@lru_cache(maxsize=8)  # networks: loaded once
def load_perceptual(name: str, device: str | None = None) -> Perceptual:
    """``lpips`` (AlexNet, v0.1), ``dists``, a kind of NIQE, or what pyiqa has.

    Args:
        name: of the metric.
        device: of its network, see :func:`sr_bench.networks.device.choose_device`; niqe has none.

    Raises:
        SrBenchError: "not run" and the reason, where its library or its weights can't be had.
        WrongUse: for an unknown name.
    """
    if name not in _LOADERS:
        raise unknown("metric", name, _LOADERS, where="sr_bench/evaluation/metrics/perceptual.py")
    with told_as_not_run(name):
        return _LOADERS[name](device)


@contextmanager
def told_as_not_run(name: str) -> Iterator[None]:
    """What stops a metric, as a ``SrBenchError`` that says "not run" and why."""
    try:
        yield
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
    model = lpips_network("alex", device)

    def distance(sr: Image, hr: Image) -> float:
        return of_network(model, as_tensor(sr) * 2 - 1, as_tensor(hr) * 2 - 1)

    return Perceptual("lpips", _signature("lpips", "alex-0.1", _weights_hash(model)), distance)


def lpips_network(network: str, device: str | None) -> Any:
    """LPIPS v0.1 on ``alex``, ``vgg`` or ``squeeze``, which takes values on -1..1."""
    import lpips

    return _placed(lpips.LPIPS(net=network, version="0.1", verbose=False), device)


def _dists(device: str | None) -> Perceptual:
    """Ding et al., 2022, doi:10.1109/TPAMI.2020.3045810, by piq."""
    from piq.perceptual import DISTS

    model = _placed(DISTS(), device)

    def distance(sr: Image, hr: Image) -> float:
        return of_network(model, as_tensor(sr), as_tensor(hr))

    return Perceptual("dists", _signature("piq", "vgg16", _weights_hash(model)), distance)


def _niqe(kind: str, device: str | None) -> Perceptual:
    """Our own, with the MATLAB release's model, which is fetched into the user's cache."""
    (pristine, digest), gray = pristine_model(), GRAYS[kind]

    def quality(sr: Image) -> float:
        return niqe(gray.of(np.asarray(sr, np.uint8)), pristine)

    border = f".border-{gray.border}" if gray.border else ""
    signature = f"own-1+{gray.conversion}{border}+weights.{digest[:16]}"
    return Perceptual(kind, signature, quality, "sr")


def pristine_model() -> tuple[Pristine, str]:
    """NIQE's model of good images, fetched once, and its file's sha256."""
    source = find_source("NIQE-parameters")
    path = fetch_source(source, cache_folder(), progress=lambda _: None)[0]
    return Pristine.read(path), sha256(path)


def _pyiqa(name: str, needs: Needs, device: str | None) -> Perceptual:
    """A network of pyiqa, by pyiqa's name for it."""
    import pyiqa

    from sr_bench.networks.device import choose_device, set_up

    where = choose_device(device)
    set_up(where, deterministic=True)
    model = pyiqa.create_metric(name, device=where)

    def quality(*images: Image) -> float:
        import torch

        with torch.no_grad():
            return float(model(*(as_tensor(image).to(where) for image in images)))

    return Perceptual(name, _signature("pyiqa", name, _weights_hash(model)), quality, needs)


NEEDS: dict[str, Needs] = {  # of each metric; the last ones are pyiqa's
    "lpips": "pair",
    "dists": "pair",
    **dict.fromkeys(GRAYS, "sr"),
    "topiq_fr": "pair",
    **dict.fromkeys(("maniqa", "musiq", "clipiqa", "topiq_nr"), "sr"),
}
_LOADERS: dict[str, Callable[[str | None], Perceptual]] = {
    "lpips": _lpips,
    "dists": _dists,
    **{kind: partial(_niqe, kind) for kind in GRAYS},
    **{n: partial(_pyiqa, n, NEEDS[n]) for n in NEEDS if n not in ("lpips", "dists", *GRAYS)},
}


def _signature(package: str, network: str, weights: str) -> str:
    return f"{package}-{version(package)}+{network}+weights.{weights[:16]}"


def as_tensor(image: Image) -> Any:
    """(h, w, 3) on 0..255 -> (1, 3, h, w) float32 on 0..1."""
    import torch

    return torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1)[None]


def of_network(model: Any, sr: Any, hr: Any) -> float:
    """What a network says of two tensors, wherever it lies."""
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
