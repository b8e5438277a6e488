"""rgb2ycbcr and its inverse."""

import numpy as np
import pytest
from skimage.color import rgb2ycbcr, ycbcr2rgb

from sr_bench.imaging.color import (
    gray_of_rgb,
    rgb_to_y,
    rgb_to_ycbcr,
    rgb_to_ycbcr_uint8,
    to_uint8,
    ycbcr_to_rgb,
)

PHOTO = np.random.default_rng(1).integers(0, 256, (16, 20, 3), dtype=np.uint8)


def test_equals_scikit_image():
    np.testing.assert_allclose(rgb_to_ycbcr(PHOTO), rgb2ycbcr(PHOTO), atol=1e-10)
    np.testing.assert_allclose(rgb_to_y(PHOTO), rgb2ycbcr(PHOTO)[..., 0], atol=1e-10)
    ycbcr = rgb_to_ycbcr(PHOTO)
    np.testing.assert_allclose(ycbcr_to_rgb(ycbcr), ycbcr2rgb(ycbcr) * 255, atol=1e-3)


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [  # MATLAB R2023a's documentation of rgb2ycbcr: black, white and the primaries, as uint8
        ((0, 0, 0), (16, 128, 128)),
        ((255, 255, 255), (235, 128, 128)),
        ((255, 0, 0), (81, 90, 240)),
        ((0, 255, 0), (145, 54, 34)),
        ((0, 0, 255), (41, 240, 110)),
    ],
)
def test_corner_colours(rgb, expected):
    assert tuple(to_uint8(rgb_to_ycbcr(np.array([[rgb]], dtype=np.uint8)))[0, 0]) == expected


@pytest.mark.parametrize(
    ("rgb", "y"), [((0, 204, 68), 125), ((2, 44, 141), 52), ((4, 194, 109), 125)]
)
def test_ties_fall_where_matlab_lets_them_fall(rgb, y):
    assert to_uint8(rgb_to_y(np.array([[rgb]], dtype=np.uint8)))[0, 0] == y


def test_scaling_the_sum_would_differ_in_122_of_all_colours():
    """Of all 16,777,216: what 0.1 did, and what per-image tables made by MATLAB refute."""
    different = 0
    green, blue = np.meshgrid(np.arange(256.0), np.arange(256.0), indexing="ij")
    for red in range(256):
        rgb = np.stack([np.full_like(green, red), green, blue], axis=-1)
        scaled_sum = (65.481 * red + 128.553 * green + 24.966 * blue) / 255 + 16
        different += int((to_uint8(rgb_to_y(rgb)) != to_uint8(scaled_sum)).sum())
    assert different == 122


def test_the_inverse_undoes():
    np.testing.assert_allclose(ycbcr_to_rgb(rgb_to_ycbcr(PHOTO)), PHOTO, atol=1e-10)


def test_gray_of_equal_channels_is_that_channel():
    gray = PHOTO[..., 0]
    np.testing.assert_allclose(gray_of_rgb(np.repeat(gray[..., None], 3, 2)), gray, atol=1e-12)


def test_rounding_is_half_up_and_clipped():
    values = np.array([-3.0, 0.49, 0.5, 1.5, 2.5, 254.5, 300.0])
    assert to_uint8(values).tolist() == [0, 0, 1, 2, 3, 255, 255]


def test_a_gray_image_is_refused():
    with pytest.raises(ValueError, match=r"rgb has shape \(4, 4\), expected \(h, w, 3\)"):
        rgb_to_y(np.zeros((4, 4), np.uint8))


def test_large_images_are_rounded_and_converted_strip_by_strip_to_the_same_values():
    rng = np.random.default_rng(3)
    values = rng.uniform(-20, 280, (301, 173, 3))
    values[0, 0] = 2.5, 254.5, 255.5
    whole = np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)
    for array in (values, values.astype(np.float32), np.asfortranarray(values)):
        same = whole if array.dtype == np.float64 else _rounded_whole(array)
        assert np.array_equal(to_uint8(array), same)
    assert np.array_equal(rgb_to_ycbcr_uint8(whole), _rounded_whole(rgb_to_ycbcr(whole)))


def _rounded_whole(values):
    return np.clip(np.floor(values.astype(np.float64) + 0.5), 0, 255).astype(np.uint8)
