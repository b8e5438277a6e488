"""imresize, Y, PSNR and SSIM against images and tables that MATLAB made (SelfExSR package)."""

import csv
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from sr_bench.evaluation.metrics import psnr, ssim
from sr_bench.imaging import images
from sr_bench.imaging.color import rgb_to_y, to_uint8
from sr_bench.imaging.crops import modcrop
from sr_bench.imaging.resize import imresize


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(("dataset", "count"), [("Set5", 5), ("Set14", 14)])
def test_every_value_equals_matlabs(real, dataset, count, scale):
    # Numbered in the alphabetical order of the HR names; 57 images over all parameters.
    hrs = sorted(real(dataset), key=lambda p: p.stem)
    lrs = sorted(real(f"{dataset}-matlab-lr-x{scale}"))
    assert len(hrs) == len(lrs) == count
    for hr, lr in zip(hrs, lrs):
        expected = images.read(lr)
        whole = modcrop(images.read(hr), scale)
        ours = imresize(whole, scale=Fraction(1, scale), rounding="each-pass", border="replicate")
        if ours.ndim == 2 and expected.ndim == 3:  # stored as three equal channels
            ours = np.repeat(ours[..., None], 3, axis=2)
        np.testing.assert_array_equal(ours, expected, err_msg=lr.name)


@pytest.mark.parametrize("rounding", ["once", "each-pass"])
def test_rounding_once_is_not_what_matlab_does(real, rounding):
    hr = modcrop(images.read(sorted(real("Set5"))[0]), 3)
    expected = images.read(sorted(real("Set5-matlab-lr-x3"))[0])
    ours = imresize(hr, scale=Fraction(1, 3), rounding=rounding, border="replicate")
    differing = float(np.mean(ours != expected))
    assert differing == 0 if rounding == "each-pass" else 0.05 < differing < 0.2


with (Path(__file__).parent / "reference" / "selfexsr_bicubic.csv").open(newline="") as handle:
    MATLAB_TABLES = list(csv.DictReader(handle))


@pytest.mark.parametrize(
    ("dataset", "scale", "count", "cut"),
    [
        *(("Set5", s, 5, s) for s in (2, 3, 4)),
        *(("Set14", s, 14, s) for s in (2, 3, 4)),
        *(pytest.param("BSD100", s, 100, s, marks=pytest.mark.slow) for s in (2, 3, 4)),
        pytest.param("Urban100", 4, 100, 4, marks=pytest.mark.slow),
    ],
)
def test_every_image_of_matlabs_own_tables(real, dataset, scale, count, cut):
    """Bicubic's PSNR and SSIM of Y as uint8, to the last digits of double precision."""
    rows = [r for r in MATLAB_TABLES if (r["dataset"], r["scale"]) == (dataset, str(scale))]
    paths = {p.stem: p for p in real(dataset)}
    assert len(rows) == count
    for row in rows:
        hr = modcrop(images.read(paths[row["image"]]), cut)
        lr = imresize(hr, scale=Fraction(1, scale), rounding="each-pass", border="replicate")
        sr = imresize(lr, scale=scale, rounding="each-pass", border="replicate")
        inside = np.s_[scale:-scale, scale:-scale]
        pair = [(i if i.ndim == 2 else to_uint8(rgb_to_y(i)))[inside] for i in (sr, hr)]
        assert psnr(*pair, data_range=255) == pytest.approx(float(row["psnr"]), abs=1e-12, rel=0)
        assert ssim(*pair, data_range=255) == pytest.approx(float(row["ssim"]), abs=1e-12, rel=0)
