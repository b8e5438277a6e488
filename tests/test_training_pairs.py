"""Training pairs: patches are what cutting and turning whole degraded images gives."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.imaging.color import rgb_to_ycbcr, to_uint8
from sr_bench.imaging.crops import modcrop
from sr_bench.imaging.degrade import degrade
from sr_bench.imaging.resize import imresize
from sr_bench.networks.method import Samples
from sr_bench.support.errors import SrBenchError
from sr_bench.training.pairs import Cut, make_pairs, pair

RULES = load_protocols().degradations
RGB, YCBCR = RULES["rgb-matlab"], RULES["ycbcr-float-replicate"]
EDSR = Samples("rgb", "rgb-matlab")
SRCNN = Samples("y", "ycbcr-float-replicate", enlarged=True, margin=3)

# Flips and turns as NumPy makes them: all 8 of a square, each once.
TURNS = [
    lambda a, k=k, f=f: np.rot90(a[:, ::-1] if f else a, k) for f in (False, True) for k in range(4)
]


def cut(patch, samples=EDSR, rule=RGB, scale=2, *, skip=False):
    return Cut(patch, samples, rule, scale, skip)


def named(images):
    return [f"{i}.png" for i in range(len(images))]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def planes(patch):
    """(C, p, p) in [0, 1] as (p, p, C) on 0..255."""
    return patch.permute(1, 2, 0).double().numpy() * 255


def everywhere(grids, patch, ratio, margin=0):
    """Every position and turn cut by NumPy: bytes of the input patch -> (where, target patch)."""
    found = {}
    for i, (lr, hr) in enumerate(grids):
        for top in range(lr.shape[0] - patch + 1):
            for left in range(lr.shape[1] - patch + 1):
                seen = lr[top : top + patch, left : left + patch]
                side = patch * ratio
                y, x = top * ratio, left * ratio
                whole = hr[y : y + side, x : x + side]
                for t, turn in enumerate(TURNS):
                    target = turn(whole)[margin : side - margin, margin : side - margin]
                    key = np.ascontiguousarray(turn(seen)).tobytes()
                    assert key not in found, "images of noise have no patch twice"
                    found[key] = ((i, top, left, t), target)
    return found


def located(pairs, found, count, dtype, **options):
    """Where each patch of a batch was cut, its target checked against NumPy's."""
    inputs, targets = pairs.batch(count, generator(), **{"augment": True} | options)
    assert inputs.dtype == targets.dtype == torch.float32
    places = []
    for one, other in zip(inputs, targets):
        seen = planes(one)
        seen = np.rint(seen) if dtype == np.uint8 else seen
        place, target = found[np.ascontiguousarray(seen.astype(dtype)).tobytes()]
        np.testing.assert_allclose(planes(other), target, atol=1e-4)
        places.append(place)
    return places


# What a patch is


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_patches_are_cut_and_turned_alike_from_the_whole_degraded_image(picture, scale):
    images = [picture(9 * scale + 1, 8 * scale, 3), picture(7 * scale, 10 * scale + 1, 3)]
    pairs = make_pairs(images, named(images), cut(6, scale=scale))
    grids = [(degrade(i, RGB, scale=scale), modcrop(i, scale)) for i in images]
    found = everywhere(grids, 6, scale)
    places = located(pairs, found, 600, np.uint8)
    assert {t for *_, t in places} == set(range(8))
    assert {p[:3] for p in places} == {p[:3] for p, _ in found.values()}  # corners too
    upright = located(pairs, found, 100, np.uint8, augment=False)
    assert {t for *_, t in upright} == {0}


