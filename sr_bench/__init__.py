"""sr-bench: a benchmark and reproducibility harness for image super-resolution."""

from sr_bench.support.version import __version__ as __version__
