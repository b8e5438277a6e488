"""Stand-in for branch upscale."""

import torch


def choose_device(name: str | None = None) -> torch.device:
    """Stand-in."""
    return torch.device("cpu")
