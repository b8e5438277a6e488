"""Faults put in on purpose, and what sr-bench does then: `make faults`, docs/faults.md."""
