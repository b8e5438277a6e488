"""The whole score stage: read pairs of PNG files, PSNR and SSIM under edsr-2017.

Set5, BSD100, and 100 images of DIV2K's size. ``SR_BENCH_LARGE=20`` takes 20 of the last, which
all contenders need some ten minutes for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.evaluation.scoring.score import read_pair, score_images
from sr_bench.imaging import images
from sr_bench.imaging.crops import modcrop
from sr_bench.timing.photo import photo

from .contest import Contender, Values, Work, apart, contenders, contest
from .pictures import upscaled
from .rivals import basicsr, piq, pyiqa, rival, torchmetrics

SCALE = 3
DATA = Path(__file__).parents[1] / "data"
INSIDE = np.s_[SCALE:-SCALE, SCALE:-SCALE]
METRICS = ("psnr", "ssim")


@dataclass(frozen=True)
class Set:
    """So many images of one size; those of ``folder`` where they have been fetched."""

    name: str
    count: int
    height: int
    width: int
    rounds: int
    folder: str = ""


SETS = (
    Set("5 images of Set5's size", 5, 288, 288, 9, "Set5"),
    Set("100 images of BSD100's size", 100, 321, 481, 5, "BSD100"),
    Set("images of 2040 x 1356", int(os.environ.get("SR_BENCH_LARGE", "100")), 1356, 2040, 1),
)
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


def _opencv(files: Files) -> Work:
    """As scripts do that call OpenCV alone: KAIR's, RCAN's, SwinIR's test code."""
    cv2: Any = rival("cv2")
    window = cv2.getGaussianKernel(11, 1.5) @ cv2.getGaussianKernel(11, 1.5).T
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    weights = np.array([24.966, 128.553, 65.481])  # B, G, R

    def mean(values: Any) -> Any:
        return cv2.filter2D(values, -1, window)[5:-5, 5:-5]

    def similarity(x: Any, y: Any) -> float:
        mx, my = mean(x), mean(y)
        vx, vy, xy = mean(x**2) - mx**2, mean(y**2) - my**2, mean(x * y) - mx * my
        top = (2 * mx * my + c1) * (2 * xy + c2)
        return float((top / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean())

    def score(sr: Path, hr: Path) -> tuple[float, float]:
        pair = cv2.imread(str(sr)), modcrop(cv2.imread(str(hr)), SCALE)
        x, y = (image[INSIDE].astype(np.float64) @ weights / 255 + 16 for image in pair)
        return float(20 * np.log10(255 / np.sqrt(np.mean((x - y) ** 2)))), similarity(x, y)

    return lambda: dict(zip(METRICS, np.mean([score(*pair) for pair in files], axis=0)))


def _of_tensors(files: Files, psnr: Any, ssim: Any, luma: bool = True) -> Work:
    """Functions of (1, C, h, w) float32 on 0..1."""
    torch, cv2 = rival("torch"), rival("cv2")
    weights = torch.tensor([24.966, 128.553, 65.481]).view(1, 3, 1, 1)

    def tensors(sr: Path, hr: Path) -> Iterator[Any]:
        for image in (cv2.imread(str(sr)), modcrop(cv2.imread(str(hr)), SCALE)):
            bgr = torch.from_numpy(image[INSIDE].copy()).permute(2, 0, 1)[None].float() / 255
            yield ((bgr * weights).sum(1, keepdim=True) + 16) / 255 if luma else bgr.flip(1)

    def score(sr: Path, hr: Path) -> tuple[float, float]:
        with torch.no_grad():
            x, y = tensors(sr, hr)
            return float(psnr(x, y)), float(ssim(x, y))

    return lambda: dict(zip(METRICS, np.mean([score(*pair) for pair in files], axis=0)))


def _torchmetrics(files: Files) -> Work:
    image = torchmetrics("functional.image")
    both = image.peak_signal_noise_ratio, image.structural_similarity_index_measure
    psnr, ssim = (partial(function, data_range=1.0) for function in both)
    return _of_tensors(files, psnr, ssim)


def _piq(files: Files) -> Work:
    return _of_tensors(files, piq("psnr").psnr, partial(piq("ssim").ssim, downsample=False))


def _pyiqa(files: Files) -> Work:
    psnr, ssim = pyiqa("archs.psnr_arch").PSNR, pyiqa("archs.ssim_arch").SSIM
    options: dict[str, Any] = {"test_y_channel": True, "color_space": "ycbcr"}
    return _of_tensors(files, psnr(**options), ssim(**options), luma=False)


FLOAT32 = {"psnr": 1e-3, "ssim": 1e-3}
CONTENDERS = (
    Contender("sr_bench", _ours),
    Contender("basicsr", _basicsr, dict.fromkeys(METRICS, 1e-6), "its Y is made in float32"),
    Contender("OpenCV alone", _opencv, dict.fromkeys(METRICS, 1e-9)),
    Contender("scikit-image", _skimage, dict.fromkeys(METRICS, 1e-9)),
    Contender("pyiqa", _pyiqa, {"psnr": 2e-2, "ssim": 1e-3}, "float32; rounds Y"),
    Contender(
        "torchmetrics",
        _torchmetrics,
        FLOAT32 | {"ssim": 5e-3},
        "float32; its SSIM also counts windows over the border",
    ),
    Contender("piq", _piq, FLOAT32, "float32; adds 1e-8 to the MSE"),
)


@pytest.fixture(scope="module", params=SETS, ids=lambda of: of.name)
def images_of(request: pytest.FixtureRequest) -> Set:
    """Which images are scored."""
    of: Set = request.param
    return of


@pytest.fixture(scope="module")
def files(images_of: Set, tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The set where it has been fetched, else made-up pictures of its size."""
    folder = tmp_path_factory.mktemp("score")
    found = sorted((DATA / images_of.folder).glob("*.png")) if images_of.folder else []
    hrs = found or [_write(folder / f"hr{i}.png", i, images_of) for i in range(images_of.count)]
    return [(_upscale(hr, folder / f"sr{i}.png"), hr) for i, hr in enumerate(hrs)]


def _write(path: Path, seed: int, of: Set) -> Path:
    images.write(path, photo(of.height, of.width, seed=seed))
    return path


def _upscale(hr: Path, path: Path) -> Path:
    images.write(path, upscaled(modcrop(images.read(hr), SCALE), scale=SCALE))
    return path


@contenders(*CONTENDERS)
def test_score_stage(
    benchmark: BenchmarkFixture, contender: Contender, images_of: Set, files: Files
) -> None:
    fetched = DATA in files[0][1].parents
    benchmark.group = f"score stage, edsr-2017, {images_of.name}"
    benchmark.extra_info["images"] = f"{len(files)}, {'fetched' if fetched else 'made up'}"
    work: Work = contender.make(files)  # type: ignore[assignment]
    differences = apart(work(), _ours(files)())
    contest(benchmark, contender, work, differences, rounds=images_of.rounds)
