"""pyiqa: its ``imresize``, PSNR and SSIM, with the colour space that is MATLAB's."""

from __future__ import annotations

from fractions import Fraction

from sr_bench.conformance.adapter import Array, Planes, ScoreMetric
from sr_bench.imaging.resize import Border, Rounding
from sr_bench.support.import_without_init import module_without_init

from .common import cropped, finished, to_array, to_tensor

PACKAGE = "pyiqa"
_imresize = module_without_init("pyiqa.matlab_utils").imresize
module_without_init("pyiqa.utils.registry")
_psnr = module_without_init("pyiqa.archs.psnr_arch").PSNR
_ssim = module_without_init("pyiqa.archs.ssim_arch").SSIM
_COLOURS = ("gray", "rgb", "y")


def resize(image: Array, *, scale: Fraction, rounding: Rounding, border: Border) -> Array:
    """MATLAB's by name, its border mirrored; rounded once."""
    found = _imresize(to_tensor(image), scale=float(scale))
    return finished(to_array(found, image), rounding)


def score(sr: Array, hr: Array, *, metric: ScoreMetric, planes: Planes, crop: int) -> float:
    """Y of PSNR is unrounded, Y of SSIM rounded: its own choice."""
    if planes not in _COLOURS:
        raise NotImplementedError("has no 8-bit Y, Cb, Cr")
    x, y = (to_tensor(cropped(image, crop)) / 255 for image in (sr, hr))
    on_y = {"test_y_channel": planes == "y", "color_space": "ycbcr"}
    model = _psnr(**on_y) if metric == "psnr" else _ssim(**on_y)
    return float(model(x, y))
