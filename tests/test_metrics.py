"""PSNR and SSIM against scikit-image, against themselves, and at their edges."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.ndimage import correlate
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from sr_bench.evaluation.metrics import psnr, ssim
from sr_bench.evaluation.metrics.ssim import ssim_padded_unchecked

RNG = np.random.default_rng(2)


def pair(height, width, channels=None):
    shape = (height, width) if channels is None else (height, width, channels)
    hr = RNG.integers(0, 256, shape, dtype=np.uint8)
    noise = RNG.integers(-20, 21, shape)
    return np.clip(hr.astype(int) + noise, 0, 255).astype(np.uint8), hr


def skimage_ssim(sr, hr):
    """The same definition in scikit-image: its map, cut to windows wholly inside."""
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    _, full = structural_similarity(
        sr.astype(float), hr.astype(float), data_range=255, full=True, truncate=3.5, **options
    )
    return full[5:-5, 5:-5].mean()


@pytest.mark.parametrize("shape", [(11, 11), (12, 40), (75, 64), (200, 131)])
def test_ssim_equals_scikit_image(shape):
    sr, hr = pair(*shape)
    assert ssim(sr, hr, data_range=255) == pytest.approx(skimage_ssim(sr, hr), abs=1e-12)


def test_ssim_of_colour_is_the_mean_over_channels():
    sr, hr = pair(40, 50, 3)
    each = [skimage_ssim(sr[..., c], hr[..., c]) for c in range(3)]
    assert ssim(sr, hr, data_range=255) == pytest.approx(np.mean(each), abs=1e-12)


def test_ssim_of_float_planes():
    sr, hr = pair(33, 47)
    y, x = sr * 0.858 + 16, hr * 0.858 + 16
    assert ssim(y, x, data_range=255) == pytest.approx(skimage_ssim(y, x), abs=1e-12)


def test_ssim_in_threads_is_the_same_number():
    sr, hr = pair(300, 60)
    with ThreadPoolExecutor(3) as pool:
        threaded = ssim(sr, hr, data_range=255, mapper=pool.map)
    assert threaded == ssim(sr, hr, data_range=255)


@pytest.mark.parametrize("channels", [None, 3])
def test_psnr_equals_scikit_image(channels):
    sr, hr = pair(37, 53, channels)
    expected = peak_signal_noise_ratio(hr, sr, data_range=255)
    assert psnr(sr, hr, data_range=255) == pytest.approx(expected, abs=1e-12)


def test_psnr_by_hand():
    hr = np.zeros((4, 4), np.uint8)
    sr = hr.copy()
    sr[0, 0] = 4  # MSE = 16 / 16
    assert psnr(sr, hr, data_range=255) == pytest.approx(20 * math.log10(255))


def test_identical_images():
    _, hr = pair(20, 20)
    assert psnr(hr, hr, data_range=255) == math.inf
    assert ssim(hr, hr, data_range=255) == pytest.approx(1, abs=1e-15)


def test_more_noise_scores_lower():
    sr, hr = pair(64, 64)
    worse = np.clip(hr.astype(int) + 3 * (sr.astype(int) - hr), 0, 255)
    for metric in (psnr, ssim):
        assert metric(worse, hr, data_range=255) < metric(sr, hr, data_range=255)


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_bad_pairs_are_refused(metric):
    sr, hr = pair(20, 20)
    with pytest.raises(ValueError, match=r"sr is \(19, 20\), hr is \(20, 20\)"):
        metric(sr[1:], hr, data_range=255)
    broken = sr.astype(float)
    broken[3, 3] = np.nan
    with pytest.raises(ValueError, match="sr has 1 NaN or infinite values of 400"):
        metric(broken, hr, data_range=255)
    with pytest.raises(ValueError, match="expected"):
        metric(sr[None, None], hr[None, None], data_range=255)


def test_ssim_needs_a_whole_window():
    sr, hr = pair(10, 30)
    with pytest.raises(ValueError, match=r"images are \(10, 30\), the SSIM window is 11 x 11"):
        ssim(sr, hr, data_range=255)


@pytest.mark.parametrize("shape", [(5, 7), (12, 40), (200, 131)])
def test_padded_ssim_has_a_window_about_every_pixel(shape):
    sr, hr = (image.astype(float) for image in pair(*shape))

    def mean(values):  # MATLAB's imfilter(values, fspecial('gaussian', 11, 1.5), 'replicate')
        taps = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
        window = np.outer(taps, taps)
        return correlate(values, window / window.sum(), mode="nearest")

    x, y = mean(sr), mean(hr)
    x_var, y_var, xy = mean(sr * sr) - x * x, mean(hr * hr) - y * y, mean(sr * hr) - x * y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    terms = (2 * x * y + c1) * (2 * xy + c2) / ((x * x + y * y + c1) * (x_var + y_var + c2))
    found = ssim_padded_unchecked(sr, hr, data_range=255)
    assert found == pytest.approx(terms.mean(), abs=1e-12)
    three = [np.stack([image] * 3, axis=-1) for image in (sr, hr)]
    assert ssim_padded_unchecked(*three, data_range=255) == pytest.approx(found, abs=1e-12)