def test_patches_are_drawn_over_positions_or_over_images(picture):
    images = [picture(20, 12, 3), picture(40, 60, 3)]  # 5 x 1 and 15 x 25 positions
    grids = [(degrade(i, RGB, scale=2), i) for i in images]
    found, drawn = everywhere(grids, 6, 2), {}
    for draw in ("positions", "images"):
        pairs = make_pairs(images, named(images), replace(cut(6), draw=draw))
        places = located(pairs, found, 4000, np.uint8)
        drawn[draw] = np.mean([image == 0 for image, *_ in places])
        of_first = {p[1:3] for p in places if p[0] == 0}
        assert of_first == {(top, 0) for top in range(5)}
    assert drawn["positions"] == pytest.approx(5 / (5 + 15 * 25), abs=0.006)
    assert drawn["images"] == pytest.approx(1 / 2, abs=0.03)


def test_enlarged_inputs_are_imresize_of_the_whole_image_in_floats(picture):
    scale, patch = 3, 12
    images = [picture(20, 23, 3), picture(19, 18, 3)]
    pairs = make_pairs(images, named(images), cut(patch, SRCNN, YCBCR, scale))
    assert pairs.ratio == 1
    whole = []
    for image, shape in zip(images, [(18, 21), (18, 18)]):
        y = to_uint8(rgb_to_ycbcr(image[: shape[0], : shape[1]]))[..., :1]
        lr = degrade(image, YCBCR, scale=scale)
        up = imresize(lr, scale=scale, rounding="none", border="replicate")[..., :1]
        assert up.shape == y.shape == (*shape, 1)
        whole.append((up, y))
    inputs, targets = pairs.batch(300, generator(), augment=True)
    assert inputs.shape == (300, 1, 12, 12) and targets.shape == (300, 1, 6, 6)
    cuts = [
        (turn(up[t : t + patch, x : x + patch]), turn(y[t : t + patch, x : x + patch]))
        for up, y in whole
        for t in range(up.shape[0] - patch + 1)
        for x in range(up.shape[1] - patch + 1)
        for turn in TURNS
    ]
    seen = np.stack([c[0] for c in cuts])  # (N, p, p, 1)
    for one, other in zip(inputs[:80], targets[:80]):
        distance = np.abs(seen - planes(one)).max(axis=(1, 2, 3))
        best = int(distance.argmin())
        assert distance[best] < 1e-3 and np.partition(distance, 1)[1] > 1  # it alone
        np.testing.assert_allclose(planes(other), cuts[best][1][3:-3, 3:-3], atol=1e-4)


def test_enlarged_lr_keeps_its_fractions_and_overshoot(picture):
    image = np.zeros((24, 24), np.uint8)
    image[:, 12:] = 255
    lr, hr = pair(image, SRCNN, YCBCR, 2)
    assert (lr.dtype, hr.dtype) == (np.float32, np.uint8)
    assert lr.min() < -1 and lr.max() > 256
    (grid,) = {lr.shape, hr.shape}
    assert grid == (24, 24, 1)


def test_gray_images_are_their_own_y_or_three_equal_channels(picture):
    gray = picture(12, 14)
    lr, hr = pair(gray, SRCNN, YCBCR, 2)
    assert np.array_equal(hr[..., 0], gray)
    lr, hr = pair(gray, EDSR, RGB, 2)
    assert np.array_equal(hr, np.repeat(gray[..., None], 3, axis=2))
    assert np.array_equal(lr, np.repeat(degrade(gray, RGB, scale=2)[..., None], 3, axis=2))


def test_a_network_of_rgb_on_ycbcr_lr_is_shown_rgb():
    image = np.full((12, 12, 3), [200, 120, 60], np.uint8)
    lr, hr = pair(image, replace(SRCNN, colour="rgb"), YCBCR, 2)
    np.testing.assert_allclose(lr[5, 5], [200, 120, 60], atol=1)  # Y, Cb, Cr were rounded
    assert np.array_equal(hr, image)


def test_a_network_of_ycbcr_is_shown_ycbcr():
    image = np.full((12, 12, 3), [200, 120, 60], np.uint8)
    lr, hr = pair(image, replace(SRCNN, colour="ycbcr"), YCBCR, 2)
    assert np.array_equal(hr, to_uint8(rgb_to_ycbcr(image)))
    np.testing.assert_allclose(lr, hr, atol=1e-3)


