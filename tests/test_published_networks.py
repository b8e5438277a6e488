"""Other people's networks with their authors' weights: the numbers that must come out.

Set14 has one gray image, bridge. IMDN's and PAN's published digits come out only where it counts
as three equal channels, of which Y is taken; LapSRN's only where it is its own Y.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pytest

from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.evaluation.scoring.score import Pair, score_pair
from sr_bench.imaging import images
from sr_bench.imaging.degrade import degrade
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.method import Setup
from sr_bench.networks.method_files import load_method

pytestmark = [pytest.mark.slow, pytest.mark.network]
METHODS = Path(__file__).resolve().parent.parent / "methods"

# Mean over the set, dB and SSIM, as measured twice with different programs; `None`: not stated.
# run, scale, dataset, protocol, PSNR, SSIM
REQUIRED = [
    ("imdn", 2, "Set5", "edsr-2017", 37.9960, 0.96049),
    ("imdn", 3, "Set5", "edsr-2017", 34.3597, 0.92698),
    ("imdn", 4, "Set5", "edsr-2017", 32.2096, 0.89476),
    ("pan", 2, "Set5", "edsr-2017", 38.00066, 0.96049),
    ("pan", 3, "Set5", "edsr-2017", 34.40029, 0.92717),
    ("pan", 4, "Set5", "edsr-2017", 32.13114, 0.89481),
    ("smfanet", 2, "Set5", "edsr-2017", 38.0776, 0.96072),
    ("smfanet", 3, "Set5", "edsr-2017", 34.4179, 0.92735),
    ("smfanet plus", 4, "Set5", "edsr-2017", 32.4333, 0.89793),
    ("rlfn", 4, "Set5", "edsr-2017", 32.2379, 0.89527),
    ("vapsr", 4, "Set5", "edsr-2017", 32.3997, 0.89736),
    ("vdsr", 2, "Set5", "srcnn-2015", 37.5316, None),
    ("vdsr", 3, "Set5", "srcnn-2015", 33.6705, 0.92136),
    ("vdsr", 4, "Set5", "srcnn-2015", 31.3494, 0.88376),
    ("vdsr", 4, "Set14", "srcnn-2015", 28.0203, None),
    ("idn", 3, "Set5", "srcnn-2015", 34.11441, 0.92531),
    ("dncnn 3", 4, "Set5", "edsr-2017", 31.39576, 0.88434),
    ("imdn", 2, "Set14", "edsr-2017", 33.6266, 0.91774),
    ("imdn", 3, "Set14", "edsr-2017", 30.3216, 0.84166),
    ("imdn", 4, "Set14", "edsr-2017", 28.5820, 0.78109),
    ("pan", 4, "Set14", "edsr-2017", 28.610747, 0.782151),
]
# As printed by the authors; LapSRN x2 as in the tables of Hui et al. 2019. CARN-M stands in no row:
# the file that its authors give isn't that of their paper.
PRINTED = [
    ("imdn", 2, "Set14", "edsr-2017", "33.63", "0.9177"),
    ("imdn", 3, "Set14", "edsr-2017", "30.32", "0.8417"),
    ("imdn", 4, "Set14", "edsr-2017", "28.58", "0.7811"),
    ("pan", 4, "Set14", "edsr-2017", "28.6107", "0.7822"),
    ("smfanet", 4, "Set14", "edsr-2017", "28.71", "0.7833"),
    ("smfanet plus", 4, "Set5", "edsr-2017", "32.43", "0.8979"),
    ("idn", 2, "Set5", "srcnn-2015", "37.83", "0.9600"),
    ("idn", 3, "Set5", "srcnn-2015", "34.11", "0.9253"),
    ("bicubic_limited", 2, "Set5", "vdsr-2016", "33.66", "0.9299"),
    ("bicubic_limited", 3, "Set5", "vdsr-2016", "30.39", "0.8682"),
    ("bicubic_limited", 4, "Set5", "vdsr-2016", "28.42", "0.8104"),
    ("bicubic_limited", 2, "Set14", "vdsr-2016", "30.24", "0.8688"),
    ("bicubic_limited", 3, "Set14", "vdsr-2016", "27.55", "0.7742"),
    ("bicubic_limited", 4, "Set14", "vdsr-2016", "26.00", "0.7027"),
    ("srcnn 9-5-5-limited", 3, "Set14", "vdsr-2016", "29.28", "0.8209"),
    ("srcnn 9-5-5-limited", 4, "Set14", "vdsr-2016", "27.49", "0.7503"),
    ("vdsr limited", 3, "Set5", "vdsr-2016", "33.66", "0.9213"),
    ("vdsr limited", 4, "Set5", "vdsr-2016", "31.35", "0.8838"),
    ("lapsrn", 2, "Set5", "lapsrn-2017", "37.52", "0.9591"),
    ("lapsrn", 2, "Set14", "lapsrn-2017", "32.99", "0.9124"),
    ("lapsrn", 4, "Set5", "lapsrn-2017-paper", "31.54", "0.885"),
    ("lapsrn", 4, "Set14", "lapsrn-2017-paper", "28.19", "0.772"),
]
_measured: dict[tuple[str, int, str, str], tuple[float, float]] = {}


def upscaler(name, scale, degradation, real, tile=None):
    """The model of a method file, ``imdn`` or ``smfanet plus``, with the authors' weights."""
    name, _, variant = name.partition(" ")
    method = load_method(METHODS / f"{name}.py")
    weights = {"bicubic_limited": "none", "srcnn": "author-imagenet"}.get(name, "author")
    published = method.weights_file(variant, weights, scale)
    file = published and next(
        p for p in real(published.group) if p.as_posix().endswith(published.name)
    )
    model = method.built(Setup(variant, weights, file, scale, degradation), name)
    return Upscaler(name, model, degradation, scale, tile=tile)


