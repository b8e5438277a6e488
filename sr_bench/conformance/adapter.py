"""The functions that the golden cases call, and where to find them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sr_bench.imaging.resize import Border, Rounding
from sr_bench.support.errors import WrongUse, unknown
from sr_bench.support.user_code import import_file

Planes = Literal["gray", "rgb", "y", "y-uint8", "cb-uint8", "cr-uint8"]
ScoreMetric = Literal["psnr", "ssim"]
Array = NDArray[Any]

FUNCTIONS = ("resize", "score", "degrade", "niqe")  # of an adapter
OURS = "sr-bench"  # the name of sr-bench itself, as an adapter


class Adapter:
    """An implementation under test: any module or object with some of :data:`FUNCTIONS`.

    Each may raise ``NotImplementedError`` for what its library doesn't offer, and may be missing.
    ``PACKAGE``, if it is there, names the installed distribution whose version results state.
    """

    def __init__(self, name: str, target: object) -> None:
        if not any(callable(getattr(target, f, None)) for f in FUNCTIONS):
            raise WrongUse(
                f"{name}: has none of {', '.join(FUNCTIONS)}; an adapter is a module or an object "
                "with one of these functions (docs/conformance.md)"
            )
        self.name = name
        self._target = target

    @property
    def version(self) -> str:
        """Name and version of the distribution ``PACKAGE``; empty without one."""
        package = getattr(self._target, "PACKAGE", "")
        return f"{package} {metadata.version(package)}" if package else ""

    def resize(self, image: Array, *, scale: Fraction, rounding: Rounding, border: Border) -> Array:
        """MATLAB's bicubic ``imresize``: the contract of :func:`sr_bench.imaging.resize.imresize`.

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

    def degrade(self, hr: Array, *, degradation: str, scale: int) -> Array:
        """lr as a degradation of steps makes it (docs/degradations.md).

        Args:
            hr: uint8, (h, w) or (h, w, 3), whose sides are multiples of the scale.
            degradation: its name: ``bd-rdn``, ``dn-30``, ``pillow-bicubic``, ...
            scale: hr's size / lr's size.
        """
        return np.asarray(self._function("degrade")(hr, degradation=degradation, scale=scale))

    def niqe(self, image: Array, *, kind: str) -> float:
        """NIQE of uint8 (h, w, 3) RGB, with the model of the MATLAB release.

        Args:
            image: two blocks of 96 x 96 pixels at least.
            kind: ``niqe`` looks at Y of rgb2ycbcr, ``niqe_gray`` at rgb2gray, ``niqe_pi`` at Y
                with 4 pixels cut off at each side.
        """
        return float(self._function("niqe")(image, kind=kind))

    def _function(self, name: str) -> Callable[..., Any]:
        found = getattr(self._target, name, None)
        if found is None:
            raise NotImplementedError(f"has no {name}")
        function: Callable[..., Any] = found
        return function


def load_adapter(name: str) -> Adapter:
    """``sr-bench`` itself, or anybody's adapter: ``module``, ``file.py``, either ``:attribute``.

    Raises:
        WrongUse: for an unknown name, a file or a module that can't be imported, and an attribute
            that isn't there.
    """
    if name == OURS:
        return Adapter(name, importlib.import_module(f"{__package__}.ours"))
    source, attribute = _split(name)
    target: Any = _import_file(Path(source)) if _is_file(source) else _import(source)
    for part in attribute.split(".") if attribute else []:
        if not hasattr(target, part):
            there = ", ".join(n for n in dir(target) if not n.startswith("_")) or "nothing"
            raise WrongUse(
                f"{name}: {source} has no '{part}', but {there}; write it as {source}:attribute"
            )
        target = getattr(target, part)
    return Adapter(name, target)


def _split(name: str) -> tuple[str, str]:
    """What to import, and the attribute after the last colon; not that of ``C:\\a.py``."""
    source, colon, attribute = name.rpartition(":")
    if not colon or "/" in attribute or "\\" in attribute:
        return name, ""
    return source, attribute


def _is_file(source: str) -> bool:
    return source.endswith(".py") or "/" in source or "\\" in source


def _import_file(path: Path) -> object:
    """The module in a file; what lies beside it can be imported by it."""
    path = path.expanduser()
    if path.is_dir():
        raise WrongUse(f"{path}: a folder; name the adapter's file in it: {path / 'my_code.py'}")
    if not path.is_file():
        instead = path.with_name(f"{path.name}.py")
        hint = f"did you mean {instead}?" if instead.is_file() else "correct the path"
        raise WrongUse(f"{path}: no such file; {hint}")
    if path.suffix != ".py":
        raise WrongUse(f"{path}: an adapter's file ends in .py; see docs/conformance.md")
    path = path.resolve()
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    with _import_errors(str(path)):
        return import_file(path, path.stem)


def _import(module: str) -> object:
    """The module, also from the current folder, where a person's own adapter lies."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    if not all(part.isidentifier() for part in module.split(".")):
        raise _no_such(module)
    with _import_errors(module):
        if find_spec(module) is None:
            raise _no_such(module)
        return importlib.import_module(module)


@contextmanager
def _import_errors(what: str) -> Iterator[None]:
    """Whatever stops an import, as an error that names what was imported."""
    try:
        yield
    except WrongUse:
        raise
    except ModuleNotFoundError as error:
        raise WrongUse(f"{what}: can't be imported ({error}); install what it needs") from error
    except (Exception, SystemExit) as error:
        raise WrongUse(f"{what}: fails on import with {error!r}; mend it") from error


def _no_such(module: str) -> WrongUse:
    where = "the installed modules and those of this folder (a file: write ./a.py)"
    return unknown("adapter", module, [OURS], where=where)
