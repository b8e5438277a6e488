"""The command line: ``sr-bench``."""

from sr_bench.cli.app import main

__all__ = ["main"]
