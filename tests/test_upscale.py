"""From lr to saved sr: what the harness does to every method's output, and what it refuses."""

import json
import re

import numpy as np
import pytest
import torch

from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.data.datasets.manifest import Dataset, Entry
from sr_bench.evaluation.upscaling.dataset import upscale_dataset
from sr_bench.evaluation.upscaling.upscale import upscale_run
from sr_bench.imaging import images
from sr_bench.imaging.color import gray_of_rgb, rgb_to_ycbcr, to_uint8, ycbcr_to_rgb
from sr_bench.imaging.degrade import degrade
from sr_bench.imaging.resize import imresize
from sr_bench.networks.inference import Upscaler
from sr_bench.project.project import Project
from sr_bench.project.run_weights import note_weights
from sr_bench.support.errors import SrBenchError, WrongUse

RGB = load_protocols().degradations["rgb-matlab"]
YCBCR = load_protocols().degradations["ycbcr-float-replicate"]


class Stub:
    """A model that does what a test says; by default each pixel becomes scale x scale of it."""

    def __init__(self, function=None, colour="any", scale=2):
        self.function = function or self.repeat
        self.colour, self.scale, self.seen = colour, scale, []

    def repeat(self, lr):
        return lr.repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3)

    def __call__(self, lr):
        self.seen.append(lr)
        return self.function(lr)


def upscaler(model, degradation=RGB, scale=2):
    return Upscaler("mine-x2", model, degradation, scale)


def twice(image):
    return image.repeat(2, axis=0).repeat(2, axis=1)


# What a model gets, and what becomes of its output


def test_a_model_gets_float32_planes_in_0_1(picture):
    lr, model = picture(5, 7, 3), Stub(colour="rgb")
    upscaler(model)(lr)
    (seen,) = model.seen
    assert (tuple(seen.shape), seen.dtype) == ((1, 3, 5, 7), torch.float32)
    np.testing.assert_allclose(seen[0].permute(1, 2, 0).numpy() * 255, lr, atol=1e-4)
    assert seen.is_contiguous()


def test_output_is_rounded_half_up_and_clamped_once(picture):
    levels = torch.tensor([-90.0, -0.6, 0.49, 0.51, 127.5, 128.49, 254.6, 255.4, 300.0, 7.0])
    values = (levels.double() / 255).to(torch.float32)  # 127.5 / 255 it holds exactly
    sr = upscaler(Stub(lambda lr: values.repeat(1, 1, 2, 1)))(picture(1, 5))
    assert sr.dtype == np.uint8
    assert sr.tolist() == [[0, 0, 0, 1, 128, 128, 255, 255, 255, 7]] * 2


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
@pytest.mark.parametrize("degradation", [RGB, YCBCR])
def test_any_planes_pass_as_they_are(picture, shape, degradation):
    lr = picture(*shape)
    assert np.array_equal(upscaler(Stub(), degradation)(lr), twice(lr))


def test_a_gray_image_stays_gray_for_a_model_of_y(picture):
    lr = picture(5, 7)
    for degradation in (RGB, YCBCR):
        model = Stub(colour="y")
        assert np.array_equal(upscaler(model, degradation)(lr), twice(lr))
        assert model.seen[0].shape == (1, 1, 5, 7)


def test_a_gray_image_is_three_equal_channels_for_a_model_of_rgb(picture):
    lr = picture(5, 7)
    shift = torch.tensor([0.0, 8 / 255, 16 / 255])[:, None, None]
    model = Stub(lambda x: Stub().repeat(x) + shift, colour="rgb")
    seen = twice(lr).astype(float)[..., None] + [0, 8, 16]
    assert np.array_equal(upscaler(model, RGB)(lr), to_uint8(seen))
    gray = upscaler(model, YCBCR)(lr)
    assert gray.ndim == 2
    assert np.abs(gray - np.clip(gray_of_rgb(seen), 0, 255)).max() <= 0.51
    assert all(torch.equal(model.seen[0][:, 0], model.seen[0][:, i]) for i in range(3))


def test_a_model_of_y_on_rgb_lr_leaves_chroma_to_bicubic(picture):
    lr, model = picture(6, 8, 3), Stub(colour="y")
    ycbcr = rgb_to_ycbcr(lr)
    expected = imresize(ycbcr, scale=2, rounding="none", border="mirror")
    expected[..., 0] = twice(ycbcr[..., 0])
    sr = upscaler(model, RGB)(lr)
    assert sr.shape == (12, 16, 3)
    difference = np.abs(sr.astype(int) - to_uint8(ycbcr_to_rgb(expected)))
    assert difference.max() <= 1 and (difference > 0).mean() < 0.001  # the model sees float32
    assert model.seen[0].shape == (1, 1, 6, 8)


def test_a_model_of_y_on_ycbcr_lr_gives_ycbcr(picture):
    lr = picture(6, 8, 3) + 0.25
    expected = imresize(lr, scale=2, rounding="none", border="replicate")
    expected[..., 0] = twice(lr[..., 0])
    assert np.array_equal(upscaler(Stub(colour="y"), YCBCR)(lr), to_uint8(expected))


