"""The registry: each deviation changes one thing, and costs what the field pays for it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from skimage import color as skcolor
from skimage.metrics import structural_similarity

from sr_bench.analysis.explain.deviations import DEVIATIONS
from sr_bench.analysis.explain.making import bicubic, shrunk
from sr_bench.analysis.explain.measure import Made, planes, pooled
from sr_bench.analysis.explain.resizers import half_shifted, resized
from sr_bench.analysis.explain.similarity import similarity
from sr_bench.analysis.explain.way import Way
from sr_bench.data.catalogue.protocols import find_protocol, load_protocols
from sr_bench.evaluation.scoring.score import Pair, score_pair
from sr_bench.imaging import images
from sr_bench.imaging.degrade import degrade

Picture = Callable[..., np.ndarray]
PROTOCOLS = list(load_protocols().protocols)
MAKE_LR = [name for name in PROTOCOLS if find_protocol(name).degradation.made]
BY_NAME = {d.name: d for d in DEVIATIONS}


@pytest.fixture(scope="module")
def smooth() -> np.ndarray:
    """A colour picture of 96 x 120 with edges and gradients, as photographs have."""
    y, x = np.mgrid[0:96, 0:120]
    waves = [np.sin(x / 7) * np.cos(y / 9), np.sin((x + y) / 5), (x > 60) ^ (y > 40)]
    return np.stack([40 + 60 * i + 50 * w for i, w in enumerate(waves)], -1).astype(np.uint8)


def changed(name: str, protocol: str, metric: str = "psnr") -> Way:
    way = BY_NAME[name].applied(Way.of(find_protocol(protocol)), metric)
    assert way is not None
    return way


def value(name: str | None, protocol: str, hr: np.ndarray, metric: str = "psnr") -> float:
    way = Way.of(find_protocol(protocol)) if name is None else changed(name, protocol, metric)
    made = bicubic(hr, way, scale=2)
    assert made is not None
    found = made.value(way, metric, scale=2)
    assert found is not None
    return found


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("shape", [(48, 60, 3), (48, 60)], ids=["colour", "gray"])
def test_a_way_without_deviations_is_the_protocol(
    protocol: str, shape: tuple[int, ...], picture: Picture
) -> None:
    sr, hr = picture(*shape), picture(*shape)
    expected = score_pair(Pair(sr, hr, "rgb"), find_protocol(protocol), scale=2)
    made = Made(sr, hr, "rgb")
    ssim = find_protocol(protocol).printed_ssim
    assert made.value(Way.of(find_protocol(protocol)), "psnr", scale=2) == expected["psnr"]
    assert made.value(Way.of(find_protocol(protocol)), "ssim", scale=2) == expected[ssim]


def test_planes_stored_as_ycbcr_are_scored_as_the_protocol_does(picture: Picture) -> None:
    sr, hr = picture(48, 60, 3), picture(48, 60, 3)
    expected = score_pair(Pair(sr, hr, "ycbcr"), find_protocol("srcnn-2015"), scale=2)
    made = Made(sr, hr, "ycbcr")
    assert made.value(Way.of(find_protocol("srcnn-2015")), "psnr", scale=2) == expected["psnr"]
    assert made.value(changed("rgb", "srcnn-2015"), "psnr", scale=2) == expected["psnr_rgb"]


def test_names_and_texts_are_unique() -> None:
    assert len({d.name for d in DEVIATIONS}) == len({d.text for d in DEVIATIONS}) == len(DEVIATIONS)


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda d: d.name)
def test_each_applies_somewhere_and_changes_one_part(deviation) -> None:  # type: ignore[no-untyped-def]
    applied = 0
    for protocol in PROTOCOLS:
        base = Way.of(find_protocol(protocol))
        way = deviation.applied(base, deviation.metric or "psnr")
        if way is None:
            continue
        applied += 1
        rule = way.protocol.model_copy(update={"degradation": base.degradation})
        is_other = {
            "rule": rule != base.protocol,
            "scoring": way.scoring != base.scoring,
            "degradation": way.degradation != base.degradation,
            "making": way.making != base.making,
        }
        differing = [part for part, other in is_other.items() if other]
        assert len(differing) == 1
        assert (differing[0] in ("degradation", "making")) == (deviation.kind == "making")
    assert applied


def test_where_a_protocol_does_it_already_it_is_no_deviation() -> None:
    assert BY_NAME["rgb"].applied(Way.of(find_protocol("basicsr-rgb")), "psnr") is None
    assert BY_NAME["crop-scale"].applied(Way.of(find_protocol("edsr-2017")), "psnr") is None
    assert BY_NAME["pool-mse"].applied(Way.of(find_protocol("edsr-2017")), "ssim") is None
    assert changed("modcrop-12", "edsr-2017").key == Way.of(find_protocol("basicsr-y")).key


def test_directions_on_a_made_up_picture(smooth: np.ndarray) -> None:
    base = value(None, "edsr-2017", smooth)
    full_range = 20 * np.log10(219 / 255)  # -1.32 dB: errors are 255/219 times as large
    assert value("yiq", "edsr-2017", smooth) == pytest.approx(base + full_range, abs=0.01)
    assert value("range-219", "edsr-2017", smooth) == pytest.approx(base + full_range, abs=1e-9)
    assert value("range-1", "edsr-2017", smooth) == pytest.approx(base - 48.1308, abs=1e-4)
    assert 0 < value("mistyped", "edsr-2017", smooth) - base < 0.2
    assert 0 < abs(value("y-uint8", "edsr-2017", smooth) - base) < 0.3
    for worse in ("rgb", "swap-sr", "half-shift", "lr-uncentred"):
        assert value(worse, "edsr-2017", smooth) < base - 0.5
    for small in ("round-once", "round-none", "border-replicate", "sr-truncated", "lr-pillow"):
        assert 0 < abs(value(small, "edsr-2017", smooth) - base) < 0.7


def test_of_identical_images_nothing_but_misplacement_is_lost(picture: Picture) -> None:
    hr = picture(48, 60, 3)
    made = Made(hr, hr, "rgb")
    assert made.value(changed("yiq", "edsr-2017"), "psnr", scale=2) == float("inf")
    shifted = made.value(changed("half-shift", "edsr-2017"), "psnr", scale=2)
    swapped = made.value(changed("swap-sr", "edsr-2017"), "psnr", scale=2)
    assert shifted is not None and swapped is not None
    assert shifted < 40 and swapped < 40


def test_a_way_that_does_not_fit_the_images_has_no_value(picture: Picture) -> None:
    made = Made(picture(46, 58, 3), picture(46, 58, 3), "rgb")
    assert made.value(Way.of(find_protocol("edsr-2017")), "psnr", scale=2) is not None
    assert (
        made.value(Way.of(find_protocol("basicsr-y")), "psnr", scale=2) is None
    )  # hr is cut to 36 x 48
    assert made.value(changed("crop-scale-6", "edsr-2017"), "psnr", scale=20) is None
    y_alone = Made(picture(46, 58), picture(46, 58, 3), "rgb")
    assert y_alone.value(Way.of(find_protocol("srcnn-2015")), "psnr", scale=2) is not None
    assert y_alone.value(changed("rgb", "srcnn-2015"), "psnr", scale=2) is None


def test_gray_images_as_rgb_shrink_their_errors(picture: Picture) -> None:
    made = Made(picture(48, 60), picture(48, 60), "rgb")
    for own, as_rgb in (
        (Way.of(find_protocol("srcnn-2015")), changed("gray-rgb", "srcnn-2015")),
        (changed("gray-own-y", "edsr-2017"), Way.of(find_protocol("edsr-2017"))),
    ):
        smaller = made.value(as_rgb, "ssim", scale=2)
        assert smaller is not None
        assert smaller != made.value(own, "ssim", scale=2)
    own_y = made.value(changed("gray-own-y", "edsr-2017"), "psnr", scale=2)
    assert own_y is not None
    as_rgb_y = made.value(Way.of(find_protocol("edsr-2017")), "psnr", scale=2)
    assert as_rgb_y == pytest.approx(own_y + 20 * np.log10(255 / 219), abs=1e-6)


def test_the_mean_mse_lies_below_the_mean_psnr() -> None:
    way = changed("pool-mse", "edsr-2017")
    assert pooled([30.0, 40.0], Way.of(find_protocol("edsr-2017")), "psnr") == 35.0
    assert pooled([30.0, 40.0], way, "psnr") == pytest.approx(-10 * np.log10((1e-3 + 1e-4) / 2))
    assert pooled([0.5, 0.7], way, "ssim") == pytest.approx(0.6)


def test_luma_equals_scikit_image(picture: Picture) -> None:
    rgb = picture(20, 30, 3)
    for name, function in (
        ("yiq", lambda v: skcolor.rgb2yiq(v)[..., 0]),
        ("bt709", skcolor.rgb2gray),
    ):
        ours = planes(rgb, rgb, "rgb", changed(name, "edsr-2017"))[0]
        np.testing.assert_allclose(ours, 255 * function(rgb), atol=1e-3)


def test_flat_ssim_equals_scikit_image(picture: Picture) -> None:
    sr, hr = picture(40, 50, 3), picture(40, 50, 3)
    expected = structural_similarity(sr, hr, channel_axis=2, data_range=255)
    assert similarity(sr, hr, "uniform", data_range=255) == pytest.approx(expected, abs=1e-12)


def test_torch_bicubic_equals_torch(picture: Picture) -> None:
    torch = pytest.importorskip("torch")
    image = picture(24, 36, 3)
    tensor = torch.from_numpy(image.astype(np.float64)).permute(2, 0, 1)[None]
    for scale in (Fraction(1, 3), Fraction(1, 2), Fraction(2), Fraction(3)):
        expected = torch.nn.functional.interpolate(
            tensor, scale_factor=float(scale), mode="bicubic", align_corners=False
        )[0].permute(1, 2, 0)
        ours = resized(image, "torch", scale)
        np.testing.assert_allclose(ours, expected.numpy(), atol=1e-9)


def test_an_uncentred_grid_starts_at_the_first_pixel() -> None:
    ramp = np.tile(np.arange(64.0), (64, 1))
    small = resized(ramp, "uncentred", Fraction(1, 4))
    np.testing.assert_allclose(small[8, 4:12], np.arange(16, 48, 4), atol=1e-9)  # centred: + 1.5


def test_half_a_pixel_is_half_a_pixel() -> None:
    ramp = np.tile(np.arange(20.0), (20, 1))
    np.testing.assert_allclose(half_shifted(ramp)[5, 3:17], np.arange(3, 17) - 0.5, atol=1e-9)


def test_lr_of_a_plain_way_is_the_protocols(picture: Picture) -> None:
    hr = picture(48, 60, 3)
    for protocol in MAKE_LR:
        way = Way.of(find_protocol(protocol))
        scale = (way.degradation.scales or (2,))[0]
        lr = degrade(hr, way.degradation, scale=scale)
        assert (shrunk(hr, way, scale=scale) == lr).all()


def test_limited_bicubic_clips_y() -> None:
    hr = np.zeros((48, 60, 3), np.uint8)
    hr[:, 30:] = 255  # an edge, where bicubic goes too far
    way, base = changed("up-limited", "srcnn-2015"), Way.of(find_protocol("srcnn-2015"))
    plain, clipped = bicubic(hr, base, scale=2), bicubic(hr, way, scale=2)
    assert plain is not None and clipped is not None
    assert (clipped.sr == np.clip(plain.sr, 16, 235)).all() and (clipped.sr != plain.sr).any()
    limited = bicubic(hr, base, scale=2, limited=True)
    assert limited is not None and (limited.sr == clipped.sr).all()


@pytest.fixture(scope="module")
def set5(real: Callable[[str], list[Path]]) -> list[np.ndarray]:
    return [images.read(p) for p in real("Set5")]


# PROTOCOLS: what each deviation costs, x2 and x4, on lr rounded once with mirror border.
@pytest.mark.parametrize(
    ("deviation", "protocol", "metric", "expected"),
    [
        (None, "mmediting-2020", "psnr", ("31.80", "26.70")),
        ("y", "mmediting-2020", "psnr", ("33.68", "28.43")),
        (None, "srcnn-2015", "psnr", ("33.6621", "28.4220")),
        ("border-mirror", "srcnn-2015", "psnr", ("33.661", "28.421")),
        ("up-limited", "vdsr-2016", "psnr", ("33.6615", "28.4211")),
        ("up-limited", "vdsr-2016", "ssim", ("0.92988", "0.81040")),
        ("rgb", "edsr-2017", "psnr", ("31.7866", "26.6921")),
        ("ssim-downsampled", "srcnn-2015", "ssim", ("0.938", "0.825")),
        ("ssim-volumetric", "mmediting-2020", "ssim", ("0.966", "0.909")),
    ],
)
def test_costs_on_set5(
    set5: list[np.ndarray],
    deviation: str | None,
    protocol: str,
    metric: str,
    expected: tuple[str, str],
) -> None:
    way = (
        Way.of(find_protocol(protocol))
        if deviation is None
        else changed(deviation, protocol, metric)
    )
    for scale, digits in zip((2, 4), expected):
        found = []
        for hr in set5:
            made = bicubic(hr, way, scale=scale)
            assert made is not None
            found.append(made.value(way, metric, scale=scale))
        assert f"{pooled(found, way, metric):.{len(digits.split('.')[1])}f}" == digits
