"""Bilinear interpolation: an example to start from. Put your network in its place."""

import torch
from torch.nn.functional import interpolate

from sr_bench import Method, Setup
from sr_bench.networks.method import ModelColour


class Bilinear:
    """(1, C, h, w) in [0, 1] to (1, C, scale * h, scale * w), each plane alike."""

    colour: ModelColour = "any"  # or "rgb", "ycbcr", "y": the planes that the model gets
    reach = 1  # lr pixels away that an output pixel still depends on

    def __init__(self, setup: Setup) -> None:
        self.scale = setup.scale

    def __call__(self, lr: torch.Tensor) -> torch.Tensor:
        """Enlarge one image."""
        planes = lr.transpose(0, 1)  # as single images: whether 1 or 3, each gets the same result
        sr = interpolate(planes, scale_factor=self.scale, mode="bilinear", align_corners=False)
        return sr.transpose(0, 1)


METHOD = Method(name="mine", title="Mine", load=Bilinear, reference="bilinear interpolation")
