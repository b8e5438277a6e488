"""Images under a protocol: degrade and score arrays, files and folders. No torch is needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sr_bench.data.catalogue.protocols import Protocol, find_protocol, load_protocols
from sr_bench.evaluation.metrics.checks import require_uint8
from sr_bench.evaluation.scoring.pairing import pair_folders
from sr_bench.evaluation.scoring.score import Pair, read_pair, score_images, score_pair
from sr_bench.imaging import images
from sr_bench.imaging.degrade import degrade as make_lr
from sr_bench.imaging.images import Colour

Picture = NDArray[np.generic] | Path | str  # an array, or an image file


class Scores(dict[str, float]):
    """Metric -> value; ``signature`` says how the values were made and belongs beside each."""

    def __init__(self, values: Mapping[str, float], signature: str) -> None:
        super().__init__(values)
        self.signature = signature


def protocols() -> dict[str, Protocol]:
    """The protocols that are known, by name.

    Returns:
        name -> ``Protocol``, in the order of ``protocols.yaml``.

    Example:
        >>> from sr_bench import protocols
        >>> protocols()["edsr-2017"].version
        2
        >>> protocols()["edsr-2017"].crop.pixels(scale=4)
        4
    """
    return dict(load_protocols().protocols)


def degrade(hr: Picture, *, protocol: Protocol | str, scale: int) -> NDArray[np.generic]:
    """LR = imresize(modcrop(HR), 1 / scale), in the planes and with the rounding of the protocol.

    Args:
        hr: uint8, (h, w) gray or (h, w, 3) RGB; or an image file.
        protocol: one of ``protocols``, or its name.
        scale: 2, 3, ... 8.

    Returns:
        (h / scale, w / scale[, 3]) after modcrop: uint8 on 0..255; where the protocol never rounds
        LR (``srcnn-2015``), float64 on 0..255, planes Y, Cb, Cr.

    Raises:
        WrongUse: for an unknown protocol.
        ValueError: if ``hr`` isn't uint8, has another layout, or is smaller than the modcrop.

    Equals MATLAB's ``imresize(hr, 1 / scale, 'bicubic')``, value for value. Reference: Keys, 1981,
    doi:10.1109/TASSP.1981.1163711.

    Example:
        >>> import numpy as np
        >>> from sr_bench import degrade
        >>> hr = np.full((50, 61, 3), 128, np.uint8)
        >>> degrade(hr, protocol="edsr-2017", scale=4).shape
        (12, 15, 3)
    """
    rule = resolved(protocol)
    return make_lr(_read("hr", hr), rule.degradation, scale=scale)


def score(
    sr: Picture,
    hr: Picture,
    *,
    protocol: Protocol | str,
    scale: int,
    sr_colour: Colour | None = None,
) -> Scores:
    """Every metric of a protocol on one pair of images: modcrop(HR), crop the border, compare.

    Args:
        sr: uint8, (h, w) or (h, w, 3), of the size of ``hr`` after the protocol's modcrop; or an
            image file.
        hr: uint8, (h, w) gray or (h, w, 3) RGB, whole or already cut; or an image file.
        protocol: one of ``protocols``, or its name.
        scale: the factor that ``sr`` was enlarged by.
        sr_colour: what three planes of an array ``sr`` are, ``"rgb"`` or ``"ycbcr"``. Needed where
            the protocol's LR is Y, Cb, Cr (``srcnn-2015``), since both occur there.

    Returns:
        metric -> value: ``psnr`` in dB, ``ssim`` at most 1; higher is better. ``signature`` says
        how the values were made. Metrics of colour are left out where ``hr`` is gray.

    Raises:
        WrongUse: for an unknown protocol.
        ValueError: if sizes or channels don't go together, or an image isn't uint8.

    Equals ``sr-bench score`` on two folders with these images.

    Example:
        >>> import numpy as np
        >>> from sr_bench import score
        >>> hr = np.tile(np.arange(48, dtype=np.uint8), (48, 1))
        >>> scores = score(hr + np.uint8(1), hr, protocol="basicsr-y", scale=4)
        >>> round(scores["psnr"], 2), scores.signature.split("|")[0]
        (49.45, 'protocol:basicsr-y')
    """
    rule = resolved(protocol)
    values = score_pair(_pair(sr, hr, rule, sr_colour), rule, scale=scale)
    return Scores({str(metric): value for metric, value in values.items()}, rule.signature)


def score_folder(
    sr: Path | str, hr: Path | str, *, protocol: Protocol | str, scale: int
) -> pd.DataFrame:
    """Every metric of a protocol on each image of a folder; files pair by their names.

    Args:
        sr: a folder of SR images.
        hr: the folder of their HR images, whole or already cut.
        protocol: one of ``protocols``, or its name.
        scale: the factor that ``sr`` was enlarged by.

    Returns:
        One row per image x metric: image, protocol, metric, value, signature. A set's value is the
        mean over its images: ``rows.groupby("metric")["value"].mean()``.

    Raises:
        WrongUse: for an unknown protocol.
        SrBenchError: naming every file without a partner, and every image that can't be scored.

    Equals ``sr-bench score --sr SR --hr HR --csv FILE``.

    Example:
        >>> import numpy as np, PIL.Image, tempfile
        >>> from pathlib import Path
        >>> from sr_bench import score_folder
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name, value in (("sr/a_x2.png", 101), ("hr/a.png", 100)):
        ...     (folder / name).parent.mkdir()
        ...     PIL.Image.fromarray(np.full((48, 48, 3), value, np.uint8)).save(folder / name)
        >>> rows = score_folder(folder / "sr", folder / "hr", protocol="basicsr-rgb", scale=2)
        >>> rows.set_index("metric")["value"].round(2).to_dict()
        {'psnr': 48.13, 'ssim': 1.0}
    """
    rule = resolved(protocol)
    pairs = pair_folders(Path(sr), Path(hr), scale=scale)
    jobs = [(p.name, partial(read_pair, p.sr, p.hr)) for p in pairs]
    return score_images(jobs, [rule], scale=scale)


def resolved(protocol: Protocol | str) -> Protocol:
    """The protocol itself, also where its name is given."""
    return find_protocol(protocol) if isinstance(protocol, str) else protocol


def _pair(sr: Picture, hr: Picture, protocol: Protocol, sr_colour: Colour | None) -> Pair:
    if isinstance(sr, (str, Path)):
        image, colour = images.read_tagged(Path(sr))
        return Pair(image, _read("hr", hr), sr_colour or colour, str(sr))
    planes = protocol.degradation.colour
    if sr_colour is None and planes != "rgb" and np.ndim(sr) == 3:
        raise ValueError(
            f"sr has three planes and {protocol} makes LR in {planes}; say what they are: "
            "sr_colour='rgb' or sr_colour='ycbcr'"
        )
    return Pair(_read("sr", sr), _read("hr", hr), sr_colour or "rgb")


def _read(name: str, picture: Picture) -> images.Image:
    """The image of a file, or an array that is what files hold."""
    if isinstance(picture, (str, Path)):
        return images.read(Path(picture))
    require_uint8(name, picture)
    return np.asarray(picture, dtype=np.uint8)
