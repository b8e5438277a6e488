"""The whole score stage on BSD100: read 100 + 100 PNG files, PSNR and SSIM under edsr-2017."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.evaluation.scoring.score import read_pair, score_images
from sr_bench.imaging import images
from sr_bench.imaging.degrade import modcrop
from sr_bench.timing.photo import photo

from .contest import Contender, Values, Work, apart, contenders, contest
from .pictures import upscaled
from .rivals import basicsr, rival

SCALE, COUNT, HEIGHT, WIDTH = 3, 100, 321, 481
BSD100 = Path(__file__).parents[1] / "data" / "BSD100"
INSIDE = np.s_[SCALE:-SCALE, SCALE:-SCALE]
METRICS = ("psnr", "ssim")
Files = list[tuple[Path, Path]]  # sr, hr


def _ours(files: Files) -> Work:
    jobs = [(hr.stem, partial(read_pair, sr, hr)) for sr, hr in files]

    def work() -> Values:
        frame = score_images(jobs, [find_protocol("edsr-2017")], scale=SCALE)
        return dict(frame.groupby("metric")["value"].mean())

    return work


def _basicsr(files: Files) -> Work:
    cv2, metrics = rival("cv2"), basicsr("metrics.psnr_ssim")
    both = metrics.calculate_psnr, metrics.calculate_ssim

    def score(sr: Path, hr: Path) -> list[float]:
        pair = cv2.imread(str(sr)), modcrop(cv2.imread(str(hr)), SCALE)
        return [f(*pair, SCALE, test_y_channel=True) for f in both]

    return lambda: dict(zip(METRICS, np.mean([score(*pair) for pair in files], axis=0)))


def _skimage(files: Files) -> Work:
    io, color, metrics = (rival(f"skimage.{name}") for name in ("io", "color", "metrics"))

    def score(sr: Path, hr: Path) -> tuple[float, float]:
        pair = io.imread(sr), modcrop(io.imread(hr), SCALE)
        x, y = (color.rgb2ycbcr(image[INSIDE])[..., 0] for image in pair)
        similarity = metrics.structural_similarity(
            y, x, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        return metrics.peak_signal_noise_ratio(y, x, data_range=255), similarity

    return lambda: dict(zip(METRICS, np.mean([score(*pair) for pair in files], axis=0)))


CONTENDERS = (
    Contender("sr_bench", _ours),
    Contender("basicsr", _basicsr, dict.fromkeys(METRICS, 1e-6), "its Y is made in float32"),
    Contender("scikit-image", _skimage, dict.fromkeys(METRICS, 1e-9)),
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """BSD100 where it has been fetched, else made-up pictures of its size."""
    folder = tmp_path_factory.mktemp("score")
    found = sorted(BSD100.glob("*.png"))
    hrs = found if len(found) == COUNT else [_write(folder / f"hr{i}.png", i) for i in range(COUNT)]
    return [(_upscale(hr, folder / f"sr{i}.png"), hr) for i, hr in enumerate(hrs)]


def _write(path: Path, seed: int) -> Path:
    images.write(path, photo(HEIGHT, WIDTH, seed=seed))
    return path


def _upscale(hr: Path, path: Path) -> Path:
    images.write(path, upscaled(modcrop(images.read(hr), SCALE), scale=SCALE))
    return path


@contenders(*CONTENDERS)
@pytest.mark.benchmark(group="score stage, 100 images of BSD100's size, edsr-2017")
def test_score_stage(benchmark: BenchmarkFixture, contender: Contender, files: Files) -> None:
    where = "BSD100" if files[0][1].parent == BSD100 else "made up"
    benchmark.extra_info["images"] = where
    work: Work = contender.make(files)  # type: ignore[assignment]
    contest(benchmark, contender, work, apart(work(), _ours(files)()), rounds=7)
