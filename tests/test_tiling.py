"""Tiles: the model sees a part of lr at a time, and the whole comes out."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.evaluation.upscaling.upscale import upscale_run
from sr_bench.imaging import images
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.method import Setup
from sr_bench.networks.method_files import load_method
from sr_bench.project.entries import Run
from sr_bench.project.project import Project
from sr_bench.support.errors import SrBenchError, WrongUse

ROOT = Path(__file__).resolve().parent.parent
DEGRADATIONS = load_protocols().bicubic
RGB = DEGRADATIONS["rgb-matlab"]
SIZES = [(1, 1), (5, 40), (16, 16), (17, 23), (33, 15), (31, 50)]


class Net:
    """Two convolutions on lr and one on sr: 1 + 2 + a part of 1 lr pixels away.

    It computes in float64, so that a tile and the whole image differ by float32's last bit alone.
    """

    reach = 4

    def __init__(self, scale, channels=3, colour="rgb"):
        rng = torch.Generator().manual_seed(3)
        self.scale, self.colour = scale, colour

        def weights(out, into, size):
            bound = (into * size * size) ** -0.5
            shape = (out, into, size, size)
            return (torch.rand(shape, dtype=torch.float64, generator=rng) * 2 - 1) * bound

        self.first = weights(8, channels, 3)
        self.second = weights(channels * scale**2, 8, 5)
        self.third = weights(channels, channels, 3)
        self.seen = []

    def __call__(self, lr):
        self.seen.append(tuple(lr.shape))
        x = functional.relu(functional.conv2d(lr.double(), self.first, padding=1) + 0.3)
        x = functional.conv2d(x, self.second, padding=2)
        x = functional.pixel_shuffle(x, self.scale)
        return functional.conv2d(x, self.third, padding=1).float()


def both(model, lr, tile, scale, degradation=RGB):
    """(whole, tiled) as fractions of the range."""
    whole = Upscaler("mine", model, degradation, scale).unrounded(lr)
    tiled = Upscaler("mine", model, degradation, scale, tile=tile).unrounded(lr)
    return whole / 255, tiled / 255


def assert_float32_equal(found, expected):
    """What is computed in float64 and handed on as float32 differs by its last bit at most."""
    bit = np.finfo(np.float32).eps * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=bit)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("tile", [16, 64])
@pytest.mark.parametrize("size", SIZES)
def test_tiles_give_what_the_whole_image_gives(picture, size, tile, scale):
    whole, tiled = both(Net(scale), picture(*size, 3), tile, scale)
    assert whole.shape == (size[0] * scale, size[1] * scale, 3) and np.ptp(whole) > 0.01
    assert_float32_equal(tiled, whole)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("colour", ["y", "any"])
def test_tiles_of_one_plane(picture, colour, scale):
    model = Net(scale, channels=1, colour=colour)
    whole, tiled = both(model, picture(30, 41), 16, scale)
    assert whole.shape == (30 * scale, 41 * scale)
    assert_float32_equal(tiled, whole)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", [(17, 23), (5, 40)])
def test_a_reach_that_is_one_too_small_shows(picture, size, scale):
    model = Net(scale)
    model.reach = 3
    whole, tiled = both(model, picture(*size, 3), 16, scale)
    assert np.abs(tiled - whole).max() > 1e-4


def bicubic(degradation, scale):
    method = load_method(ROOT / "methods/bicubic.py")
    return method.load(Setup("", "none", None, scale, DEGRADATIONS[degradation]))


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("degradation", sorted(DEGRADATIONS))
def test_bicubic_tiles_exactly(picture, degradation, scale):
    """Mirrored and repeated borders, and every way to round."""
    for size in SIZES:
        model, rule = bicubic(degradation, scale), DEGRADATIONS[degradation]
        whole, tiled = both(model, picture(*size, 3), 16, scale, rule)
        assert_float32_equal(tiled, whole)


@pytest.mark.parametrize("degradation", ["rgb-matlab", "ycbcr-float-replicate"])
def test_bicubic_reaches_no_less(picture, degradation):
    model = bicubic(degradation, 2)
    model.reach = 1
    whole, tiled = both(model, picture(17, 23, 3), 16, 2, DEGRADATIONS[degradation])
    assert np.abs(tiled - whole).max() > 1e-3


def test_the_model_sees_a_tile_and_its_surroundings_at_most(picture):
    model = Net(2)
    Upscaler("mine", model, RGB, 2, tile=16)(picture(100, 33, 3))
    assert len(model.seen) == 7 * 3
    assert max(h for _, _, h, _ in model.seen) == 15 + 8  # 100 = 14 + 14 + 14 + 14 + 14 + 15 + 15
    assert max(w for *_, w in model.seen) == 11 + 8
    assert min(h for _, _, h, _ in model.seen) == 14 + 4  # cut at the image's edge
    model.seen.clear()
    Upscaler("mine", model, RGB, 2, tile=100)(picture(100, 33, 3))
    assert model.seen == [(1, 3, 100, 33)]


def test_tiles_inside_a_self_ensemble(picture):
    lr, model = picture(23, 34, 3), Net(3)
    whole = Upscaler("mine", model, RGB, 3, ensemble=True).unrounded(lr)
    model.seen.clear()
    tiled = Upscaler("mine", model, RGB, 3, ensemble=True, tile=16).unrounded(lr)
    assert len(model.seen) == 8 * 2 * 3
    assert_float32_equal(tiled, whole)


def test_every_tile_is_checked(picture):
    class Late(Net):
        def __call__(self, lr):
            sr = super().__call__(lr)
            return sr * float("nan") if len(self.seen) == 3 else sr

    with pytest.raises(SrBenchError, match=r"mine: \d+ of \d+ returned values are NaN or infinite"):
        Upscaler("mine", Late(2), RGB, 2, tile=16)(picture(31, 31, 3))


class Unreachable:
    colour = "any"

    def __call__(self, lr):
        return lr.repeat_interleave(2, 2).repeat_interleave(2, 3)


@pytest.mark.parametrize("reach", [None, -1, 2.5, True, "4"])
def test_a_model_that_does_not_tell_its_reach(picture, reach):
    model = Unreachable()
    Upscaler("mine-x2", model, RGB, 2)(picture(5, 7))  # needs none
    if reach is not None:
        model.reach = reach
    with pytest.raises(SrBenchError) as caught:
        Upscaler("mine-x2", model, RGB, 2, tile=32)
    for fact in ("mine-x2: tile is 32", f"reach is {reach!r}", "set `reach`", "take `tile` out"):
        assert fact in str(caught.value)


# A run of a project


def with_run(project, entry, name="bicubic-x2"):
    params = project / "params.yaml"
    head, _ = params.read_text().split("runs:\n")
    params.write_text(f"{head}runs:\n  {name}: {{method: bicubic, {entry}}}\n")
    return Project.load(project)


PARTS = "scale: 2, protocols: [edsr-2017, srcnn-2015]"


def test_a_tiled_run_writes_the_same_images(project):
    upscale_run(opened := Project.load(project), opened.run("bicubic-x2"), progress=lambda _: None)
    folder = project / "build/sr/bicubic-x2"
    whole = {p: images.read(p) for p in folder.rglob("*.png")}
    opened = with_run(project, f"{PARTS}, tile: 16")
    assert opened.run("bicubic-x2").tile == 16
    upscale_run(opened, opened.run("bicubic-x2"), progress=lambda _: None)
    assert len(whole) == 4
    assert all(np.array_equal(images.read(p), image) for p, image in whole.items())


def test_a_run_is_not_tiled_unless_it_says_so():
    assert Run(method="bicubic", scale=2, protocols=("edsr-2017",)).tile is None


@pytest.mark.parametrize(
    ("tile", "fact"),
    [
        ("8", "greater than or equal to 16, but it is 8"),
        ("0", "greater than or equal to 16, but it is 0"),
        ("-32", "greater than or equal to 16, but it is -32"),
        ("64.0", "valid integer, but it is 64.0"),
        ("'64'", "valid integer, but it is '64'"),
        ("true", "valid integer, but it is True"),
        ("[64, 64]", "valid integer, but it is [64, 64]"),
    ],
)
def test_a_wrong_tile(project, tile, fact):
    with pytest.raises(WrongUse) as caught:
        with_run(project, f"{PARTS}, tile: {tile}")
    assert "params.yaml: runs.bicubic-x2.tile: " in str(caught.value)
    assert fact in str(caught.value)
