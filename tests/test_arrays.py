"""Arrays that could mean something else are refused, with what they are and the remedy."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.evaluation.metrics import ms_ssim, psnr, ssim
from sr_bench.evaluation.metrics.perceptual import Perceptual
from sr_bench.evaluation.scoring.score import Pair, score_pair

SIZE = 180  # the smallest that MS-SSIM takes, and a little
METRICS = [psnr, ssim, ms_ssim]


@pytest.fixture(scope="module")
def both():
    """sr and hr: uint8 RGB, which is on every level from 0 to 255."""
    rng = np.random.default_rng(4)
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    hr = np.stack([127.5 + 127.5 * np.sin(x / (9 + k)) * np.cos(y / 7) for k in range(3)], -1)
    sr = np.clip(hr + rng.normal(0, 5, hr.shape), 0, 255)
    return np.round(sr).astype(np.uint8), np.round(hr).astype(np.uint8)


def torch_like(array):
    """What a tensor looks like from outside, without torch."""
    made = type("Tensor", (), {"__module__": "torch", "shape": array.shape, "ndim": array.ndim})
    return made()


REFUSED = {
    "0..1 with 255": (lambda a: a / 255, 255, r"float64 with no value above 1.*values on 0\.\.1"),
    "0..1 with 255, one side overshot": (lambda a: a / 250 - 0.01, 255, "no value above 1.01"),
    "float32 0..1 with 2": (lambda a: np.float32(a / 255), 2, r"values on 0\.\.1"),
    "0..1 with 65535": (lambda a: a / 255, 65535, "no value above 1"),
    "8-bit floats with 65535": (lambda a: a.astype(float), 65535, "a smaller scale"),
    "8-bit values as uint16": (lambda a: a.astype(np.uint16), 65535, "a smaller scale"),
    "a binary image of 0 and 1": (lambda a: (a > 127).astype(float), 255, "no value above 1"),
    "0..255 floats with 1": (lambda a: a.astype(np.float32), 1, "values from 0 to 255"),
    "-1..1 with 2": (lambda a: a / 127.5 - 1, 2, r"values from -1 to 1.*\(x \+ 1\) / 2"),
    "-1..1 with 1": (lambda a: a / 127.5 - 1, 1, "values from -1 to 1"),
    "negative": (lambda a: a.astype(float) - 20, 255, "values from -20"),
    "overshot": (lambda a: a * 1.1, 255, "clip what the network overshot"),
    "0..255 floats with 100": (lambda a: a.astype(float), 100, "values from 0 to 255"),
    "0..255 floats with 2": (lambda a: a.astype(float), 2, "sr has values from 0 to 255"),
    "0..1023 with 255": (lambda a: a * 4.0, 255, "values from 0 to 1020"),
    "uint16 with 255": (lambda a: a.astype(np.uint16), 255, "uint16, whose range is 65535"),
    "big-endian uint16": (lambda a: a.astype(">u2"), 255, "whose range is 65535"),
    "uint16 with 1023": (lambda a: a.astype(np.uint16) * 4, 1023, "whose range is 65535"),
    "uint8 with 1": (lambda a: a, 1, "uint8, whose range is 255, and data_range is 1"),
    "uint8 with its own maximum": (lambda a: a, 254, "whose range is 255"),
    "int32 of 16 bits": (lambda a: a.astype(np.int32) * 257, 255, "values from 0 to 65535"),
    "int8": (lambda a: (a // 2).astype(np.int8), 255, "int8, expected uint8"),
    "bool": (lambda a: a > 127, 1, "bool, expected uint8"),
    "complex": (lambda a: a + 0j, 255, "complex128"),
    "object": (lambda a: a.astype(object), 255, "object"),
    "RGBA": (lambda a: np.dstack([a, a[..., :1]]), 255, "transparency.*3]"),
    "gray with alpha": (lambda a: a[..., :2], 255, "two channels are gray with transparency"),
    "channels first": (lambda a: a.transpose(2, 0, 1), 255, r"transpose\(1, 2, 0\)"),
    "one channel first": (lambda a: a[..., 0][None], 255, r"transpose\(1, 2, 0\)"),
    "a batch": (lambda a: a[None], 255, "a batch"),
    "five channels": (lambda a: np.dstack([a, a[..., :2]]), 255, "channels are the last axis"),
    "a row": (lambda a: a[0, :, 0], 255, "expected"),
    "no pixels": (lambda a: a[:0], 255, "sr is empty"),
    "a list": (lambda a: a.tolist(), 255, r"sr is a list, expected a NumPy array"),
    "a tensor": (torch_like, 255, r"a torch Tensor.*permute\(1, 2, 0\)"),
    "masked": (lambda a: np.ma.masked_less(a, 9), 255, "masked array"),
    "NaN": (lambda a: np.where(a == a[3, 3], np.nan, a), 255, "NaN or infinite"),
    "infinite": (lambda a: np.where(a == a[3, 3], np.inf, a), 255, "NaN or infinite"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.__name__)
def test_arrays_that_could_mean_something_else_are_refused(metric, case, both):
    change, data_range, fact = REFUSED[case]
    sr, hr = (change(image) for image in both)
    with pytest.raises(ValueError, match=fact):
        metric(sr, hr, data_range=data_range)


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.__name__)
def test_two_types_or_scales_are_refused(metric, both):
    sr, hr = both
    with pytest.raises(ValueError, match="sr is float64, hr is uint8: are both on one scale"):
        metric(sr.astype(float), hr, data_range=255)
    with pytest.raises(ValueError, match="hr is float64 with no value above 1"):
        metric(sr.astype(float), hr / 255, data_range=255)
    with pytest.raises(ValueError, match="hr is uint16, whose range is 65535"):
        metric(sr, hr.astype(np.uint16), data_range=255)


@pytest.mark.parametrize(
    "data_range",
    [
        *(0, -255, float("nan"), float("inf"), 1e300, 10**400, True, np.True_),
        *("255", None, 255j, (255,), np.array(255), np.complex64(255)),
    ],
    ids=lambda value: repr(value)[:20],
)
@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.__name__)
def test_a_data_range_that_is_no_positive_number_is_refused(metric, data_range, both):
    with pytest.raises(ValueError, match=r"data_range is .*expected a positive, finite number"):
        metric(*both, data_range=data_range)


@pytest.mark.parametrize(
    "kind", [np.uint8, np.int16, np.uint16, np.int64, np.float16, np.float32, np.float64, float]
)
@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.__name__)
def test_a_data_range_of_any_type_gives_the_same_number(metric, kind, both):
    assert metric(*both, data_range=kind(255)) == metric(*both, data_range=255)


SAME = {  # the same images on other scales: the same numbers
    "float32 0..255": (lambda a: a.astype(np.float32), 255),
    "0..1": (lambda a: a / 255, 1),
    "0..1, a rounding beyond": (lambda a: a / 255 * (1 + 1e-7), 1.0),
    "int64": (lambda a: a.astype(np.int64), 255),
    "uint16": (lambda a: a.astype(np.uint16) * 257, 65535),
    "10 bits as floats": (lambda a: a.astype(float) * 1023 / 255, 1023),
    "read-only and in Fortran's order": (lambda a: np.asfortranarray(a), 255),
}


@pytest.mark.parametrize("case", SAME)
@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.__name__)
def test_the_same_images_on_another_scale_give_the_same_number(metric, case, both):
    change, data_range = SAME[case]
    found = metric(*(change(image) for image in both), data_range=data_range)
    assert found == pytest.approx(metric(*both, data_range=255), abs=1e-4)


def test_dark_images_that_can_mean_one_thing_are_scored():
    black, one = np.zeros((20, 20)), np.ones((20, 20))
    assert psnr(black, black, data_range=255) == float("inf")
    assert psnr(black, one, data_range=255) == pytest.approx(48.1308, abs=1e-4)
    almost = np.zeros((20, 20), np.uint8)
    almost[3, 3] = 1  # the type says the scale
    assert psnr(almost, black.astype(np.uint8), data_range=255) > 70
    night = np.full((20, 20), 9.5)
    night[4] = 11
    assert psnr(night, black, data_range=255) > 25


def test_a_data_range_taken_from_hr_is_what_it_is():
    """As torchmetrics and scikit-image's examples have it: max - min, here of a flat picture."""
    hr = np.linspace(30.0, 190.0, 400).reshape(20, 20)
    sr = hr + np.where(np.arange(20) % 2, 4, -4)
    spread = float(hr.max() - hr.min())
    assert psnr(sr, hr, data_range=spread) == pytest.approx(20 * np.log10(160 / 4), abs=1e-9)
    with pytest.raises(ValueError, match="hr has values from 30 to 190"):
        psnr(sr, hr, data_range=100)


