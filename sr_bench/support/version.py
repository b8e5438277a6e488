"""Which software this is: its version, a part of every signature, and the folder of its code."""

from collections.abc import Iterable
from pathlib import Path

__version__ = "0.2.0.dev0"
PACKAGE = Path(__file__).parent.parent


def code_hash(parts: Iterable[str]) -> str:
    """A hash of the code in modules and folders of this package: ``imaging``, ``support/x.py``."""
    import hashlib

    from sr_bench.support.files import sha256

    files = [
        f for part in parts for f in sorted((PACKAGE / part).rglob("*.py")) or [PACKAGE / part]
    ]
    return hashlib.sha256("".join(map(sha256, files)).encode()).hexdigest()[:16]
