"""``explain`` names the departure from a degradation of steps: ten of ten, made independently."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import correlate

from sr_bench.analysis.explain.claim import Claim
from sr_bench.analysis.explain.question import Question
from sr_bench.analysis.explain.search import explain
from sr_bench.analysis.explain.subject import bicubic_subject
from sr_bench.cli.show import count_progress
from sr_bench.conformance.pictures import Picture
from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.evaluation.metrics import psnr
from sr_bench.imaging import images
from sr_bench.imaging.color import rgb_to_y, to_uint8
from sr_bench.imaging.resize import imresize

S = 3


def gaussian(size, sigma):
    """fspecial('gaussian', size, sigma), two-dimensional."""
    at = np.arange(size) - (size - 1) / 2
    kernel = np.exp(-(at[:, None] ** 2 + at**2) / (2 * sigma**2))
    return kernel / kernel.sum()


def blurred(hr, size=7, sigma=1.6, mode="nearest"):
    planes = hr.astype(float).transpose(2, 0, 1)
    out = [correlate(p, gaussian(size, sigma), mode=mode) for p in planes]
    return np.stack(out, axis=-1)


def bd(hr, start=1, **options):
    return to_uint8(blurred(hr, **options))[start::S, start::S]


def dn(hr, sigma):
    """Noise by MATLAB's old generator, number by number."""
    lr = imresize(hr, scale=Fraction(1, S), rounding="each-pass", border="replicate")
    state, numbers = 1144108930, []
    while len(numbers) < lr.size:
        pair = []
        for _ in range(2):
            state = 16807 * state % (2**31 - 1)
            pair.append(2 * state / (2**31 - 1) - 1)
        radius = pair[0] ** 2 + pair[1] ** 2
        if radius < 1:
            numbers.append(pair[0] * np.sqrt(-2 * np.log(radius) / radius))
    noise = np.array(numbers).reshape(lr.shape[::-1]).transpose(2, 1, 0)
    return to_uint8(lr + np.float32(sigma) * noise.astype(np.float32))


def score(lrs, hrs, *, crop=S, rounding="each-pass"):
    """PSNR of bicubic from these lr images."""
    values = []
    for lr, hr in zip(lrs, hrs):
        sr = to_uint8(imresize(lr, scale=S, rounding=rounding, border="replicate"))
        inside = np.s_[crop : hr.shape[0] - crop, crop : hr.shape[1] - crop]
        values.append(psnr(rgb_to_y(sr)[inside], rgb_to_y(hr)[inside], data_range=255))
    return f"{np.mean(values):.5f}"


TEN = {
    ("bd-rdn", "blur-13"): lambda hr: bd(hr, size=13),
    ("bd-rdn", "blur-9"): lambda hr: bd(hr, size=9),
    ("bd-rdn", "sigma-1.5"): lambda hr: bd(hr, sigma=1.5),
    ("bd-rdn", "sigma-2"): lambda hr: bd(hr, sigma=2.0),
    ("bd-rdn", "phase-first"): lambda hr: bd(hr, start=0),
    ("bd-rdn", "blur-zero"): lambda hr: bd(hr, mode="constant"),
    ("bd-rdn", "blur-reflect"): lambda hr: bd(hr, mode="mirror"),
    ("bd-rdn", "blur-float"): lambda hr: blurred(hr)[1::S, 1::S],
    ("dn-30", "noise-50"): lambda hr: dn(hr, 50),
    ("bd-rdn", "crop-none"): bd,
}


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("hr")
    for name, size in (("one", (72, 84)), ("two", (63, 75))):
        kind = "scene+noise" if name == "two" else "scene"
        picture = Picture(kind=kind, height=size[0], width=size[1])
        images.write(folder / f"{name}.png", picture.array())
    hr = [(p.stem, p) for p in images.listing(folder)]
    return bicubic_subject("bicubic on two pictures", hr, scale=S)


def asked(subject, printed, protocol):
    question = Question(subject, (Claim("psnr", printed),), find_protocol(protocol), limit=1)
    return explain(question, watch=count_progress)


@pytest.mark.parametrize("way", TEN, ids="+".join)
def test_it_names_each_of_ten_ways(way, subject):
    hrs = [images.read(path) for _, path in subject.hr]
    rounding = "none" if way[1] == "blur-float" else "each-pass"
    crop = 0 if way[1] == "crop-none" else S
    printed = score([TEN[way](hr) for hr in hrs], hrs, crop=crop, rounding=rounding)
    best = asked(subject, printed, way[0]).trials[0]
    found = (best.candidate.protocol.name, *(d.name for d in best.candidate.deviations))
    assert best.fits and found == way


def test_bicubics_protocols_are_not_varied_by_steps_nor_tried_with_them(subject):
    hrs = [images.read(path) for _, path in subject.hr]
    printed = score([bd(hr) for hr in hrs], hrs)
    plain = Question(subject, (Claim("psnr", printed),), find_protocol("edsr-2017"), limit=0)
    assert not any(p.degradation.steps for p in plain.protocols.values())
    named = Question(subject, (Claim("psnr", printed),), find_protocol("bd-duf"), limit=0)
    assert {"bd-rdn", "bd-duf", "box", "edsr-2017"} <= set(named.protocols)
    assert not {"bd-basicvsr", "second-order-v1"} & set(named.protocols)  # x2, x4; drawn
    best = explain(named, watch=count_progress).trials[0]
    assert best.fits and best.candidate.protocol.name == "bd-rdn"
