"""What the metrics demand of arrays: two images of one layout, one type and a known scale.

An array doesn't say whether 1.0 is white or nearly black, nor where its channels are. What could
mean two things is refused, with both facts and the remedy; nothing is guessed.
"""

from __future__ import annotations

import numpy as np

from sr_bench.imaging.images import Planes

_OWN_RANGE = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}
_LOWEST, _HIGHEST = 1e-9, 1e9  # of a data range: beyond, squares leave float64
_DARK = 0.01  # of the data range: an image that stays below it is on another scale
_HALF_LEVEL = 1 / 510  # of the data range: what rounding to 8 bits can add


def checked_pair(sr: object, hr: object, *, data_range: object) -> tuple[Planes, Planes, float]:
    """The two images and the data range, if their values can mean one thing only.

    - Layout: (h, w), (h, w, 1) or (h, w, 3); channels last; one image, no batch; NumPy arrays.
    - Type: uint8 with data range 255, uint16 with 65535; floats and wider integers with any, since
      their type has none. Both integers or both floats.
    - Values: finite and not negative; none above the data range where that is a scale's own (1,
      255, 1023 and the like). Any other data range counts as taken from the images: hr's values
      must not be further apart, sr's at most twice as far. 1 / 510 of the range is rounding.
    - Scale: where the data range is 2 or more, each image (uint8 aside) must somewhere be above 1
      and above 1 % of the data range. So images on 0..1 are refused with data range 255, and 8-bit
      values with 65535. An image of one whole value (black) is on every scale and passes.

    Raises:
        ValueError: naming the image, the two facts that disagree, and the remedy.
    """
    peak = checked_range(data_range)
    one, other = checked_image("sr", sr), checked_image("hr", hr)
    if one.shape != other.shape:
        raise ValueError(
            f"sr is {one.shape}, hr is {other.shape}; bring both to one size and channel count"
        )
    for name, image in (("sr", one), ("hr", other)):
        _require_type(name, image, peak)
        _require_scale(name, image, peak)
    if (one.dtype.kind == "f") != (other.dtype.kind == "f"):
        raise ValueError(
            f"sr is {one.dtype}, hr is {other.dtype}: are both on one scale? Convert both to one "
            "type: with to_uint8 to uint8, or with .astype(np.float64) to floats on one scale"
        )
    return one, other, peak


def checked_range(data_range: object) -> float:
    """The data range as a float, so that no integer type can overflow.

    Raises:
        ValueError: unless it is a positive, finite number.
    """
    peak = data_range.item() if isinstance(data_range, np.generic) else data_range
    if (
        not isinstance(peak, (int, float))
        or isinstance(peak, bool)
        or not _LOWEST <= peak <= _HIGHEST
    ):
        raise ValueError(
            f"data_range is {data_range!r}, expected a positive, finite number: 255 for 8-bit "
            "values, 1 for floats on 0..1"
        )
    return float(data_range)  # type: ignore[arg-type]


def checked_image(name: str, image: object) -> Planes:
    """The image as a plain array of numbers, (h, w) or (h, w, c), channels last.

    Raises:
        ValueError: for anything else; the message says what it is and how to convert it.
    """
    if isinstance(image, np.ma.MaskedArray):
        raise ValueError(
            f"{name} is a masked array; a metric counts every pixel: give .filled(...), or the "
            "part that is to be compared"
        )
    if not isinstance(image, np.ndarray):
        raise ValueError(f"{name} is {_kind(image)}, expected a NumPy array; {_converted(image)}")
    array = np.asarray(image)
    if array.dtype.kind not in "iuf" or array.dtype == np.int8:
        raise ValueError(
            f"{name} is {array.dtype}, expected uint8, uint16 or floats; convert it to the scale "
            "that data_range names"
        )
    _require_layout(name, array.shape)
    return array


def require_uint8(name: str, image: object) -> None:
    """Raise ``ValueError`` unless it is uint8, (h, w) or (h, w, 3): what files hold."""
    array = checked_image(name, image)
    if array.dtype != np.uint8:
        raise ValueError(
            f"{name} is {array.dtype}, expected uint8 on 0..255; {_to_uint8(name, array)}"
        )
    if array.ndim == 3 and array.shape[2] != 3:
        raise ValueError(
            f"{name} has shape {array.shape}, expected (h, w) for gray or (h, w, 3); "
            f"give {name}[..., 0] for gray"
        )


