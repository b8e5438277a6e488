"""MATLAB's bicubic imresize of one DIV2K-sized image: uint8 RGB in, uint8 RGB out."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image as Pillow
from pytest_benchmark.fixture import BenchmarkFixture

from sr_bench.imaging.color import to_uint8
from sr_bench.imaging.images import Image
from sr_bench.imaging.resize import imresize
from sr_bench.timing.photo import photo

from .contest import Contender, Values, contenders, contest
from .rivals import basicsr, rival

HEIGHT, WIDTH, SCALE = 1356, 2040, 4
Resize = Callable[[], Image]


def _ours(image: Image, scale: Fraction) -> Resize:
    return lambda: imresize(image, scale=scale, rounding="each-pass", border="mirror").astype(
        np.uint8, copy=False
    )


def _ours_once(image: Image, scale: Fraction) -> Resize:
    return lambda: imresize(image, scale=scale, rounding="once", border="mirror").astype(
        np.uint8, copy=False
    )


def _basicsr(image: Image, scale: Fraction) -> Resize:
    resize = basicsr("utils.matlab_functions").imresize

    def work() -> Image:
        return to_uint8(resize(image.astype(np.float32) / 255, float(scale)) * 255)

    return work


def _skimage(image: Image, scale: Fraction) -> Resize:
    resize = rival("skimage.transform").resize
    size = (int(image.shape[0] * scale), int(image.shape[1] * scale))

    def work() -> Image:
        smooth = {"order": 3, "mode": "symmetric", "anti_aliasing": scale < 1}
        return to_uint8(resize(image, size, preserve_range=True, **smooth))

    return work


def _pillow(image: Image, scale: Fraction) -> Resize:
    picture = Pillow.fromarray(image)
    size = (int(image.shape[1] * scale), int(image.shape[0] * scale))
    return lambda: np.asarray(picture.resize(size, Pillow.Resampling.BICUBIC))


def _opencv(image: Image, scale: Fraction) -> Resize:
    cv2 = rival("cv2")
    size = (int(image.shape[1] * scale), int(image.shape[0] * scale))
    return lambda: cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)


_ANY = {"largest": 255.0, "share": 1.0}  # another filter: its values are no contest
CONTENDERS = (
    Contender("sr_bench", _ours),
    Contender("sr_bench, rounding once", _ours_once, _ANY, "one rounding, at the end"),
    Contender("basicsr", _basicsr, _ANY, "float32, one rounding, at the end"),
    Contender("scikit-image", _skimage, _ANY, "another filter: Gaussian, then cubic spline"),
    Contender("pillow", _pillow, _ANY, "width first, clamped border, 8-bit fixed point"),
    Contender("opencv", _opencv, _ANY, "another filter: a = -0.75, not widened when shrinking"),
)


@pytest.fixture(scope="module")
def large() -> Image:
    return photo(HEIGHT, WIDTH, seed=0)


@pytest.fixture(scope="module")
def small() -> Image:
    return photo(HEIGHT // SCALE, WIDTH // SCALE, seed=0)


def _contest(
    benchmark: BenchmarkFixture, contender: Contender, image: Image, scale: Fraction
) -> None:
    resize: Resize = contender.make(image, scale)  # type: ignore[assignment]
    wanted = _ours(image, scale)().astype(np.int16)
    off = np.abs(resize().astype(np.int16) - wanted)
    differences: Values = {"largest": float(off.max()), "share": float((off > 0).mean())}
    contest(benchmark, contender, resize, differences, rounds=15)


@contenders(*CONTENDERS)
@pytest.mark.benchmark(group="imresize x1/4, 2040 x 1356 RGB")
def test_shrink(benchmark: BenchmarkFixture, contender: Contender, large: Image) -> None:
    _contest(benchmark, contender, large, Fraction(1, SCALE))


@contenders(*CONTENDERS)
@pytest.mark.benchmark(group="imresize x4, 510 x 339 RGB")
def test_enlarge(benchmark: BenchmarkFixture, contender: Contender, small: Image) -> None:
    _contest(benchmark, contender, small, Fraction(SCALE))


@pytest.mark.parametrize("scale", [Fraction(1, SCALE), Fraction(SCALE)], ids=str)
def test_unrounded_values_equal_basicsr_to_float32(small: Image, scale: Fraction) -> None:
    """Without rounding the two agree as far as float32 goes (values 0..255)."""
    image = small.astype(np.float64)
    ours = imresize(image, scale=scale, rounding="none", border="mirror")
    theirs = basicsr("utils.matlab_functions").imresize(image / 255, float(scale)) * 255
    assert np.abs(ours - theirs).max() < 1e-3
