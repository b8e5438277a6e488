"""Models that others made: files of several kinds, and functions of Python."""
