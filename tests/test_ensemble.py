"""Self-ensemble: the mean over the flips and rotations of lr, and the runs named with a `+`."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from sr_bench.analysis.ledger.ledger import read_ledger
from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.evaluation.upscaling.upscale import upscale_run
from sr_bench.imaging import images
from sr_bench.imaging.color import rgb_to_ycbcr, to_uint8, ycbcr_to_rgb
from sr_bench.imaging.resize import imresize
from sr_bench.networks.inference import Upscaler
from sr_bench.project.entries import Run
from sr_bench.project.project import Project
from sr_bench.project.run_weights import note_weights
from sr_bench.support.errors import SrBenchError, WrongUse

ROOT = Path(__file__).resolve().parent.parent
RGB = load_protocols().degradations["rgb-matlab"]
YCBCR = load_protocols().degradations["ycbcr-float-replicate"]

# The symmetries of a square by name, each with the one that takes it back, on (h, w, ...)
SYMMETRIES = {
    "identity": (lambda x: x, lambda x: x),
    "left to right": (np.fliplr, np.fliplr),
    "upside down": (np.flipud, np.flipud),
    "half a turn": (lambda x: np.rot90(x, 2), lambda x: np.rot90(x, 2)),
    "a quarter": (np.rot90, lambda x: np.rot90(x, 3)),
    "three quarters": (lambda x: np.rot90(x, 3), np.rot90),
    "main diagonal": (lambda x: x.swapaxes(0, 1), lambda x: x.swapaxes(0, 1)),
    "other diagonal": (
        lambda x: np.rot90(x, 2).swapaxes(0, 1),
        lambda x: np.rot90(x.swapaxes(0, 1), 2),
    ),
}


class Lopsided:
    """Nearest neighbour, then a convolution that no flip or rotation leaves as it is."""

    def __init__(self, scale=2, colour="rgb"):
        self.scale, self.colour, self.seen = scale, colour, []

    def __call__(self, lr):
        self.seen.append(lr)
        x = lr.repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3)
        kernel = torch.arange(9.0).reshape(1, 1, 3, 3) / 36
        channels = x.shape[1]
        return functional.conv2d(x, kernel.expand(channels, 1, 3, 3), padding=1, groups=channels)


class Fixed:
    """The same sr for every lr."""

    colour = "any"

    def __init__(self, sr):
        self.sr = torch.tensor(sr)[None, None]

    def __call__(self, lr):
        return self.sr


class Bicubic:
    colour = "any"

    def __call__(self, lr):
        planes = lr[0].permute(1, 2, 0).double().numpy()
        sr = imresize(planes, scale=2, rounding="none", border="mirror")
        return torch.from_numpy(sr).float().permute(2, 0, 1)[None]


def upscaler(model, degradation=RGB, scale=2, ensemble=True):
    return Upscaler("mine-+-x2", model, degradation, scale, ensemble=ensemble)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("shape", [(5, 8, 3), (9, 4, 3), (6, 6, 3), (1, 1, 3)])
def test_it_is_the_mean_of_the_eight_outputs(picture, shape, scale):
    lr, model = picture(*shape), Lopsided(scale)
    single = upscaler(model, scale=scale, ensemble=False)
    outputs = [back(single.unrounded(there(lr))) for there, back in SYMMETRIES.values()]
    sr = upscaler(model, scale=scale).unrounded(lr)
    # In float64: a mean of float32 would be a millionth off.
    np.testing.assert_allclose(sr, np.mean(outputs, axis=0), rtol=0, atol=1e-11)
    assert np.abs(sr - outputs[0]).max() > 1, "nothing was averaged"


def test_the_model_sees_each_symmetry_once(picture):
    lr, model = picture(5, 8, 3), Lopsided()
    upscaler(model)(lr)
    seen = [np.round(x[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8) for x in model.seen]
    expected = [there(lr) for there, _ in SYMMETRIES.values()]
    assert sorted(x.tobytes() for x in seen) == sorted(x.tobytes() for x in expected)
    assert sorted(x.shape for x in seen) == [(5, 8, 3)] * 4 + [(8, 5, 3)] * 4
    assert all(x.is_contiguous() and x.dtype == torch.float32 for x in model.seen)


def test_outputs_are_averaged_before_they_are_clamped(picture):
    model = Fixed([[1.8, 0.0], [0.0, 0.0]])  # each corner is bright in 2 of 8
    assert upscaler(model)(picture(1, 1)).tolist() == [[115, 115], [115, 115]]


def test_outputs_are_averaged_before_they_are_rounded(picture):
    model = Fixed([[1.2 / 255, 0.4 / 255], [0.4 / 255, 0.4 / 255]])  # (2 * 1.2 + 6 * 0.4) / 8
    assert upscaler(model)(picture(1, 1)).tolist() == [[1, 1], [1, 1]]


def test_a_model_that_treats_all_directions_alike_gains_nothing(picture):
    for lr in (picture(6, 9, 3), picture(7, 4)):
        alone = upscaler(Bicubic(), ensemble=False).unrounded(lr)
        np.testing.assert_allclose(upscaler(Bicubic()).unrounded(lr), alone, atol=1e-4)
        assert np.array_equal(upscaler(Bicubic())(lr), to_uint8(alone))


def test_chroma_beside_a_model_of_y_is_bicubic(picture):
    lr, model = picture(6, 8, 3), Lopsided(colour="y")
    sr = rgb_to_ycbcr(upscaler(model, RGB).unrounded(lr))
    ycbcr = rgb_to_ycbcr(lr)
    chroma = imresize(ycbcr, scale=2, rounding="none", border="mirror")[..., 1:]
    np.testing.assert_allclose(sr[..., 1:], chroma, atol=1e-9)
    luminance = upscaler(Lopsided(colour="y"), RGB).unrounded(ycbcr[..., 0])
    np.testing.assert_allclose(sr[..., 0], luminance, atol=1e-9)
    assert len(model.seen) == 8 and {x.shape[1] for x in model.seen} == {1}


def test_planes_of_a_model_of_ycbcr_are_all_averaged(picture):
    lr = picture(6, 8, 3)
    alone = upscaler(Lopsided(colour="any"), YCBCR).unrounded(rgb_to_ycbcr(lr))
    sr = upscaler(Lopsided(colour="ycbcr"), RGB).unrounded(lr)
    np.testing.assert_allclose(sr, ycbcr_to_rgb(alone), atol=1e-9)


@pytest.mark.parametrize(
    ("wrong", "fact"),
    [
        (lambda sr: sr * float("nan"), "NaN or infinite"),
        (lambda sr: sr * 255, "returned values span"),
        (lambda sr: sr[..., 1:], "expected (1, 3, 16, 10)"),
    ],
)
def test_each_output_is_checked(picture, wrong, fact):
    """One that is wrong alone, or only on its side, can't hide in the mean."""

    class Sideways(Lopsided):
        def __call__(self, lr):
            sr = super().__call__(lr)
            return wrong(sr) if lr.shape[2] > lr.shape[3] and len(self.seen) > 3 else sr

    with pytest.raises(SrBenchError) as caught:
        upscaler(Sideways())(picture(5, 8, 3))
    assert str(caught.value).startswith("mine-+-x2: ") and fact in str(caught.value)


