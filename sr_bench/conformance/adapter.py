"""The two functions that the golden cases call, and where to find them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sr_bench.errors import WrongUse, unknown
from sr_bench.resize import Border, Rounding

Planes = Literal["gray", "rgb", "y", "y-uint8", "cb-uint8", "cr-uint8"]
ScoreMetric = Literal["psnr", "ssim"]
Array = NDArray[Any]

WHERE = "sr_bench/conformance/adapter.py"
# Name on the command line -> module below sr_bench.conformance.adapters.
BUILT_IN = {
    "sr-bench": "ours",
    "basicsr": "basicsr",
    "scikit-image": "scikit_image",
    "pillow": "pillow",
    "opencv": "opencv",
    "torch": "pytorch",
    "torch-antialias": "pytorch_antialias",
    "kornia": "kornia",
    "torchmetrics": "torchmetrics",
    "piq": "piq",
    "pyiqa": "pyiqa",
}


class Adapter:
    """An implementation under test: any module or object with ``resize``, ``score`` or both.

    Either may raise ``NotImplementedError`` for what its library doesn't offer, and may be missing.
    """

    def __init__(self, name: str, target: object) -> None:
        if not any(callable(getattr(target, f, None)) for f in ("resize", "score")):
            raise WrongUse(
                f"{name}: has neither resize nor score; an adapter is a module or an object with "
                "one of these functions (docs/conformance.md)"
            )
        self.name = name
        self._target = target

    def resize(self, image: Array, *, scale: Fraction, rounding: Rounding, border: Border) -> Array:
        """MATLAB's bicubic ``imresize``: the contract of :func:`sr_bench.resize.imresize`.

        Args:
            image: (h, w) or (h, w, 3); uint8, or float64 on the 0..255 scale.
            scale: output size / input size; the output has ceil(size * scale) rows and columns.
            rounding: ``each-pass`` and ``once`` give uint8, ``none`` gives floats of that scale.
            border: ``replicate`` or ``mirror``.
        """
        values = self._function("resize")(image, scale=scale, rounding=rounding, border=border)
        return np.asarray(values)

    def score(
        self, sr: Array, hr: Array, *, metric: ScoreMetric, planes: Planes, crop: int
    ) -> float:
        """PSNR in dB or SSIM of two uint8 images of one size.

        Args:
            sr, hr: (h, w) where ``planes`` is ``gray``, else (h, w, 3) RGB.
            metric: ``psnr`` or ``ssim``.
            planes: what is compared: the ``gray`` or ``rgb`` values as they are, MATLAB's Y
                unrounded (``y``), or Y, Cb or Cr as ``rgb2ycbcr`` gives them for uint8
                (``y-uint8``, ``cb-uint8``, ``cr-uint8``).
            crop: pixels left out on each side.
        """
        return float(self._function("score")(sr, hr, metric=metric, planes=planes, crop=crop))

    def _function(self, name: str) -> Callable[..., Any]:
        found = getattr(self._target, name, None)
        if found is None:
            raise NotImplementedError(f"has no {name}")
        function: Callable[..., Any] = found
        return function


def load_adapter(name: str) -> Adapter:
    """A built-in adapter by its name, or ``module`` or ``module:attribute`` of anybody's.

    Raises:
        WrongUse: for an unknown name, and a module or attribute that isn't there.
        ImportError: if a built-in adapter's library isn't installed.
    """
    if name in BUILT_IN:
        return Adapter(name, importlib.import_module(f"{__package__}.adapters.{BUILT_IN[name]}"))
    module, _, attribute = name.partition(":")
    target: Any = _import(module)
    for part in attribute.split(".") if attribute else []:
        if not hasattr(target, part):
            raise WrongUse(f"{name}: {module} has no '{part}'; write it as module:attribute")
        target = getattr(target, part)
    return Adapter(name, target)


def _import(module: str) -> object:
    """The module, also from the current folder, where a person's own adapter lies."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    if not module.isidentifier() and "." not in module:
        raise _no_such(module)
    try:
        if find_spec(module) is None:
            raise _no_such(module)
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise WrongUse(f"{module}: can't be imported ({error}); install what it needs") from error


def _no_such(module: str) -> WrongUse:
    hint = f"{WHERE}, nor a module that is installed or in this folder"
    return unknown("adapter", module, BUILT_IN, where=hint)