def measured(name, scale, dataset, protocol, real):
    """Mean PSNR and SSIM over the set; each is computed once."""
    key = (name, scale, dataset, protocol)
    if key not in _measured:
        rule = find_protocol(protocol)
        upscale = upscaler(name, scale, rule.degradation, real)
        found = []
        for path in real(dataset):
            hr = images.read(path)
            sr = upscale(degrade(hr, rule.degradation, scale=scale))
            values = score_pair(Pair(sr, hr, rule.degradation.colour), rule, scale=scale)
            found.append((values["psnr"], values[rule.printed_ssim]))
        psnr, ssim = np.mean(found, axis=0)
        _measured[key] = float(psnr), float(ssim)
    return _measured[key]


@pytest.mark.parametrize(("name", "scale", "dataset", "protocol", "psnr", "ssim"), REQUIRED)
def test_the_required_numbers_come_out(real, name, scale, dataset, protocol, psnr, ssim):
    found = measured(name, scale, dataset, protocol, real)
    assert found[0] == pytest.approx(psnr, abs=1e-4)
    assert ssim is None or found[1] == pytest.approx(ssim, abs=1e-4)


@pytest.mark.parametrize(("name", "scale", "dataset", "protocol", "psnr", "ssim"), PRINTED)
def test_the_published_digits_come_out(real, name, scale, dataset, protocol, psnr, ssim):
    found = measured(name, scale, dataset, protocol, real)
    rounded = [
        Decimal(repr(v)).quantize(Decimal(p), ROUND_HALF_UP) for v, p in zip(found, (psnr, ssim))
    ]
    assert rounded == [Decimal(psnr), Decimal(ssim)], found


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("pan", 4),
        ("carn m", 4),
        ("carn m", 3),
        ("vdsr", 3),
        ("dncnn 3", 4),
        ("idn", 2),
        ("idn", 4),
        ("lapsrn", 4),
        ("lapsrn", 8),
        ("mslapsrn D5R2", 4),
    ],
)
def test_tiles_give_what_the_whole_image_gives(real, name, scale):
    upscaler(
        name, scale, find_protocol("edsr-2017").degradation, real, tile=32
    ).enlarger.require_reach()
