"""sr-bench: a benchmark and reproducibility harness for image super-resolution."""

__version__ = "0.2.0.dev0"
