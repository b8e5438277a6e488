"""Scoring: one pair by hand under each protocol, folders, and a run of a project."""

import shutil
from functools import partial

import numpy as np
import pandas as pd
import pytest

from sr_bench.data.catalogue.protocols import find_protocol, load_protocols
from sr_bench.evaluation.metrics import ssim
from sr_bench.evaluation.scoring import planes
from sr_bench.evaluation.scoring.run import score_run
from sr_bench.evaluation.scoring.score import Pair, read_pair, score_each, score_images, score_pair
from sr_bench.evaluation.scoring.table import IMAGE_COLUMNS, require_one_signature
from sr_bench.evaluation.upscaling.upscale import upscale_run
from sr_bench.imaging import images
from sr_bench.imaging.color import rgb_to_ycbcr, to_uint8, ycbcr_to_rgb
from sr_bench.project.project import Project
from sr_bench.support.errors import SrBenchError, WrongUse

PROTOCOLS = sorted(load_protocols().protocols)
LUMA = np.array([65.481, 128.553, 24.966]) / 255


def db(sr, hr):
    return 10 * np.log10(255**2 / np.mean((sr.astype(float) - hr.astype(float)) ** 2))


def luma(rgb):
    return rgb.astype(float) @ LUMA + 16


def inside(border, *planes):
    return [p[border:-border, border:-border] for p in planes]


@pytest.fixture
def pair(picture):
    """``pair(h, w[, 3])``: hr, and sr as hr with noise of up to 20 levels."""

    def make(*shape):
        hr = picture(*shape)
        noise = np.random.default_rng(8).integers(-20, 21, shape)
        return np.clip(hr + noise, 0, 255).astype(np.uint8), hr

    return make


# One pair, against values computed here from the protocol's definition


def test_edsr_2017_is_unrounded_luma_inside_the_border(pair):
    sr, hr = pair(48, 60, 3)
    found = score_pair(Pair(sr, hr, "rgb"), find_protocol("edsr-2017"), scale=4)
    a, b = inside(4, luma(sr), luma(hr))
    assert found == {
        "psnr": pytest.approx(db(a, b), abs=1e-9),
        "ssim": pytest.approx(ssim(a, b, data_range=255), abs=1e-9),
    }


def test_edsr_div2k_is_rgb_inside_a_wider_border(pair):
    sr, hr = pair(48, 60, 3)
    found = score_pair(Pair(sr, hr, "rgb"), find_protocol("edsr-div2k"), scale=4)
    a, b = inside(10, sr, hr)
    assert found["psnr"] == pytest.approx(db(a, b), abs=1e-9)


def test_basicsr_cuts_hr_to_a_multiple_of_12(pair):
    sr, hr = pair(53, 71, 3)
    cut = sr[:48, :60]
    found = score_pair(Pair(cut, hr, "rgb"), find_protocol("basicsr-rgb"), scale=2)
    a, b = inside(2, cut, hr[:48, :60])
    assert found["psnr"] == pytest.approx(db(a, b), abs=1e-9)
    a, b = inside(2, luma(cut), luma(hr[:48, :60]))
    assert score_pair(Pair(cut, hr, "rgb"), find_protocol("basicsr-y"), scale=2)[
        "psnr"
    ] == pytest.approx(db(a, b))


def test_mmediting_2020_has_the_blue_channel_alone_too(pair):
    sr, hr = pair(48, 60, 3)
    found = score_pair(Pair(sr, hr, "rgb"), find_protocol("mmediting-2020"), scale=3)
    a, b = inside(3, sr, hr)
    each = [ssim(a[..., c], b[..., c], data_range=255) for c in range(3)]
    assert found["psnr"] == pytest.approx(db(a, b), abs=1e-9)
    assert found["ssim"] == pytest.approx(np.mean(each), abs=1e-12)
    assert found["ssim_blue"] == pytest.approx(each[2], abs=1e-12)


