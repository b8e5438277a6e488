"""PyTorch: ``interpolate(mode="bicubic", antialias=True)``."""

from functools import partial

from . import pytorch

PACKAGE = pytorch.PACKAGE
resize = partial(pytorch.resize, antialias=True)
