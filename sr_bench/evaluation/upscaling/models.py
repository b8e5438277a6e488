"""A method's model outside any project: load it, upscale an image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import overload

import numpy as np
import torch
from numpy.typing import NDArray

from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.evaluation.by_protocol import resolved
from sr_bench.evaluation.metrics.checks import checked_image, require_uint8
from sr_bench.imaging import images
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.method import Method, Setup
from sr_bench.networks.method_files import find_method, load_method, load_methods
from sr_bench.project.here import method_folders_here
from sr_bench.support.errors import SrBenchError, WrongUse, unknown


def methods(folder: Path | str | None = None) -> dict[str, Method]:
    """The methods of a folder, by name.

    Args:
        folder: where method files lie, each with its ``METHOD``; by default those of the project
            in the current folder; outside one, those that are installed.

    Returns:
        name -> ``Method``.

    Raises:
        SrBenchError: for a missing folder, a file that isn't a method's, or a name used twice.

    Example:
        >>> from sr_bench import methods
        >>> methods()["edsr"].variants
        ('baseline', 'full')
    """
    return load_methods(method_folders_here() if folder is None else [Path(folder)])


def load_model(
    method: Method | Path | str,
    *,
    scale: int,
    variant: str | None = None,
    weights: Path | str | None = None,
    protocol: Protocol | str = "edsr-2017",
) -> Upscaler:
    """Build a method's model and load its weights.

    Args:
        method: a method; its file; or its name among ``methods()``.
        scale: the upscaling factor.
        variant: one of the method's; may be left out where there is one. ``+`` appended: the mean
            over the 8 flips and rotations of the image (self-ensemble).
        weights: the file of its weights; ``None`` for a method without.
        protocol: whose LR the model will get, or its name: says which planes and
            whether they are rounded. The default is 8-bit RGB.

    Returns:
        The model as ``upscale`` takes it.

    Raises:
        WrongUse: for an unknown method, variant or protocol.
        SrBenchError: if the weights don't fit the network, or the method's file is wrong.

    Example:
        In a clone of sr-bench:

        >>> from sr_bench import load_model
        >>> folder = "methods/weights"
        >>> weights = f"{folder}/edsr-baseline-sr-bench-open690-x2.safetensors"
        >>> load_model("edsr", variant="baseline", scale=2, weights=weights).name
        'edsr-baseline-x2'
    """
    found = _method(method)
    name, ensemble = _variant(found, variant)
    file = None if weights is None else Path(weights)
    if file is not None and not file.is_file():
        raise SrBenchError(f"{file}: no such file; name the file of the method's weights")
    degradation = resolved(protocol).degradation
    setup = Setup(name, "none" if file is None else file.stem, file, scale, degradation)
    label = "-".join(part for part in (found.name, name, f"x{scale}") if part)
    return Upscaler(label, found.built(setup, label), degradation, scale, ensemble=ensemble)


@overload
def upscale(model: Upscaler, image: torch.Tensor) -> torch.Tensor: ...
@overload
def upscale(
    model: Upscaler, image: NDArray[np.generic] | Path | str, *, tile: int | None = None
) -> images.Image: ...
def upscale(
    model: Upscaler,
    image: torch.Tensor | NDArray[np.generic] | Path | str,
    *,
    tile: int | None = None,
) -> torch.Tensor | images.Image:
    """SR = round(clip(255 model(LR / 255), 0, 255)).

    Args:
        model: what ``load_model`` returned.
        image: LR: uint8, (h, w) gray or (h, w, 3) in the planes of the model's protocol (RGB); an
            image file (8 bits, no alpha; ``sr-bench upscale PHOTO --model MODEL`` takes others);
            what ``degrade`` returned; or a float32 tensor (1, C, h, w) on 0..1,
            which goes to the model as it is.
        tile: show the model at most this many pixels a side, and what it needs around them, for
            large images. The result is the same to 1e-6.

    Returns:
        uint8, (scale h, scale w[, 3]) in the planes of ``image``; of a tensor the model's own
        output, a tensor (1, C, scale h, scale w), neither clipped nor rounded.

    Raises:
        ValueError: for an image of another type or layout, or on 0..1.
        SrBenchError: if the model fails, or its output has the wrong size, type or range.

    Equals ``sr-bench upscale`` for a run of the same method, variant, weights and scale.

    Example:
        In a clone of sr-bench:

        >>> import numpy as np
        >>> from sr_bench import load_model, upscale
        >>> photo = np.full((20, 30, 3), 128, np.uint8)
        >>> upscale(load_model("bicubic", scale=3), photo).shape
        (60, 90, 3)
    """
    if isinstance(image, torch.Tensor):
        _require_tensor(image)
        with torch.inference_mode():
            return model.enlarger.own_call(image)
    lr = images.read(Path(image)) if isinstance(image, (str, Path)) else image
    _require_lr(model, lr)
    if tile is None:
        return model(lr)
    tiled = replace(model, tile=tile)
    tiled.enlarger.require_reach()
    return tiled(lr)


def _method(method: Method | Path | str) -> Method:
    if isinstance(method, Method):
        return method
    path = Path(method)
    return (
        load_method(path)
        if path.suffix == ".py"
        else find_method(str(method), method_folders_here())
    )


def _variant(method: Method, variant: str | None) -> tuple[str, bool]:
    """The variant without its ``+``, and whether it had one."""
    if variant is None:
        if len(method.variants) > 1:
            raise WrongUse(
                f"method {method.name} has the variants {', '.join(method.variants)}; name one"
            )
        variant = method.variants[0]
    base = variant.removesuffix("+")
    if base not in method.variants:
        raise unknown("variant", base, method.variants, where=f"method {method.name}")
    return base, variant.endswith("+")


def _require_tensor(image: torch.Tensor) -> None:
    if image.ndim != 4 or image.dtype != torch.float32:
        raise ValueError(
            f"image is a tensor of {tuple(image.shape)} {image.dtype}, expected (1, C, h, w) "
            "torch.float32 on 0..1; or give a NumPy array of uint8"
        )


def _require_lr(model: Upscaler, lr: object) -> None:
    """Refuse what isn't LR of the model's protocol: floats are LR where it is never rounded."""
    if model.degradation.rounding != "none":
        require_uint8("image", lr)
        return
    array = checked_image("image", lr)
    if array.dtype.kind in "iu" and array.dtype != np.uint8:
        raise ValueError(
            f"image is {array.dtype}, expected uint8, or floats on 0..255; of 16 bits: image / 257"
        )
    if array.dtype.kind == "f" and 0 < array.max() <= 1:
        raise ValueError(
            f"image is {array.dtype} and its largest value is {array.max():g}, expected 0..255; "
            "multiply it by 255"
        )
