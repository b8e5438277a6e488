"""Drift: how fresh scores and timings differ from the committed ones, and why."""