def test_gray_may_have_a_channel_axis(both):
    sr, hr = both
    flat = psnr(sr[..., 0], hr[..., 0], data_range=255)
    assert psnr(sr[..., :1], hr[..., :1], data_range=255) == flat


NOT_UINT8 = {
    "0..1": (lambda a: a / 255, r"float64, expected uint8 on 0\.\.255.*to_uint8\(sr \* 255\)"),
    "0..255 floats": (lambda a: a.astype(np.float32), "round and clip it"),
    "int64": (lambda a: a.astype(np.int64), r"int64.*astype\(np.uint8\)"),
    "uint16": (lambda a: a.astype(np.uint16) * 257, "its largest value is 65535"),
    "bool": (lambda a: a > 127, "bool"),
    "RGBA": (lambda a: np.dstack([a, a[..., :1]]), "transparency"),
    "channels first": (lambda a: a.transpose(2, 0, 1), "channels come first"),
    "one channel": (lambda a: a[..., :1], r"\(h, w\) for gray"),
    "a batch": (lambda a: a[None], "a batch"),
    "a list": (lambda a: a.tolist(), "a list"),
    "a tensor": (torch_like, "permute"),
    "masked": (lambda a: np.ma.masked_less(a, 9), "masked"),
}


@pytest.mark.parametrize("protocol", ["edsr-2017", "srcnn-2015", "basicsr-rgb"])
@pytest.mark.parametrize("case", NOT_UINT8)
def test_score_pair_takes_uint8_alone(case, protocol, both):
    change, fact = NOT_UINT8[case]
    sr, hr = both
    with pytest.raises(ValueError, match=fact):
        score_pair(Pair(change(sr), hr, "rgb"), find_protocol(protocol), scale=2)
    with pytest.raises(ValueError, match=fact.replace("sr", "hr")):
        score_pair(Pair(sr, change(hr), "rgb"), find_protocol(protocol), scale=2)


