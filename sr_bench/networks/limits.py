"""How much memory a file of weights may ask for."""

from __future__ import annotations

from pathlib import Path

_ALWAYS, _TIMES = 1 << 26, 16  # bytes, however small the file is; and for each of its own


def most_bytes(path: Path) -> int:
    """Bytes that the arrays of a file may take: what packed weights need many times over."""
    return _ALWAYS + _TIMES * path.stat().st_size