def _to_uint8(name: str, array: Planes) -> str:
    """How an image of another type becomes uint8."""
    if array.dtype.kind != "f":
        most = int(array.max())
        if most > 255:
            return f"its largest value is {most}: scale it to 0..255 and round"
        return f"where its values are 0..255: {name}.astype(np.uint8)"
    return (
        f"round and clip it: sr_bench.imaging.color.to_uint8({name}) for values on 0..255, "
        f"to_uint8({name} * 255) for values on 0..1"
    )


def _kind(image: object) -> str:
    module = type(image).__module__.partition(".")[0]
    name = type(image).__name__
    return f"a {name}" if module == "builtins" else f"a {module} {name}"


def _converted(image: object) -> str:
    if type(image).__module__.partition(".")[0] == "torch":
        return "give tensor.detach().permute(1, 2, 0).cpu().numpy(), one image at a time"
    return "convert it: np.asarray(image)"


def _require_layout(name: str, shape: tuple[int, ...]) -> None:
    expected = "expected (h, w) or (h, w, 3)"
    if len(shape) in (2, 3) and 0 in shape:
        raise ValueError(f"{name} is empty: it has shape {shape}, {expected}")
    if len(shape) == 4:
        raise ValueError(f"{name} has shape {shape}: a batch; {expected}: give one image at a time")
    if len(shape) not in (2, 3):
        raise ValueError(f"{name} has shape {shape}, {expected}")
    if len(shape) == 3 and shape[2] not in (1, 3):
        raise ValueError(f"{name} has shape {shape}, {expected}; {_channels(name, shape)}")


def _channels(name: str, shape: tuple[int, ...]) -> str:
    """What a shape seems to be whose last axis is neither gray nor RGB."""
    if shape[0] in (1, 3, 4):
        return f"its channels come first: give {name}.transpose(1, 2, 0)"
    if shape[2] == 4:
        return f"four channels are RGB with transparency: blend it first, or give {name}[..., :3]"
    if shape[2] == 2:
        return f"two channels are gray with transparency: blend it first, or give {name}[..., 0]"
    return "channels are the last axis"


def _require_type(name: str, image: Planes, peak: float) -> None:
    """A type with a range of its own goes with that range alone."""
    own = _OWN_RANGE.get(image.dtype.newbyteorder("="))
    if own is not None and own != peak:
        raise ValueError(
            f"{name} is {image.dtype}, whose range is {own}, and data_range is {peak:g}: give "
            f"data_range={own}, or {name} as floats on the scale that data_range names"
        )


def _require_scale(name: str, image: Planes, peak: float) -> None:
    """Values must lie in 0..data_range, and not in a small part of it at its dark end."""
    if image.dtype == np.uint8:
        return
    low, high = float(image.min()), float(image.max())
    if not np.isfinite((low, high)).all():
        bad = int((~np.isfinite(image)).sum())
        raise ValueError(
            f"{name} has {bad} NaN or infinite values of {image.size}; "
            "a metric of them has no meaning: find the operation that made them"
        )
    rounding = peak * _HALF_LEVEL
    if low < -rounding or high > _highest(name, low, peak) + rounding:
        raise ValueError(
            f"{name} has values from {low:g} to {high:g}, data_range is {peak:g}: values must lie "
            f"from 0 to {peak:g}; clip what the network overshot, or give the scale's own range "
            "(255 for 0..255, 1 for 0..1; shift -1..1 by (x + 1) / 2 first)"
        )
    whole = low == high and low == round(low)
    if peak >= 2 and not whole and high <= max(1 + rounding, peak * _DARK):
        raise ValueError(
            f"{name} is {image.dtype} with no value above {high:g}, data_range is {peak:g}: these "
            f"seem to be values on {'0..1' if high <= 1 + rounding else 'a smaller scale'}; give "
            f"that scale's data range (1 for 0..1), or multiply {name} so that {peak:g} is white"
        )


def _highest(name: str, low: float, peak: float) -> float:
    """The largest value that goes with a data range: of a scale, or taken from the images."""
    levels = peak + 1
    if peak == 1 or (levels >= 256 and levels == 2 ** round(np.log2(levels))):
        return peak
    return low + (peak if name == "hr" else 2 * peak)