# Which patches are drawn


def test_patches_are_drawn_uniformly_over_the_positions_in_all_images(picture):
    images = [picture(16, 16, 3), picture(12, 24, 3), picture(12, 12, 3)]
    pairs = make_pairs(images, named(images), cut(6))
    # lr is 8 x 8, 6 x 12, 6 x 6: 9, 7 and 1 positions
    assert pairs.ends.tolist() == [9, 16, 17]
    grids = [(degrade(i, RGB, scale=2), i) for i in images]
    count = 17 * 8 * 40
    places = located(pairs, everywhere(grids, 6, 2), count, np.uint8)
    kinds = np.unique([p[0] * 1000 + p[1] * 100 + p[2] * 10 + p[3] for p in places])
    assert len(kinds) == 17 * 8
    drawn = np.unique(np.array(places), axis=0, return_counts=True)[1]
    chi2 = float(((drawn - 40) ** 2 / 40).sum())  # 135 degrees of freedom: 135 +- 16
    assert 80 < chi2 < 200


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_parts_of_several_processes_are_the_whole_batch(picture, count):
    images = [picture(20, 24, 3)]
    pairs = make_pairs(images, named(images), cut(5))
    whole = pairs.batch(8, generator(3), augment=True)
    size = 8 // count
    parts = [
        pairs.batch(8, generator(3), augment=True, part=slice(r * size, (r + 1) * size))
        for r in range(count)
    ]
    for side in (0, 1):
        assert torch.equal(torch.cat([p[side] for p in parts]), whole[side])
    other = pairs.batch(8, generator(4), augment=True)
    assert not torch.equal(other[0], whole[0])


# Small images


def test_an_image_smaller_than_a_patch_is_named_with_what_it_needs(picture):
    images = [picture(40, 40, 3), picture(17, 30, 3)]
    with pytest.raises(SrBenchError) as caught:
        make_pairs(images, ["a.png", "b.png"], cut(9))
    for fact in ("b.png: is 30 x 17", "a patch needs 18 pixels", "small_images to skip"):
        assert fact in str(caught.value)
    make_pairs(images, ["a.png", "b.png"], cut(8))  # modcrop leaves 16
    samples = replace(SRCNN, margin=0)
    with pytest.raises(SrBenchError, match="a patch needs 16 pixels"):  # of 15 x 30
        make_pairs(images, ["a.png", "b.png"], cut(16, samples, YCBCR, 3))


def test_small_images_can_be_skipped(picture):
    images = [picture(17, 30, 3), picture(40, 40, 3), picture(30, 17, 3)]
    pairs = make_pairs(images, ["a", "b", "c"], cut(9, skip=True))
    assert pairs.names == ("b",)
    assert pairs.ends.tolist() == [12 * 12]
    with pytest.raises(SrBenchError, match="no image holds a patch of 30 pixels; make the patch"):
        make_pairs(images, ["a", "b", "c"], cut(30, skip=True))


def test_an_image_smaller_than_the_modcrop_is_small_too(picture):
    images = [picture(40, 40, 3), picture(3, 40, 3)]
    assert make_pairs(images, ["a", "b"], cut(4, scale=4, skip=True)).names == ("a",)
    with pytest.raises(SrBenchError, match="b: is 40 x 3"):
        make_pairs(images, ["a", "b"], cut(4, scale=4))


def test_a_patch_that_leaves_no_target_is_refused(picture):
    with pytest.raises(SrBenchError, match="patch"):
        make_pairs([picture(40, 40, 3)], ["a"], cut(6, SRCNN, YCBCR, 2))


@pytest.mark.parametrize("colour", ["y", "ycbcr"])
def test_planes_that_the_degradation_does_not_make_are_refused(picture, colour):
    with pytest.raises(SrBenchError, match="rgb"):
        make_pairs([picture(40, 40, 3)], ["a"], cut(6, Samples(colour, "rgb-matlab"), RGB, 2))