def test_a_model_of_rgb_on_ycbcr_lr_gives_ycbcr():
    rgb = np.full((4, 5, 3), [200.0, 120, 60])
    model = Stub(colour="rgb")
    sr = upscaler(model, YCBCR)(rgb_to_ycbcr(rgb))
    np.testing.assert_allclose(model.seen[0][0, :, 0, 0] * 255, [200, 120, 60], atol=1e-3)
    assert np.array_equal(sr, to_uint8(rgb_to_ycbcr(twice(rgb))))


def test_a_model_of_ycbcr_on_ycbcr_lr_sees_the_planes_as_they_are(picture):
    lr, model = picture(6, 8, 3) + 0.25, Stub(colour="ycbcr")
    assert np.array_equal(upscaler(model, YCBCR)(lr), to_uint8(twice(lr)))
    np.testing.assert_allclose(model.seen[0][0].permute(1, 2, 0).numpy() * 255, lr, atol=1e-4)


def test_a_model_of_ycbcr_on_rgb_lr_gives_rgb(picture):
    lr = picture(6, 8, 3)
    shift = torch.tensor([0.0, 8 / 255, -4 / 255])[:, None, None]
    model = Stub(lambda x: Stub().repeat(x) + shift, colour="ycbcr")
    ycbcr = rgb_to_ycbcr(lr)
    sr = upscaler(model, RGB).unrounded(lr)
    np.testing.assert_allclose(sr, ycbcr_to_rgb(twice(ycbcr) + np.array([0, 8, -4])), atol=1e-3)
    np.testing.assert_allclose(model.seen[0][0].permute(1, 2, 0).numpy() * 255, ycbcr, atol=1e-4)


@pytest.mark.parametrize("degradation", [RGB, YCBCR])
def test_a_gray_image_has_no_chroma_for_a_model_of_ycbcr(picture, degradation):
    lr, model = picture(5, 7), Stub(colour="ycbcr")
    assert np.array_equal(upscaler(model, degradation)(lr), twice(lr))
    (seen,) = model.seen
    assert seen.shape == (1, 3, 5, 7)
    np.testing.assert_allclose(seen[0, 1:].numpy() * 255, 128, atol=1e-4)


# What is refused


def test_a_model_of_a_colour_that_there_is_not():
    with pytest.raises(SrBenchError, match="mine-x2: the model's colour is 'yuv', expected one of"):
        upscaler(Stub(colour="yuv"))


def one(value):
    def function(lr):
        sr = Stub().repeat(lr).clone()
        sr[0, 0, 1, 2] = value
        return sr

    return function


@pytest.mark.parametrize(
    ("function", "facts"),
    [
        (one(float("nan")), ["1 of 420 returned values are NaN or infinite", "check the weights"]),
        (one(float("-inf")), ["1 of 420 returned values are NaN or infinite"]),
        (lambda lr: Stub().repeat(lr) * 255, ["span", "expected about [0, 1]", "value range"]),
        (lambda lr: Stub().repeat(lr) - 3, ["span -3", "expected about [0, 1]"]),
        (lambda lr: lr, ["(1, 3, 5, 7) torch.float32, expected (1, 3, 10, 14)", "scale times"]),
        (lambda lr: Stub().repeat(lr)[0], ["returned (3, 10, 14)", "expected (1, 3, 10, 14)"]),
        (lambda lr: Stub().repeat(lr)[:, :1], ["returned (1, 1, 10, 14)"]),
        (lambda lr: Stub().repeat(lr).double(), ["torch.float64, expected", "torch.float32"]),
        (lambda lr: Stub().repeat(lr).half(), ["torch.float16, expected"]),
        (lambda lr: (Stub().repeat(lr) * 255).byte(), ["torch.uint8, expected"]),
        (lambda lr: Stub().repeat(lr).numpy(), ["returned ndarray, expected a tensor"]),
        (lambda lr: None, ["returned NoneType, expected a tensor"]),
    ],
)
def test_output_that_cannot_be_used(picture, function, facts):
    with pytest.raises(SrBenchError) as caught:
        upscaler(Stub(function))(picture(5, 7, 3))
    for fact in ("mine-x2: ", *facts):
        assert fact in str(caught.value)


def dataset(folder, named):
    entries = []
    for name, image in named.items():
        images.write(folder / name, image)
        entries.append(Entry(name, image.shape, ""))
    return Dataset("Tiny", folder, tuple(entries))


def test_an_error_names_image_and_run(tmp_path, picture):
    opened = dataset(tmp_path / "hr", {"a.png": picture(8, 8), "b.png": picture(8, 8, 3)})
    model = Stub(lambda lr: lr if lr.shape[1] == 3 else Stub().repeat(lr))
    with pytest.raises(SrBenchError, match=r"Tiny/b\.png: mine-x2: returned"):
        upscale_dataset(upscaler(model), opened, tmp_path / "sr", progress=lambda _: None)


