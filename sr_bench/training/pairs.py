"""Training pairs: decoded once, degraded whole, held as flat tensors, patches gathered by index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from sr_bench.imaging.color import ycbcr_to_rgb
from sr_bench.imaging.crops import modcrop
from sr_bench.imaging.degrade import Degradation, degrade, hr_planes
from sr_bench.imaging.images import Image
from sr_bench.imaging.resize import imresize
from sr_bench.networks.method import Samples
from sr_bench.support.errors import SrBenchError
from sr_bench.support.parallel import map_images

Draw = Literal["positions", "images"]
TURNS = 8  # flips and quarter turns of a square


@dataclass(frozen=True)
class Grid:
    """One side of the pairs: the pixels of all images, one after the other."""

    pixels: torch.Tensor  # (N, C), uint8, or float32 on the 0..255 scale for enlarged lr
    offsets: torch.Tensor  # (images,), where each image starts
    widths: torch.Tensor  # (images,)
    # (8, p, p, 2), row and column of each pixel of a patch, in each of 8 turns
    indices: torch.Tensor

    def gather(
        self, image: torch.Tensor, top: torch.Tensor, left: torch.Tensor, turn: torch.Tensor
    ) -> torch.Tensor:
        """Patches of float32 in [0, 1], (B, C, p, p), channels_last; arguments are (B,)."""
        rows, columns = self.indices[turn].unbind(-1)  # (B, p, p) each
        base = self.offsets[image] + top * self.widths[image] + left
        where = base[:, None, None] + rows * self.widths[image][:, None, None] + columns
        patches = self.pixels[where]  # (B, p, p, C)
        return patches.permute(0, 3, 1, 2).to(torch.float32).mul_(1 / 255)

    def to(self, device: torch.device) -> Grid:
        """The same on another device."""
        moved = (self.pixels, self.offsets, self.widths, self.indices)
        return Grid(*(tensor.to(device) for tensor in moved))


@dataclass(frozen=True)
class Pairs:
    """All pairs of one scale."""

    inputs: Grid  # what the network sees
    targets: Grid  # what it should return
    ratio: int  # target pixels per input pixel
    down: torch.Tensor  # (images,), positions of a patch from top to bottom
    across: torch.Tensor  # (images,), positions from left to right
    ends: torch.Tensor  # (images,), running total of positions
    names: tuple[str, ...]  # of the images
    # a patch is drawn uniformly over the `positions` in all images, or over the `images` and
    # then over the positions in one
    draw: Draw

    def batch(
        self, count: int, generator: torch.Generator, *, augment: bool, part: slice = slice(None)
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """``count`` random patches, of which those of ``part`` are gathered.

        Returns:
            inputs (B, C, p, p) and targets (B, C, q, q), float32 in [0, 1].
        """
        drawn = self.draws(count, generator, augment=augment, part=part)
        return self.cut(drawn.to(self.inputs.pixels.device))

    def draws(
        self, count: int, generator: torch.Generator, *, augment: bool, part: slice = slice(None)
    ) -> torch.Tensor:
        """Where random patches are: (4, B), image, top, left and turn of each, on the CPU."""
        image, position = self._drawn(count, generator)
        turn = torch.randint(TURNS if augment else 1, (count,), generator=generator)
        image, position, turn = image[part], position[part], turn[part]
        across = self.across[image]
        return torch.stack([image, position // across, position % across, turn])

    def cut(self, drawn: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs and targets of what :meth:`draws` returned, on the device of the pixels."""
        image, top, left, turn = drawn.unbind()
        inputs = self.inputs.gather(image, top, left, turn)
        return inputs, self.targets.gather(image, top * self.ratio, left * self.ratio, turn)

    def to(self, device: torch.device) -> Pairs:
        """The same with its pixels on another device; patches are drawn on the CPU everywhere."""
        grids = (self.inputs.to(device), self.targets.to(device))
        return replace(self, inputs=grids[0], targets=grids[1])

    def _drawn(self, count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Images and positions in them, (count,) each."""
        if self.draw == "images":
            image = torch.randint(len(self.ends), (count,), generator=generator)
            part = torch.rand(count, generator=generator, dtype=torch.float64)
            return image, (part * (self.down * self.across)[image]).long()
        position = torch.randint(int(self.ends[-1]), (count,), generator=generator)
        image = torch.searchsorted(self.ends, position, right=True)
        return image, position - (self.ends - self.down * self.across)[image]


@dataclass(frozen=True)
class Cut:
    """How patches are cut: side of an input, hr pixels that the network eats at each side."""

    patch: int
    samples: Samples
    degradation: Degradation
    scale: int
    skip_small: bool
    draw: Draw = "positions"

    @property
    def ratio(self) -> int:
        """Target pixels per input pixel."""
        return 1 if self.samples.enlarged else self.scale


def make_pairs(images: Sequence[Image], names: Sequence[str], cut: Cut) -> Pairs:
    """Degrade each image whole and lay all of them out for cutting.

    Raises:
        SrBenchError: naming an image that is smaller than a patch.
    """
    _require_sense(cut)
    kept = [i for i, image in enumerate(images) if _fits(image, names[i], cut)]
    if not kept:
        raise SrBenchError(f"no image holds a patch of {cut.patch} pixels; make the patch smaller")
    pairs = map_images(lambda i: pair(images[i], cut.samples, cut.degradation, cut.scale), kept)
    sizes = torch.tensor([lr.shape[:2] for lr, _ in pairs])
    positions = sizes - cut.patch + 1  # (images, 2), down and across
    return Pairs(
        inputs=_grid([lr for lr, _ in pairs], cut.patch, 0),
        targets=_grid([hr for _, hr in pairs], cut.patch * cut.ratio, cut.samples.margin),
        ratio=cut.ratio,
        down=positions[:, 0].contiguous(),
        across=positions[:, 1].contiguous(),
        ends=positions.prod(dim=1).cumsum(0),
        names=tuple(names[i] for i in kept),
        draw=cut.draw,
    )


def pair(
    image: Image, samples: Samples, degradation: Degradation, scale: int
) -> tuple[NDArray[np.generic], Image]:
    """One whole image as (input, target), both (h, w, C) on the 0..255 scale."""
    if image.ndim == 2 and samples.colour != "y":
        image = np.repeat(image[..., None], 3, axis=2)
    lr = degrade(image, degradation, scale=scale)
    if samples.enlarged:
        lr = imresize(lr, scale=scale, rounding="none", border=degradation.border)
    if samples.colour == "rgb":
        hr = modcrop(image, degradation.multiple(scale))
        lr = ycbcr_to_rgb(lr) if degradation.colour == "ycbcr" else lr
    else:
        hr = hr_planes(image, degradation, scale)
    lr = lr if lr.dtype == np.uint8 else lr.astype(np.float32)
    count = 1 if samples.colour == "y" else 3
    return np.atleast_3d(lr)[..., :count], np.atleast_3d(hr)[..., :count]


def _require_sense(cut: Cut) -> None:
    margin, samples = cut.samples.margin, cut.samples
    if cut.patch * cut.ratio <= 2 * margin:
        raise SrBenchError(
            f"the recipe's patch is {cut.patch}, of which the network takes {margin} pixels from "
            "each side and leaves nothing; make the patch larger"
        )
    if samples.colour != "rgb" and cut.degradation.colour == "rgb":
        raise SrBenchError(
            f"samples are {samples.colour}, their degradation {samples.degradation} makes rgb; "
            "correct the method's samples"
        )


def _fits(image: Image, name: str, cut: Cut) -> bool:
    multiple = cut.degradation.multiple(cut.scale)
    side: int = min(image.shape[:2]) // multiple * multiple
    need = cut.patch * (1 if cut.samples.enlarged else cut.scale)
    if side < need and not cut.skip_small:
        raise SrBenchError(
            f"{name}: is {image.shape[1]} x {image.shape[0]}, a patch needs {need} pixels of hr; "
            "make the recipe's patch smaller, or set its small_images to skip"
        )
    return side >= need


def _grid(images: list[NDArray[np.generic]], side: int, margin: int) -> Grid:
    """``side`` is the patch's; ``margin`` is cut from each side of it after turning."""
    pixels = np.concatenate([i.reshape(-1, i.shape[2]) for i in images])
    sizes = torch.tensor([i.shape[0] * i.shape[1] for i in images])
    inside = slice(margin, side - margin)
    return Grid(
        pixels=torch.from_numpy(pixels),
        offsets=sizes.cumsum(0) - sizes,
        widths=torch.tensor([i.shape[1] for i in images]),
        indices=_turned(side)[:, inside, inside].contiguous(),
    )


def _turned(side: int) -> torch.Tensor:
    """(8, side, side, 2): row and column of each pixel after each of the 8 turns."""
    ticks = torch.arange(side)
    grid = torch.stack(torch.meshgrid(ticks, ticks, indexing="ij"), dim=-1)  # (side, side, 2)
    return torch.stack([torch.rot90(g, k) for g in (grid, grid.flip(1)) for k in range(4)])