@pytest.mark.parametrize("colour", ["bgr", "RGB", "gray", ""])
def test_score_pair_refuses_a_colour_that_it_does_not_know(colour, both):
    with pytest.raises(ValueError, match=r"expected rgb or ycbcr.*\[\.\.\., ::-1\]"):
        score_pair(Pair(*both, colour), find_protocol("edsr-2017"), scale=2)


@pytest.mark.parametrize("scale", [2.0, "2", True, 0, -2, Fraction(2), None])
def test_score_pair_refuses_a_scale_that_is_no_whole_number(scale, both):
    with pytest.raises(ValueError, match="expected a whole number"):
        score_pair(Pair(*both, "rgb"), find_protocol("edsr-2017"), scale=scale)


@pytest.mark.parametrize("case", [*NOT_UINT8, "gray"])
def test_perceptual_metrics_take_uint8_rgb_alone(case, both):
    change, _ = NOT_UINT8.get(case, (lambda a: a[..., 0], ""))
    metric = Perceptual("lpips", "signature", lambda sr, hr: 0.0)
    assert metric(*both) == 0
    with pytest.raises(ValueError, match=r"^sr "):
        metric(change(both[0]), both[1])
    with pytest.raises(ValueError, match=r"sr is .*, hr is "):
        metric(both[0][:-1], both[1])
