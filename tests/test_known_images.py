"""Test sets are known by their pixels, and the published numbers stand beside a score of one."""

import json

import numpy as np
import pytest

from sr_bench.cli.score_neighbours import beside, sentence_of
from sr_bench.data.catalogue import known_images
from sr_bench.data.catalogue.known_images import MULTIPLES, digest, digests, known_set
from sr_bench.imaging import images
from sr_bench.imaging.crops import modcrop


@pytest.fixture
def photos(picture):
    return [picture(50, 61, 3), picture(49, 50)]


@pytest.fixture
def known(photos, monkeypatch):
    sets = {"Mine": [digests(p) for p in photos], "Other": [digests(photos[0] // 2)]}
    monkeypatch.setattr(known_images, "_known", lambda: sets)


@pytest.mark.parametrize("multiple", MULTIPLES)
def test_a_set_is_known_whole_and_cut(known, photos, multiple):
    cut = [
        p[: p.shape[0] // multiple * multiple, : p.shape[1] // multiple * multiple] for p in photos
    ]
    assert known_set(cut) == "Mine" and known_set(reversed(cut)) == "Mine"


def test_a_gray_image_may_be_stored_as_rgb(known, photos):
    assert known_set([photos[0], np.repeat(photos[1][..., None], 3, axis=2)]) == "Mine"


def test_a_part_and_more_and_others_are_no_set(known, photos, picture):
    assert known_set(photos[:1]) is None
    assert known_set([*photos, picture(20, 20)]) is None
    assert known_set([photos[0], photos[0]]) is None
    assert known_set([photos[0], 255 - photos[1]]) is None


def test_shape_counts():
    assert digest(np.zeros((4, 6), np.uint8)) != digest(np.zeros((6, 4), np.uint8))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("Set5", 5),
        ("Set14", 14),
        ("BSD100", 100),
        pytest.param("Urban100", 100, marks=pytest.mark.slow),
    ],
)
def test_the_committed_digests_are_of_the_real_images(real, name, count):
    listed = known_images._known()[name]
    assert len(listed) == count
    found = [images.read(path) for path in sorted(real(name)) if images.is_image(path)][:14]
    assert all(digests(image) in listed for image in found)
    if name in ("Set5", "Set14"):
        assert known_set(modcrop(image, 3) for image in found) == name


def test_score_prints_what_others_got(cli, known, photos, tmp_path, monkeypatch):
    for i, photo in enumerate(photos):
        hr = photo[: photo.shape[0] // 2 * 2, : photo.shape[1] // 2 * 2]
        images.write(tmp_path / f"hr/{i}.png", hr)
        images.write(tmp_path / f"sr/{i}.png", np.clip(hr, 8, 248))
    monkeypatch.setattr(known_images, "_known", lambda: {"Set5": [digests(p) for p in photos]})
    words = ["score", "--sr", "sr", "--hr", "hr", "--scale", 2, "--protocol", "srcnn-2015"]
    text, _ = cli(words, cwd=tmp_path)
    assert "these are Set5; published PSNR under srcnn-2015 at x2: below: " in text
    assert "(dB)" in text and "mean of 2" in text
    assert json.loads(cli([*words, "--json"])[0])["published"]["dataset"] == "Set5"


def test_what_is_said_of_a_set():
    assert beside([], None, "srcnn-2015", 3) == {} and sentence_of({}, "srcnn-2015", 3) == ""
    number = {"source": "p", "method": "srcnn", "variant": "9-5-5", "value": "32.75"}
    said = sentence_of({"dataset": "Set5", "equal": number}, "srcnn-2015", 3)
    assert said.endswith("at x3: equal: SRCNN 9-5-5 32.75 (p)")
    assert sentence_of({"dataset": "Set5"}, "x", 2).endswith("none is known")