def test_srcnn_2015_rounds_luma_and_scores_chroma(pair):
    sr, hr = pair(48, 60, 3)
    found = score_pair(Pair(sr, hr, "rgb"), find_protocol("srcnn-2015"), scale=3)
    a, b = inside(3, np.floor(luma(sr) + 0.5), np.floor(luma(hr) + 0.5))
    assert found["psnr"] == found["psnr_y"] == pytest.approx(db(a, b), abs=1e-9)
    assert found["ssim"] == pytest.approx(ssim(a, b, data_range=255), abs=1e-9)
    a, b = inside(3, *(to_uint8(rgb_to_ycbcr(x)) for x in (sr, hr)))
    assert found["psnr_cb"] == pytest.approx(db(a[..., 1], b[..., 1]))
    assert found["psnr_cr"] == pytest.approx(db(a[..., 2], b[..., 2]))
    assert found["psnr_ycbcr"] == pytest.approx(db(a, b))
    assert found["psnr_rgb"] == pytest.approx(db(*inside(3, sr, hr)))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_one_pixel_inside_the_border_counts_and_one_outside_does_not(picture, protocol):
    hr = picture(48, 48, 3) // 2
    border = find_protocol(protocol).crop.pixels(2)
    outside, within = hr.copy(), hr.copy()
    if border:
        outside[border - 1] += 9
    within[border] += 9
    assert score_pair(Pair(outside, hr, "rgb"), find_protocol(protocol), scale=2)["psnr"] == float(
        "inf"
    )
    assert score_pair(Pair(within, hr, "rgb"), find_protocol(protocol), scale=2)["psnr"] < 60


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("shape", [(48, 60), (48, 60, 3)])
def test_identical_images_are_inf_and_1(picture, protocol, shape):
    hr = picture(*shape)
    for metric, value in score_pair(Pair(hr, hr, "rgb"), find_protocol(protocol), scale=4).items():
        assert value == (pytest.approx(1) if metric.startswith("ssim") else float("inf"))


# Gray images


def test_a_gray_pair_is_its_own_luma_in_the_oldest_tables(pair):
    sr, hr = pair(48, 60)
    found = score_pair(Pair(sr, hr, "rgb"), find_protocol("srcnn-2015"), scale=2)
    assert found["psnr"] == found["psnr_y"] == pytest.approx(db(*inside(2, sr, hr)), abs=1e-9)
    assert set(found) == {"psnr", "ssim", "psnr_y"}


@pytest.mark.parametrize("protocol", ["edsr-2017", "basicsr-y"])
def test_a_gray_pair_is_three_equal_channels_whose_y_is_scored(pair, protocol):
    sr, hr = pair(48, 60)
    found = score_pair(Pair(sr, hr, "rgb"), find_protocol(protocol), scale=2)
    own = db(*inside(2, sr, hr))
    assert found["psnr"] == pytest.approx(own + 20 * np.log10(255 / 219), abs=1e-9)
    y = [luma(np.repeat(image[..., None], 3, axis=2)) for image in inside(2, sr, hr)]
    assert found["ssim"] == pytest.approx(ssim(*y, data_range=255), abs=1e-12)


def test_the_two_readings_of_gray_never_share_a_table(pair):
    signatures = [find_protocol(p).signature for p in ("srcnn-2015", "edsr-2017", "basicsr-y")]
    assert ["gray.own-y" in s for s in signatures] == [True, False, False]
    assert ["version:2|" in s and "gray.rgb" in s for s in signatures] == [False, True, True]
    first = signatures[1].replace("version:2", "version:1").replace("+gray.rgb", "")
    both = pd.DataFrame({"signature": [first, signatures[1]]})
    with pytest.raises(ValueError, match=r"a table would mix 2 signatures: .*version:1.*version:2"):
        require_one_signature(both, "a table")


def test_a_gray_pair_on_rgb_is_three_equal_channels(pair):
    sr, hr = pair(48, 60)
    found = score_pair(Pair(sr, hr, "rgb"), find_protocol("mmediting-2020"), scale=2)
    assert found["psnr"] == pytest.approx(db(*inside(2, sr, hr)), abs=1e-9)
    assert found["ssim_blue"] == pytest.approx(found["ssim"], abs=1e-12)


