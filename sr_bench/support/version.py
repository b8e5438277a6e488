"""Which software this is: its version, a part of every signature, and the folder of its code."""

from pathlib import Path

__version__ = "0.2.0.dev0"
PACKAGE = Path(__file__).parent.parent
