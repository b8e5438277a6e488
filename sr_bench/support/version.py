"""The version of the software: a part of every signature."""

__version__ = "0.2.0.dev0"
