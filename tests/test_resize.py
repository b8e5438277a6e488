"""imresize: shapes, weights, borders, roundings; the golden MATLAB images are in test_golden."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from sr_bench.imaging.banded import Banded
from sr_bench.imaging.resize import exact_matrix, imresize, resize_matrix

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (31, 47, 3), dtype=np.uint8)


def dense(size, scale, border):
    return resize_matrix(size, Fraction(scale), border).along_rows(np.eye(size))


def slow_row(size, scale, border, out):
    """One row of the resize matrix, written from MATLAB's documentation with Python loops."""
    s = float(scale)
    shrink = min(s, 1.0)
    centre = out / s + 0.5 * (1 - 1 / s)
    row = np.zeros(size)
    for tap in range(math.floor(centre - 2 / shrink) - 1, math.ceil(centre + 2 / shrink) + 2):
        x = abs(shrink * (centre - tap))
        if x <= 1:
            weight = 1.5 * x**3 - 2.5 * x**2 + 1
        elif x <= 2:
            weight = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
        else:
            continue
        if border == "replicate":
            index = min(max(tap, 1), size)
        else:
            index = tap
            while not 1 <= index <= size:
                index = 1 - index if index < 1 else 2 * size + 1 - index
        row[index - 1] += weight
    return row / row.sum()


@pytest.mark.parametrize("border", ["mirror", "replicate"])
@pytest.mark.parametrize("scale", [2, 3, 4, Fraction(1, 2), Fraction(1, 3), Fraction(1, 4)])
@pytest.mark.parametrize("size", [1, 2, 5, 24])
def test_matrix_equals_a_slow_reading_of_the_documentation(size, scale, border):
    ours = dense(size, scale, border)
    expected = [slow_row(size, scale, border, o) for o in range(1, math.ceil(size * scale) + 1)]
    np.testing.assert_allclose(ours, expected, atol=1e-14)


@given(st.integers(1, 40), st.sampled_from([2, 3, 4, 5]), st.booleans())
def test_rows_sum_to_one_and_sizes_round_up(size, scale, shrink):
    factor = Fraction(1, scale) if shrink else Fraction(scale)
    for border in ("mirror", "replicate"):
        matrix = dense(size, factor, border)
        assert matrix.shape == (math.ceil(size * factor), size)
        np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-12)


def test_borders_differ_only_near_the_border():
    mirror, replicate = (dense(60, Fraction(1, 3), b) for b in ("mirror", "replicate"))
    differing = np.flatnonzero(np.abs(mirror - replicate).max(axis=1) > 0)
    assert set(differing) == {0, 19}  # index 0 means pixel 1 in both; only -1 and -2 differ


def test_each_pass_rounds_the_height_first():
    factor = Fraction(1, 2)
    tall = imresize(PHOTO[..., 0], scale=factor, rounding="none", border="mirror")
    rows = resize_matrix(31, factor, "mirror").along_rows(PHOTO[..., 0].astype(float))
    rounded = np.clip(np.floor(rows + 0.5), 0, 255)
    expected = resize_matrix(47, factor, "mirror").along_columns(rounded)
    each = imresize(PHOTO[..., 0], scale=factor, rounding="each-pass", border="mirror")
    np.testing.assert_array_equal(each, np.clip(np.floor(expected + 0.5), 0, 255))
    once = imresize(PHOTO[..., 0], scale=factor, rounding="once", border="mirror")
    np.testing.assert_array_equal(once, np.clip(np.floor(tall + 0.5), 0, 255))
    assert (each != once).any()


@pytest.mark.parametrize("scale", [3, Fraction(1, 3)])
def test_planes_are_independent(scale):
    whole = imresize(PHOTO, scale=scale, rounding="each-pass", border="replicate")
    for c in range(3):
        plane = imresize(PHOTO[..., c], scale=scale, rounding="each-pass", border="replicate")
        np.testing.assert_array_equal(whole[..., c], plane)


def test_a_constant_image_stays_constant():
    flat = np.full((20, 21), 200, dtype=np.uint8)
    for scale in (2, 3, 4, Fraction(1, 3)):
        out = imresize(flat, scale=scale, rounding="each-pass", border="mirror")
        assert out.dtype == np.uint8
        assert (out == 200).all()


def test_blocks_do_not_change_the_product():
    matrix = csr_array(np.triu(np.tril(RNG.random((50, 50)), 3), -3))
    columns = RNG.random((2, 50, 7))
    for block in (1, 7, 64):
        banded = Banded.from_sparse(matrix, block=block)
        np.testing.assert_allclose(banded.along_rows(columns), matrix.toarray() @ columns)
        turned = np.swapaxes(columns, 1, 2)
        np.testing.assert_allclose(banded.along_columns(turned), turned @ matrix.toarray().T)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": 0.333}, "positive int or Fraction"),
        ({"scale": -2}, "positive int or Fraction"),
        ({"rounding": "twice"}, "rounding is 'twice'"),
        ({"border": "wrap"}, "border is 'wrap'"),
        ({"image": np.zeros((0, 4), np.uint8)}, "non-empty"),
        ({"image": np.zeros(4, np.uint8)}, "non-empty"),
        ({"image": np.zeros((4, 4))}, "only uint8 images are rounded"),
    ],
)
def test_bad_arguments_are_named(change, message):
    call = {"image": PHOTO, "scale": 2, "rounding": "each-pass", "border": "mirror"} | change
    with pytest.raises(ValueError, match=message):
        imresize(call.pop("image"), **call)


@pytest.mark.parametrize("size", [1, 7, 40, 641])
@pytest.mark.parametrize("border", ["mirror", "replicate"])
@pytest.mark.parametrize("scale", [2, 3, 4, Fraction(1, 2), Fraction(1, 3), Fraction(1, 4)])
def test_float32_is_used_only_where_it_is_exact(size, border, scale):
    fast = exact_matrix(size, Fraction(scale), border)
    if size > 1:  # of one row, every weight is 1
        assert (fast.dtype == np.float32) == (Fraction(scale) not in (3, Fraction(1, 3)))
    images = RNG.choice([0, 1, 254, 255], (size, 400)).astype(np.uint8)
    slow = resize_matrix(size, Fraction(scale), border)
    np.testing.assert_array_equal(fast.along_rows(images), slow.along_rows(images))
