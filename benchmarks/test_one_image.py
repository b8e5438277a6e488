"""PSNR and SSIM, on RGB and on Y, of one DIV2K-sized image in memory: uint8 RGB, 4 numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.evaluation.metrics import psnr, ssim
from sr_bench.evaluation.scoring.score import Pair, score_images
from sr_bench.imaging.color import rgb_to_y
from sr_bench.imaging.images import Image
from sr_bench.support.parallel import one_blas_thread
from sr_bench.timing.photo import photo

from .contest import Contender, Values, Work, apart, contenders, contest
from .pictures import upscaled
from .rivals import basicsr, piq, rival, torchmetrics

HEIGHT, WIDTH, SCALE = 1356, 2040, 4
INSIDE = np.s_[SCALE:-SCALE, SCALE:-SCALE]
METRICS = ("psnr_rgb", "ssim_rgb", "psnr_y", "ssim_y")
EXACT = dict.fromkeys(METRICS, 1e-9)
FLOAT32 = dict.fromkeys(METRICS, 1e-3)


def _ours(sr: Image, hr: Image) -> Work:
    """The score stage's own function, on one image: strips of it go to all cores."""
    pair = Pair(sr, hr, "rgb")

    def work() -> Values:
        frame = score_images(
            [("one", lambda: pair)],
            [find_protocol("basicsr-rgb"), find_protocol("basicsr-y")],
            scale=SCALE,
        )
        return dict(zip(METRICS, frame["value"]))

    return work


def _ours_one_thread(sr: Image, hr: Image) -> Work:
    """The metrics' own functions, without threads."""

    def work() -> Values:
        with one_blas_thread():
            rgb = sr[INSIDE], hr[INSIDE]
            y = rgb_to_y(rgb[0]), rgb_to_y(rgb[1])
            return dict(
                zip(METRICS, [f(*p, data_range=255) for p in (rgb, y) for f in (psnr, ssim)])
            )

    return work


def _basicsr(sr: Image, hr: Image) -> Work:
    metrics = basicsr("metrics.psnr_ssim")
    both = metrics.calculate_psnr, metrics.calculate_ssim
    bgr = sr[..., ::-1].copy(), hr[..., ::-1].copy()  # as cv2.imread gives them

    def work() -> Values:
        values = [f(*bgr, SCALE, test_y_channel=y) for y in (False, True) for f in both]
        return dict(zip(METRICS, values))

    return work


def _skimage(sr: Image, hr: Image) -> Work:
    metrics, color = rival("skimage.metrics"), rival("skimage.color")
    wang: dict[str, Any] = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}

    def both(x: Any, y: Any, channel_axis: int | None) -> tuple[float, float]:
        similarity = metrics.structural_similarity
        return (
            metrics.peak_signal_noise_ratio(y, x, data_range=255),
            similarity(y, x, data_range=255, channel_axis=channel_axis, **wang),
        )

    def work() -> Values:
        x, y = sr[INSIDE], hr[INSIDE]
        luma = color.rgb2ycbcr(x)[..., 0], color.rgb2ycbcr(y)[..., 0]
        return dict(zip(METRICS, (*both(x, y, 2), *both(*luma, None))))

    return work


def _tensors(image: Image) -> tuple[Any, Any]:
    """(1, 3, h, w) RGB and (1, 1, h, w) Y in float32, 0..1: what torch users have at hand."""
    torch = rival("torch")
    rgb = torch.from_numpy(image[INSIDE]).permute(2, 0, 1)[None].float() / 255
    weights = torch.tensor([65.481, 128.553, 24.966]).view(1, 3, 1, 1)
    return rgb, ((rgb * weights).sum(1, keepdim=True) + 16) / 255


def _torchmetrics(sr: Image, hr: Image) -> Work:
    image = torchmetrics("functional.image")
    both = image.peak_signal_noise_ratio, image.structural_similarity_index_measure

    def work() -> Values:
        pairs = zip(_tensors(sr), _tensors(hr))
        values = [float(f(x, y, data_range=1.0)) for x, y in pairs for f in both]
        return dict(zip(METRICS, values))

    return work


def _piq(sr: Image, hr: Image) -> Work:
    psnr_of, ssim_of = piq("psnr").psnr, piq("ssim").ssim

    def work() -> Values:
        values = []
        for x, y in zip(_tensors(sr), _tensors(hr)):
            values += [float(psnr_of(x, y)), float(ssim_of(x, y, downsample=False))]
        return dict(zip(METRICS, values))

    return work


CONTENDERS = (
    Contender("sr_bench", _ours),
    Contender("sr_bench, one thread", _ours_one_thread, EXACT),
    Contender(
        "basicsr", _basicsr, EXACT | {"psnr_y": 1e-6, "ssim_y": 1e-6}, "its Y is made in float32"
    ),
    Contender("scikit-image", _skimage, EXACT),
    Contender("torchmetrics", _torchmetrics, FLOAT32, "float32"),
    Contender("piq", _piq, FLOAT32, "float32; adds 1e-8 to the MSE"),
)


@pytest.fixture(scope="module")
def hr() -> Image:
    return photo(HEIGHT, WIDTH, seed=1)


@pytest.fixture(scope="module")
def sr(hr: Image) -> Image:
    return upscaled(hr, scale=SCALE)


@contenders(*CONTENDERS)
@pytest.mark.benchmark(group="PSNR + SSIM, RGB and Y, one 2040 x 1356 image")
def test_one_image(benchmark: BenchmarkFixture, contender: Contender, sr: Image, hr: Image) -> None:
    work: Work = contender.make(sr, hr)  # type: ignore[assignment]
    contest(benchmark, contender, work, apart(work(), _ours(sr, hr)()), rounds=7)


def test_ours_equal_basicsr_on_its_own_luminance(sr: Image, hr: Image) -> None:
    """On the float32 Y that basicsr makes, our metrics give its values: only Y differs."""
    to_y = basicsr("metrics.metric_util").to_y_channel
    x, y = (to_y(image[INSIDE][..., ::-1])[..., 0] for image in (sr, hr))
    theirs = _basicsr(sr, hr)()
    assert psnr(x, y, data_range=255) == pytest.approx(theirs["psnr_y"], rel=0, abs=1e-9)
    assert ssim(x, y, data_range=255) == pytest.approx(theirs["ssim_y"], rel=0, abs=1e-9)
