"""Where sr-bench's own method files, weights and published numbers lie."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def packaged_folder() -> Path:
    """The method files, weights and published numbers that sr-bench brings.

    In a wheel they lie in the package (setup.py puts them there), in a clone beside it. The folder
    is data, no module: ``sr_bench.methods`` is a function.
    """
    inside = _PACKAGE / "_methods"
    return inside if inside.is_dir() else _PACKAGE.parent / "methods"


def packaged_ledger() -> Path:
    """The published numbers that sr-bench brings."""
    return packaged_folder() / "published.csv"
