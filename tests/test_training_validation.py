"""Held-out images: which they are, what their PSNR is, and that no test image is trained on."""

import numpy as np
import pytest

from sr_bench.data.catalogue.protocols import find_protocol, load_protocols
from sr_bench.data.catalogue.sources import find_source
from sr_bench.evaluation.metrics import psnr
from sr_bench.evaluation.scoring.score import Pair, score_pair
from sr_bench.imaging import images
from sr_bench.imaging.color import rgb_to_y, rgb_to_ycbcr, to_uint8
from sr_bench.imaging.degrade import degrade
from sr_bench.networks.inference import Upscaler
from sr_bench.support.errors import SrBenchError
from sr_bench.training.validation import Clamped, Validation, held_out

RULES = load_protocols().degradations
RGB, YCBCR = RULES["rgb-matlab"], RULES["ycbcr-float-replicate"]
TRAINING, TEST = ("T91", "BSD400", "General100"), ("Set5", "Set14", "BSD100", "DIV2K-c256")


# Which images


@pytest.mark.parametrize("count", [*range(1, 121), 591, 800, 10_000])
def test_held_out_images_are_few_spread_and_always_the_same(count):
    kept = held_out(count)
    assert kept == held_out(count)
    assert len(kept) == min(8, max(1, count // 10))
    assert len(set(kept)) == len(kept) and all(0 <= i < count for i in kept)
    if len(kept) > 1:
        gaps = np.diff(kept)
        assert gaps.max() - gaps.min() <= 2  # halves are rounded to even
        assert abs(kept[0] + kept[-1] + 1 - count) <= 2  # as far from both ends


def test_held_out_images_of_our_sets():
    assert held_out(91) == [6, 17, 28, 40, 51, 63, 74, 85]
    assert held_out(10) == [5]
    assert held_out(9) == [4]


# Their PSNR


class Repeat:
    """Each pixel becomes scale x scale of it."""

    def __init__(self, colour, scale):
        self.colour, self.scale = colour, scale

    def __call__(self, lr):
        return lr.repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3)


def smooth(height, width, seed=0):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 6 + 1, width // 6 + 1, 3)).astype(np.uint8)
    return coarse.repeat(6, axis=0).repeat(6, axis=1)[:height, :width]


def test_psnr_by_hand():
    """Every pixel of Y off by 2 and by 4 within the border, by anything outside of it."""
    hr = np.full((24, 24), 100, np.uint8)

    def off(by):
        sr = np.full((24, 24), 100 + by, np.uint8)
        sr[:2], sr[-2:], sr[:, :2], sr[:, -2:] = 255, 0, 7, 9
        return sr

    answers = iter([off(2), off(4)])
    value = Validation([hr, hr], YCBCR).psnr(lambda lr: next(answers), 2)
    expected = np.mean([10 * np.log10(255**2 / 4), 10 * np.log10(255**2 / 16)])
    assert value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_psnr_of_rgb_is_that_of_its_luminance(scale):
    hr = smooth(12 * scale + 1, 11 * scale)
    upscale = Upscaler("mine", Repeat("rgb", scale), RGB, scale)
    whole = hr[: 12 * scale]
    sr = degrade(hr, RGB, scale=scale).repeat(scale, axis=0).repeat(scale, axis=1)
    inside = np.s_[scale:-scale, scale:-scale]
    expected = psnr(rgb_to_y(sr)[inside], rgb_to_y(whole)[inside], data_range=255)
    assert 10 < expected < 60
    assert Validation([hr], RGB).psnr(upscale, scale) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("colour", ["y", "ycbcr"])
def test_psnr_of_ycbcr_is_that_of_its_first_plane(colour):
    hr = smooth(31, 36)
    upscale = Upscaler("mine", Repeat(colour, 3), YCBCR, 3)
    y = to_uint8(rgb_to_ycbcr(hr[:30]))[..., 0]
    lr = degrade(hr, YCBCR, scale=3)[..., 0]
    sr = to_uint8(lr.repeat(3, axis=0).repeat(3, axis=1))
    expected = psnr(sr[3:-3, 3:-3], y[3:-3, 3:-3], data_range=255)
    assert Validation([hr], YCBCR).psnr(upscale, 3) == pytest.approx(expected, rel=1e-12)


def table(hr, upscale):
    """The same by the code that makes tables, under edsr-2017."""
    made = Pair(upscale(degrade(hr, RGB, scale=2)), hr, "rgb")
    return score_pair(made, find_protocol("edsr-2017"), scale=2)["psnr"]


def test_psnr_is_what_the_tables_of_edsr_2017_say():
    hr = smooth(36, 40)
    upscale = Upscaler("mine", Repeat("rgb", 2), RGB, 2)
    assert Validation([hr], RGB).psnr(upscale, 2) == pytest.approx(table(hr, upscale), abs=1e-9)


def test_psnr_of_a_gray_image_is_what_the_tables_say():
    hr = smooth(36, 40)[..., 0]
    upscale = Upscaler("mine", Repeat("rgb", 2), RGB, 2)
    assert Validation([hr], RGB).psnr(upscale, 2) == pytest.approx(table(hr, upscale), abs=1e-9)


def test_a_model_that_is_far_from_trained_has_a_psnr_too():
    """Where `sr-bench upscale` refuses its values."""
    hr, model = smooth(36, 40), Repeat("rgb", 2)

    class Wild(Repeat):
        def __call__(self, lr):
            return 100 * super().__call__(lr) - 50

    wild = Wild("rgb", 2)
    with pytest.raises(SrBenchError, match="returned values span"):
        Validation([hr], RGB).psnr(Upscaler("mine", wild, RGB, 2), 2)
    assert Validation([hr], RGB).psnr(Upscaler("mine", Clamped(wild), RGB, 2), 2) < 20
    own = Validation([hr], RGB).psnr(Upscaler("mine", Clamped(model), RGB, 2), 2)
    assert own == Validation([hr], RGB).psnr(Upscaler("mine", model, RGB, 2), 2)


# No test image is trained on


@pytest.mark.parametrize("training", TRAINING)
@pytest.mark.parametrize("test", TEST)
def test_no_file_of_a_test_set_is_in_a_training_set(training, test):
    ours, theirs = find_source(training).files, find_source(test).files
    assert not {f.sha256 for f in ours} & {f.sha256 for f in theirs}
    assert not {f.urls for f in ours} & {f.urls for f in theirs}
    assert not {stem(f.name) for f in ours} & {stem(f.name) for f in theirs}


def stem(name):
    return name.rpartition("/")[2].rpartition(".")[0]


def test_training_images_of_bsds_are_its_train_and_test_halves():
    """BSD100 is the test set of BSDS300, which became val in BSDS500."""
    names = [f.name for f in find_source("BSD400").files]
    assert {n.partition("/")[0] for n in names} == {"train", "test"}
    assert [sum(n.startswith(half) for n in names) for half in ("train", "test")] == [200, 200]
    assert all("BSDS500/data/images/" in f.urls[0] for f in find_source("BSD400").files)


def thumbnail(image):
    """Means of 16 x 16 blocks of the 320 x 480 pixels at the top left, upright or lying, (N,)."""
    image = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    lying = image if image.shape[1] > image.shape[0] else image.swapaxes(0, 1)
    blocks = lying[:320, :480].reshape(20, 16, 30, 16, 3)
    return blocks.mean(axis=(1, 3)).ravel()


def nearest(ours, theirs):
    """Largest difference of any block, for each of ours the nearest of theirs."""
    return [float(np.abs(theirs - one).max(axis=1).min()) for one in ours]


@pytest.mark.slow
def test_no_image_of_bsd100_is_in_bsd400(real):
    """Decoded: BSD100's PNG files were once BSDS300's JPEG files, cut to 480 x 321."""
    training = np.stack([thumbnail(images.read(p)) for p in real("BSD400")])
    test = [images.read(p) for p in real("BSD100")]
    assert {tuple(sorted(i.shape[:2])) for i in test} == {(321, 480)}
    assert min(nearest([thumbnail(i) for i in test], training)) > 10
    one = images.read(real("BSD400")[123])  # what this would see if one were
    noise = np.random.default_rng(0).integers(-2, 3, one.shape)
    leaked = np.clip(one.astype(int) + noise, 0, 255)[: 480 if one.shape[0] > 400 else 321]
    assert max(nearest([thumbnail(leaked[:, :480])], training)) < 1
