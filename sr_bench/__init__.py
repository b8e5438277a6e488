"""sr-bench: a benchmark and reproducibility harness for image super-resolution."""

__version__ = "0.1.0"