def test_three_equal_channels_of_sr_score_as_gray_against_gray(pair):
    sr, hr = pair(48, 60)
    three = np.repeat(sr[..., None], 3, axis=2)
    one = score_pair(Pair(sr, hr, "rgb"), find_protocol("edsr-2017"), scale=2)
    assert score_pair(Pair(three, hr, "rgb"), find_protocol("edsr-2017"), scale=2) == pytest.approx(
        one
    )


def test_gray_sr_of_rgb_hr_is_luma_for_srcnn_2015_and_refused_elsewhere(pair):
    sr, hr = pair(48, 60, 3)
    y = np.floor(luma(sr) + 0.5).astype(np.uint8)
    found = score_pair(Pair(y, hr, "rgb"), find_protocol("srcnn-2015"), scale=2)
    assert (
        found["psnr"]
        == score_pair(Pair(sr, hr, "rgb"), find_protocol("srcnn-2015"), scale=2)["psnr"]
    )
    assert set(found) == {"psnr", "ssim", "psnr_y"}
    for protocol in (p for p in PROTOCOLS if find_protocol(p).degradation.colour != "ycbcr"):
        with pytest.raises(ValueError, match=f"sr is gray, hr is RGB; {protocol} .*save sr as RGB"):
            score_pair(Pair(y, hr, "rgb"), find_protocol(protocol), scale=2)


# Planes that the PNG says are Y, Cb, Cr


def test_a_tagged_png_is_scored_as_the_planes_it_holds(tmp_path, pair):
    sr, hr = pair(48, 60, 3)
    planes = to_uint8(rgb_to_ycbcr(sr))
    images.write(tmp_path / "tagged.png", planes, colour="ycbcr")
    images.write(tmp_path / "untagged.png", planes)
    images.write(tmp_path / "hr.png", hr)
    tagged = read_pair(tmp_path / "tagged.png", tmp_path / "hr.png")
    found = score_pair(tagged, find_protocol("srcnn-2015"), scale=3)
    a, b = inside(3, planes, to_uint8(rgb_to_ycbcr(hr)))
    assert found["psnr_y"] == pytest.approx(db(a[..., 0], b[..., 0]))
    assert found["psnr_ycbcr"] == pytest.approx(db(a, b))
    assert found["psnr_rgb"] == pytest.approx(db(*inside(3, to_uint8(ycbcr_to_rgb(planes)), hr)))
    untagged = read_pair(tmp_path / "untagged.png", tmp_path / "hr.png")
    assert score_pair(untagged, find_protocol("srcnn-2015"), scale=3)["psnr"] < found["psnr"] - 3


# What doesn't fit


def test_sr_of_the_wrong_size_names_both_sizes(picture):
    sr, hr = picture(48, 60, 3), picture(50, 61, 3)
    both = r"sr is \(48, 60\), hr is \(50, 60\) after edsr-2017 cut \(50, 61\);"
    with pytest.raises(ValueError, match=both):
        score_pair(Pair(sr, hr, "rgb"), find_protocol("edsr-2017"), scale=2)
    with pytest.raises(ValueError, match=r"sr is \(48, 60\), hr is \(50, 60\); .*check the scale"):
        score_pair(Pair(sr, hr[:, :60], "rgb"), find_protocol("edsr-2017"), scale=2)


def test_hr_that_scale_does_not_divide_is_cut_as_its_lr_was(pair):
    sr, hr = pair(50, 61, 3)
    whole = score_pair(Pair(sr[:48, :60], hr, "rgb"), find_protocol("edsr-2017"), scale=4)
    assert whole == score_pair(
        Pair(sr[:48, :60], hr[:48, :60], "rgb"), find_protocol("edsr-2017"), scale=4
    )
    with pytest.raises(ValueError, match=r"sr is \(50, 61\), hr is \(48, 60\)"):
        score_pair(Pair(sr, hr, "rgb"), find_protocol("edsr-2017"), scale=4)


