"""``explain`` names the departure behind an LPIPS or a NIQE: ten of ten, made independently.

The weights of LPIPS and NIQE's model can't be had everywhere: a made-up network and a made-up model
stand in for them. They depend on all that the real ones depend on, and the network on the order
of its images too, which the real one doesn't.
"""

import sys
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import torch

from sr_bench.analysis.explain import perceived
from sr_bench.analysis.explain.chain import conclusion
from sr_bench.analysis.explain.claim import Claim
from sr_bench.analysis.explain.question import Question
from sr_bench.analysis.explain.search import explain
from sr_bench.analysis.explain.subject import bicubic_subject, folder_subject
from sr_bench.cli.show import count_progress
from sr_bench.conformance.pictures import Picture
from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.evaluation.metrics.niqe import Pristine, features
from sr_bench.evaluation.scoring.pairing import NamePair
from sr_bench.imaging import images
from sr_bench.imaging.color import rgb_to_y
from sr_bench.imaging.degrade import degrade
from sr_bench.imaging.resize import imresize
from sr_bench.support.errors import SrBenchError

S = 2
RULE = find_protocol("edsr-2017")
PRISTINE = Pristine(np.linspace(0.2, 2, 36), np.diag(np.linspace(0.5, 3, 36)))
GAINS = {"alex": 1.0, "vgg": 0.75, "squeeze": 1.25}


class Network(torch.nn.Module):
    """A distance that depends on the range, the network and the order."""

    def __init__(self, net, version, verbose):
        super().__init__()
        if net not in GAINS:
            raise ImportError(f"no weights of {net}")
        self.gain = torch.nn.Parameter(torch.tensor(GAINS[net]))

    def forward(self, one, other):
        return distance(one.double(), other.double(), float(self.gain.detach()))


def distance(one, other, gain):
    rows = torch.linspace(0.5, 1.5, one.shape[1], dtype=torch.float64)[:, None, None]  # of channels
    return (rows * (torch.tanh(gain * one) - torch.tanh(gain * other / 1.01)).abs()).mean()


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch):
    library = ModuleType("lpips")
    library.LPIPS = Network
    monkeypatch.setitem(sys.modules, "lpips", library)
    monkeypatch.setattr(perceived, "_pristine", lambda: PRISTINE)
    perceived._network.cache_clear()
    yield
    perceived._network.cache_clear()


@pytest.fixture(scope="module")
def hrs():
    sizes = {"one": ("scene", 112, 208), "two": ("scene+noise", 114, 210)}
    return {n: Picture(kind=k, height=h, width=w).array() for n, (k, h, w) in sizes.items()}


