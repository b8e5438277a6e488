"""sr-bench: a benchmark and reproducibility harness for image super-resolution.

The names in ``__all__`` are the public API (docs/api.md); everything else may change. Each is
loaded when it is first used, so ``import sr_bench`` loads neither torch nor pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from sr_bench.support.errors import SrBenchError as SrBenchError
from sr_bench.support.version import __version__ as __version__

if TYPE_CHECKING:
    from sr_bench.data.catalogue.protocols import Protocol as Protocol
    from sr_bench.evaluation.by_protocol import degrade as degrade
    from sr_bench.evaluation.by_protocol import protocols as protocols
    from sr_bench.evaluation.by_protocol import score as score
    from sr_bench.evaluation.by_protocol import score_folder as score_folder
    from sr_bench.evaluation.metrics.ms_ssim import ms_ssim as ms_ssim
    from sr_bench.evaluation.metrics.psnr import psnr as psnr
    from sr_bench.evaluation.metrics.ssim import ssim as ssim
    from sr_bench.evaluation.upscaling.models import load_model as load_model
    from sr_bench.evaluation.upscaling.models import methods as methods
    from sr_bench.evaluation.upscaling.models import upscale as upscale
    from sr_bench.imaging.resize import imresize as imresize
    from sr_bench.networks.method import Method as Method
    from sr_bench.networks.method import Setup as Setup
else:

    def __getattr__(name):
        """Load a public name when it is first used (PEP 562)."""
        if name not in _MODULES:
            raise AttributeError(f"module 'sr_bench' has no attribute '{name}'")
        return globals().setdefault(name, getattr(import_module(_MODULES[name]), name))

    def __dir__():
        return sorted({*globals(), *__all__})


_MODULES = {
    "Method": "sr_bench.networks.method",
    "Protocol": "sr_bench.data.catalogue.protocols",
    "Setup": "sr_bench.networks.method",
    "degrade": "sr_bench.evaluation.by_protocol",
    "imresize": "sr_bench.imaging.resize",
    "load_model": "sr_bench.evaluation.upscaling.models",
    "methods": "sr_bench.evaluation.upscaling.models",
    "ms_ssim": "sr_bench.evaluation.metrics.ms_ssim",
    "protocols": "sr_bench.evaluation.by_protocol",
    "psnr": "sr_bench.evaluation.metrics.psnr",
    "score": "sr_bench.evaluation.by_protocol",
    "score_folder": "sr_bench.evaluation.by_protocol",
    "ssim": "sr_bench.evaluation.metrics.ssim",
    "upscale": "sr_bench.evaluation.upscaling.models",
}
__all__ = sorted(["SrBenchError", "__version__", *_MODULES])