@pytest.mark.parametrize(
    ("size", "fact"),
    [
        (16, "edsr-div2k crops 8 from each side and leaves nothing"),
        (24, "the SSIM window is 11 x 11"),
        (1, "smaller than 2, the multiple it must be cut to"),
    ],
)
def test_images_that_are_too_small(picture, size, fact):
    image = picture(size, size, 3)
    with pytest.raises(ValueError, match=fact):
        score_pair(Pair(image, image, "rgb"), find_protocol("edsr-div2k"), scale=2)


def test_an_unknown_protocol_suggests_near_ones(picture):
    image = picture(24, 24, 3)
    with pytest.raises(WrongUse, match=r"unknown protocol 'edsr-2018' .*edsr-2017"):
        score_pair(Pair(image, image, "rgb"), find_protocol("edsr-2018"), scale=2)


# Many pairs


def test_rows_come_in_order_and_do_not_depend_on_how_many_are_scored(pair):
    pairs = {n: Pair(*pair(48, 60, 3), "rgb") for n in "cab"}
    jobs = [(n, partial(lambda p: p, p)) for n, p in pairs.items()]
    table = score_images(jobs, [find_protocol("edsr-2017"), find_protocol("basicsr-rgb")], scale=2)
    assert list(table["image"]) == [n for n in "cab" for _ in range(4)]
    assert list(table["protocol"][:4]) == ["edsr-2017"] * 2 + ["basicsr-rgb"] * 2
    assert set(table["signature"]) == {
        find_protocol(p).signature for p in ("edsr-2017", "basicsr-rgb")
    }
    alone = score_images(
        jobs[:1], [find_protocol("edsr-2017"), find_protocol("basicsr-rgb")], scale=2
    )
    assert list(alone["value"]) == list(table["value"][:4])


def test_a_pair_that_does_not_fit_is_named_with_its_file(tmp_path, picture):
    images.write(tmp_path / "sr" / "a_x2.png", picture(24, 24, 3))
    images.write(tmp_path / "hr" / "a.png", picture(30, 30, 3))
    jobs = [("a", partial(read_pair, tmp_path / "sr/a_x2.png", tmp_path / "hr/a.png"))]
    with pytest.raises(SrBenchError, match=r"^a \(.*sr/a_x2\.png\): sr is \(24, 24\), hr is \(30"):
        score_images(jobs, [find_protocol("edsr-2017")], scale=2)


# A run of a project


@pytest.fixture
def upscaled(project):
    opened = Project.load(project)
    upscale_run(opened, opened.run("bicubic-x2"), progress=lambda _: None)
    return opened


def test_a_run_is_scored_under_each_protocol(upscaled):
    table = score_run(upscaled, upscaled.run("bicubic-x2"))
    assert list(table.columns) == IMAGE_COLUMNS
    counts = table.groupby(["protocol", "image"]).size().to_dict()
    assert counts == {
        ("edsr-2017", "colour"): 2,
        ("edsr-2017", "gray"): 2,
        ("srcnn-2015", "colour"): 7,
        ("srcnn-2015", "gray"): 3,
    }
    assert set(table["run"]) == {"bicubic-x2"}
    assert upscaled.scores("bicubic-x2").is_file()
    sr = upscaled.sr("bicubic-x2", "rgb-matlab", "Set5") / "colour.png"
    alone = score_pair(
        read_pair(sr, upscaled.data / "Set5/colour.png"), find_protocol("edsr-2017"), scale=2
    )
    rows = table[(table["protocol"] == "edsr-2017") & (table["image"] == "colour")]
    assert dict(zip(rows["metric"], rows["value"])) == pytest.approx(alone, rel=0, abs=6e-11)


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (lambda f: (f / "gray.png").unlink(), r"has 1 images, Set5 has 2 \(missing: gray\.png;"),
        (lambda f: shutil.copy(f / "gray.png", f / "x.png"), r"has 3 .*not of the set: x\.png\)"),
        (lambda f: shutil.rmtree(f), "has 0 images, Set5 has 2"),
        (lambda f: shutil.copy(f / "gray.png", f / "colour.png"), r"colour\.png\): sr is \(34, 44"),
        (lambda f: (f / "gray.png").write_bytes(b"\x89PNG"), r"gray\.png: .* truncated or damaged"),
    ],
    ids=["missing", "extra", "none", "other size", "truncated"],
)
def test_a_run_whose_images_do_not_fit_keeps_its_old_scores(upscaled, change, fact):
    score_run(upscaled, upscaled.run("bicubic-x2"))
    before = upscaled.scores("bicubic-x2").read_bytes()
    change(upscaled.sr("bicubic-x2", "rgb-matlab", "Set5"))
    with pytest.raises(SrBenchError, match=fact):
        score_run(upscaled, upscaled.run("bicubic-x2"))
    assert upscaled.scores("bicubic-x2").read_bytes() == before