@pytest.fixture(scope="module")
def subject(hrs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hr")
    for name, hr in hrs.items():
        images.write(folder / f"{name}.png", hr)
    return bicubic_subject("bicubic", [(p.stem, p) for p in images.listing(folder)], scale=S)


def upscaled(hr, *, rounded=True):
    lr = degrade(hr, RULE.degradation, scale=S)
    rounding = "each-pass" if rounded else "none"
    return np.clip(imresize(lr, scale=S, rounding=rounding, border="mirror"), 0, 255)


def inside(image, crop):
    return image[crop : image.shape[0] - crop, crop : image.shape[1] - crop]


def lpips(hr, *, net="alex", low=-1.0, high=1.0, order=1, bgr=False, crop=S, rounded=True):
    pair = [inside(image, crop) for image in (upscaled(hr, rounded=rounded), hr)][::order]
    if bgr:
        pair = [image[..., ::-1] for image in pair]
    scaled = [np.float32(i) / np.float32(255) * (high - low) + low for i in pair]
    tensors = (torch.from_numpy(np.ascontiguousarray(i.transpose(2, 0, 1)))[None] for i in scaled)
    return float(distance(*(t.double() for t in tensors), GAINS[net]))


def niqe(hr, *, gray=rgb_to_y, crop=S, bgr=False, rounded=True):
    sr = inside(upscaled(hr), crop)
    values = gray(sr[..., ::-1] if bgr else sr)
    rows = features(np.floor(values + 0.5) if rounded else values)
    inverse = np.linalg.pinv((PRISTINE.covariance + np.cov(rows, rowvar=False)) / 2)
    distance = PRISTINE.mean - rows.mean(axis=0)
    return np.sqrt(distance @ inverse @ distance)


def rgb2gray(image):
    return image @ (0.298936021293775, 0.587043074451121, 0.114020904255103)


CAUSES = {
    ("lpips", "lpips-vgg"): lambda hr: lpips(hr, net="vgg"),
    ("lpips", "lpips-squeeze"): lambda hr: lpips(hr, net="squeeze"),
    ("lpips", "lpips-unit"): lambda hr: lpips(hr, low=0.0),
    ("lpips", "lpips-levels"): lambda hr: lpips(hr, low=0.0, high=255.0),
    ("lpips", "lpips-swapped"): lambda hr: lpips(hr, order=-1),
    ("lpips", "swap-both"): lambda hr: lpips(hr, bgr=True),
    ("lpips", "crop-none"): lambda hr: lpips(hr, crop=0),
    ("lpips", "sr-float"): lambda hr: lpips(hr, rounded=False),
    ("niqe", "niqe-gray"): lambda hr: niqe(hr, gray=rgb2gray),
    ("niqe", "niqe-float"): lambda hr: niqe(hr, rounded=False),
    ("niqe", "niqe-border-4"): lambda hr: niqe(hr, crop=S + 4),
    ("niqe", "crop-none"): lambda hr: niqe(hr, crop=0),
    ("niqe", "swap-sr"): lambda hr: niqe(hr, bgr=True),
}


def asked(subject, metric, value):
    claim = Claim(metric, f"{value:.7f}" if metric == "lpips" else f"{value:.6f}")
    return explain(Question(subject, (claim,), RULE, limit=1), watch=count_progress)


@pytest.mark.parametrize("cause", CAUSES, ids="+".join)
def test_it_names_the_cause(cause, subject, hrs):
    metric, name = cause
    answer = asked(subject, metric, np.mean([CAUSES[cause](hr) for hr in hrs.values()]))
    fitting = [tuple(d.name for d in t.candidate.deviations) for t in answer.fitting]
    assert fitting[0] == (name,), (fitting, conclusion(answer))
    assert answer.fitting[0].candidate.protocol.name == "edsr-2017"


def test_the_metric_itself_is_the_first_step_of_the_chain(subject, hrs):
    own = np.mean([lpips(hr) for hr in hrs.values()])
    assert asked(subject, "lpips", own).trials[0].candidate.deviations == ()
    answer = asked(subject, "lpips", np.mean([lpips(hr, net="vgg") for hr in hrs.values()]))
    assert f"edsr-2017 {own:.4f} -> " in conclusion(answer)
    assert "LPIPS by VGG, not AlexNet" in conclusion(answer)


def test_a_kind_of_niqe_has_its_own_gray(subject, hrs):
    printed = np.mean([niqe(hr, gray=rgb2gray) for hr in hrs.values()])
    assert asked(subject, "niqe_gray", printed).trials[0].candidate.deviations == ()
    answer = asked(subject, "niqe_gray", np.mean([niqe(hr) for hr in hrs.values()]))
    assert answer.trials[0].candidate.deviations[0].name == "niqe-y"


def test_sr_of_a_folder_is_explained_by_what_the_metric_is_given(hrs, tmp_path):
    pairs = []
    for name, hr in hrs.items():
        for kind, image in (("hr", hr), ("sr", upscaled(hr).astype(np.uint8))):
            images.write(tmp_path / kind / f"{name}.png", image)
        pairs.append(NamePair(name, tmp_path / f"sr/{name}.png", tmp_path / f"hr/{name}.png"))
    given = folder_subject("theirs", pairs, scale=S)
    answer = asked(given, "lpips", np.mean([lpips(hr, low=0.0) for hr in hrs.values()]))
    assert answer.fitting[0].candidate.deviations[0].name == "lpips-unit"


def test_networks_that_can_not_be_had_are_told_and_left_out(subject, hrs, monkeypatch, caplog):
    monkeypatch.delitem(GAINS, "vgg")
    value = np.mean([lpips(hr, net="squeeze") for hr in hrs.values()])
    answer = asked(replace(subject, _numbers={}), "lpips", value)
    assert answer.fitting[0].candidate.deviations[0].name == "lpips-squeeze"
    assert "lpips of vgg: left out: lpips: not run: no weights of vgg" in caplog.text
    assert not any(d.name == "lpips-vgg" for t in answer.trials for d in t.candidate.deviations)


def test_images_too_small_for_niqe_fit_no_way(tmp_path):
    images.write(tmp_path / "a.png", Picture(kind="scene", height=96, width=192).array())
    small = bicubic_subject("bicubic", [("a", tmp_path / "a.png")], scale=S)
    with pytest.raises(SrBenchError, match=r"leaves too little of .* for niqe"):
        asked(small, "niqe", 5.0)
