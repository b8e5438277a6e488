"""Drift: fresh scores beside the committed ones, what moved, and why."""