def test_a_run_names_every_bad_image_of_every_dataset(upscaled):
    for name in ("gray.png", "colour.png"):
        for folder in {p.parent for p in (upscaled.root / "build/sr").rglob(name)}:
            (folder / name).write_bytes(b"<html>")
    with pytest.raises(SrBenchError) as caught:
        score_run(upscaled, upscaled.run("bicubic-x2"))
    message = str(caught.value)
    for fact in ("rgb-matlab", "2 of 2 images", "gray.png: not an image but an HTML page"):
        assert fact in message
    degradations = {p.parent.parent.name for p in (upscaled.root / "build/sr").rglob("gray.png")}
    assert len(degradations) == 2
    assert message.count("colour.png: not an image") == message.count("gray.png: not") == 2
    assert not upscaled.scores("bicubic-x2").exists()


def test_hidden_files_among_the_images_of_a_run_are_ignored(upscaled):
    folder = upscaled.sr("bicubic-x2", "rgb-matlab", "Set5")
    (folder / "._gray.png").write_bytes(b"\0\5\26\7")
    assert len(score_run(upscaled, upscaled.run("bicubic-x2")))


def test_good_images_are_scored_beside_bad_ones_and_all_bad_ones_are_named(pair):
    def broken(name):
        raise SrBenchError(f"{name}.png is damaged")

    def huge():
        raise MemoryError

    good, small = pair(24, 24, 3), pair(2, 2, 3)
    jobs = [
        ("a", partial(broken, "a")),
        ("b", lambda: Pair(*good, "rgb")),
        ("c", lambda: Pair(*small, "rgb", "c.png")),
        ("d", huge),
        ("e", lambda: Pair(*good, "rgb")),
    ]
    scored = score_each(jobs, [find_protocol("edsr-2017")], scale=2)
    assert list(scored.rows["image"].unique()) == ["b", "e"]
    assert [f.item for f in scored.failed] == ["a", "c", "d"]
    for fact in ("3 of 5 images", "a.png is damaged", "c (c.png): ", "d: not enough memory"):
        assert fact in scored.refusal
    with pytest.raises(SrBenchError, match="3 of 5 images could not be scored"):
        scored.whole()
    whole = score_each(jobs[1:2], [find_protocol("edsr-2017")], scale=2)
    assert whole.whole().equals(score_images(jobs[1:2], [find_protocol("edsr-2017")], scale=2))


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("shape", [(150, 61, 3), (150, 61)])
def test_y_of_a_large_image_is_made_row_by_row_to_the_same_scores(name, shape, pair, monkeypatch):
    sr, hr = pair(*shape)
    rule = find_protocol(name)
    if not rule.degradation.defined_at(4):
        pytest.skip(f"{name} has no x4")
    sr, hr = sr[:144, :60], hr[:144, :60]
    whole = score_pair(Pair(sr, hr, "rgb"), rule, scale=4)
    monkeypatch.setattr(planes, "_LARGE", 0)
    assert score_pair(Pair(sr, hr, "rgb"), rule, scale=4) == whole