# Runs


@pytest.mark.parametrize(
    ("variant", "base", "ensemble", "name"),
    [
        ("baseline+", "baseline", True, "edsr-baseline+-author-x2"),
        ("baseline", "baseline", False, "edsr-baseline-author-x2"),
        ("+", "", True, "edsr-+-author-x2"),
        ("", "", False, "edsr-author-x2"),
    ],
)
def test_a_run_keeps_its_plus_in_its_name_alone(variant, base, ensemble, name):
    run = Run(method="edsr", variant=variant, weights="author", scale=2, protocols=("edsr-2017",))
    assert (run.base_variant, run.ensemble, run.name) == (base, ensemble, name)


def test_runs_of_the_ledger_with_a_plus_can_be_named():
    families = {r for r in read_ledger(ROOT / "methods/published.csv")["run"] if "+" in r}
    assert families
    for family in families:
        method, variant, weights = family.split("-")
        run = Run(
            method=method, variant=variant, weights=weights, scale=2, protocols=("edsr-2017",)
        )
        assert run.family == family and run.ensemble


METHOD = """
import torch
from sr_bench.networks.method import Method, Setup

class Corner:
    colour = "any"
    def __call__(self, lr):
        sr = torch.zeros(*lr.shape[:2], 2 * lr.shape[2], 2 * lr.shape[3])
        sr[..., 0, 0] = 0.8
        return sr

def load(setup):
    assert setup.variant == "small", setup
    return Corner()

METHOD = Method(name="mine", load=load, reference="nobody", variants=("small",))
"""


@pytest.fixture
def mine(project):
    """``mine(variant)`` adds a run of a method that brightens the first corner of an image."""
    (project / "extra").mkdir()
    (project / "extra" / "mine.py").write_text(METHOD)
    params = project / "params.yaml"

    def add(variant):
        lines = params.read_text().replace("methods: [", "methods: [extra, ")
        entry = f"{{method: mine, variant: {variant}, scale: 2, protocols: [edsr-2017]}}"
        params.write_text(f"{lines}  mine-{variant}-x2: {entry}\n")
        return Project.load(project)

    return add


def test_a_run_with_a_plus_goes_through_the_stages(mine):
    project, name = mine("small+"), "mine-small+-x2"
    note_weights(project, name, progress=lambda _: None)
    assert json.loads(project.weights_note(name).read_text())["weights"] == "none"
    upscale_run(project, project.run(name), progress=lambda _: None)
    sr = images.read(project.sr(name, "rgb-matlab", "Set5") / "gray.png")
    assert [sr[y, x] for y in (0, -1) for x in (0, -1)] == [51] * 4  # 0.8 * 2 / 8 * 255


def test_a_variant_that_there_is_not_stays_unknown_with_a_plus(mine):
    project = mine("smal+")
    name = "mine-smal+-x2"
    for stage, run in ((note_weights, name), (upscale_run, project.run(name))):
        with pytest.raises(WrongUse, match=r"unknown variant 'smal' in method mine.*small"):
            stage(project, run, progress=lambda _: None)


def test_two_are_not_more_than_one(mine):
    with pytest.raises(WrongUse, match=r"unknown variant 'small\+' in method mine"):
        note_weights(mine("small++"), "mine-small++-x2", progress=lambda _: None)