def test_an_image_smaller_than_the_modcrop_is_named(tmp_path, picture):
    opened = dataset(tmp_path / "hr", {"tiny.png": picture(10, 30, 3)})
    rule = load_protocols().degradations["rgb-matlab-mod12"]
    with pytest.raises(SrBenchError, match=r"tiny\.png: image is \(10, 30\), smaller than 12"):
        upscale_dataset(upscaler(Stub(), rule), opened, tmp_path / "sr", progress=lambda _: None)


def test_every_image_is_saved_once_and_progress_counts_them(tmp_path, picture):
    names = [f"{i}.png" for i in range(5)]
    opened = dataset(tmp_path / "hr", {n: picture(9, 11, 3) for n in names})
    done = []
    upscale_dataset(upscaler(Stub()), opened, tmp_path / "sr", progress=done.append)
    assert sorted(p.name for p in (tmp_path / "sr").iterdir()) == names
    assert done == [1] * 5
    lr = degrade(images.read(tmp_path / "hr/3.png"), RGB, scale=2)
    assert np.array_equal(images.read(tmp_path / "sr/3.png"), twice(lr))


# A run of a project


def test_a_run_writes_each_degradation(project):
    opened = Project.load(project)
    note_weights(opened, "bicubic-x2", progress=lambda _: None)
    done = []
    upscale_run(opened, opened.run("bicubic-x2"), progress=done.append)
    assert sum(done) == 4
    folder = project / "build" / "sr" / "bicubic-x2"
    made = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.png"))
    assert made == [
        f"{d}/Set5/{n}.png"
        for d in ("rgb-matlab", "ycbcr-float-replicate")
        for n in ("colour", "gray")
    ]
    assert [images.read_tagged(folder / p)[1] for p in made] == ["rgb", "rgb", "ycbcr", "rgb"]

    hr = images.read(project / "data/Set5/colour.png")
    lr = degrade(hr, RGB, scale=2)
    expected = imresize(lr, scale=2, rounding="each-pass", border="mirror")
    assert np.array_equal(images.read(folder / made[0]), expected)


BROKEN = """
from sr_bench.networks.method import Method

class Broken:
    colour = "any"
    def __call__(self, lr):
        return lr * float("nan")

METHOD = Method(name="bicubic", load=lambda setup: Broken(), reference="nobody")
"""


def test_a_run_that_fails_loses_nothing(project):
    upscale_run(opened := Project.load(project), opened.run("bicubic-x2"), progress=lambda _: None)
    folder = project / "build" / "sr" / "bicubic-x2"
    before = {p: p.read_bytes() for p in folder.rglob("*.png")}
    (project / "methods").mkdir()
    (project / "methods" / "broken.py").write_text(BROKEN)
    params = project / "params.yaml"
    params.write_text(re.sub(r"methods: .*", "methods: [methods]", params.read_text()))
    with pytest.raises(SrBenchError, match="bicubic-x2: returned"):
        upscale_run(
            opened := Project.load(project), opened.run("bicubic-x2"), progress=lambda _: None
        )
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def with_run(project, entry, name):
    params = project / "params.yaml"
    params.write_text(params.read_text() + f"  {name}: {entry}\n")
    return Project.load(project)


def test_a_run_without_weights_is_noted_as_such(project):
    note_weights(Project.load(project), "bicubic-x2", progress=lambda _: None)
    note = json.loads((project / "build/weights/bicubic-x2.json").read_text())
    assert note == {"weights": "none", "file": None, "sha256": None}


NET = "{method: srcnn, variant: 9-1-5, weights: author-t91, scale: 2, protocols: [edsr-2017]}"


def test_weights_that_were_not_fetched(project):
    name = "srcnn-9-1-5-author-t91-x2"
    opened = with_run(project, NET, name)
    with pytest.raises(SrBenchError, match=rf"{name}\.json: no such file; .*fetch --run {name}"):
        upscale_run(opened, opened.run(name), progress=lambda _: None)
    (project / "build/weights").mkdir()
    (project / f"build/weights/{name}.json").write_text("{}")
    with pytest.raises(SrBenchError, match=rf"{name}\.json: not a note .*fetch --run {name}"):
        upscale_run(opened, opened.run(name), progress=lambda _: None)


@pytest.mark.parametrize(
    ("entry", "name", "fact"),
    [
        (
            "{method: bicubik, scale: 2, protocols: [edsr-2017]}",
            "bicubik-x2",
            "or bicubic_limited?",
        ),
        (NET.replace("9-1-5", "9-1-7"), "srcnn-9-1-7-author-t91-x2", "unknown variant '9-1-7'"),
        (NET.replace("scale: 2", "scale: 4").replace("t91", "t92"), None, "9-1-5 author-t91 x4"),
    ],
)
def test_methods_variants_and_weights_that_there_are_not(project, entry, name, fact):
    name = name or "srcnn-9-1-5-author-t92-x4"
    opened = with_run(project, entry, name)
    for stage, run in ((note_weights, name), (upscale_run, opened.run(name))):
        with pytest.raises(WrongUse) as caught:
            stage(opened, run, progress=lambda _: None)
        assert fact in str(caught.value)
