"""``--hr NAME``: score, degrade and explain take a dataset's name, without a project too."""

import json

import pytest

from sr_bench.imaging import images

NAME = "skimage-photos"  # its files come with scikit-image
X4 = ["--scale", "4", "--protocol", "edsr-2017"]


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """An empty folder, and a cache in it that is empty too."""
    monkeypatch.setenv("SR_BENCH_DATA", str(tmp_path / "cache"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def test_a_dataset_comes_into_the_cache(cli, empty):
    cli(["degrade", "--hr", NAME, "--out", "lr", *X4], 0)
    kept = sorted(p.stem for p in (empty / "cache" / NAME).iterdir())
    assert sorted(p.stem for p in (empty / "here/lr").glob("*.png")) == kept != []
    hr = str(empty / "cache" / NAME)
    for name in kept:
        lr = images.read(empty / "here/lr" / f"{name}.png")
        images.write(empty / "here/sr" / f"{name}.png", lr.repeat(4, axis=0).repeat(4, axis=1))
    by_name, by_folder = (
        json.loads(cli(["score", "--sr", "sr", "--hr", given, *X4, "--json"], 0)[0])
        for given in (NAME, hr)
    )
    assert by_name == by_folder
    words = ["explain", "bicubic", "--hr", NAME, *X4, "--claim", "28.62", "--json"]
    assert json.loads(cli(words, 0)[0])["explained"]


def test_a_folder_of_that_name_goes_first(cli, empty, picture):
    images.write(empty / "here" / NAME / "a.png", picture(40, 44, 3))
    cli(["degrade", "--hr", NAME, "--out", "lr", *X4], 0)
    assert [p.name for p in (empty / "here/lr").glob("*.png")] == ["a.png"]
    assert not (empty / "cache").exists()


def test_what_was_fetched_here_is_taken(cli, empty):
    cli(["fetch", NAME], 0)
    cli(["degrade", "--hr", NAME, "--out", "lr", *X4], 0)
    assert not (empty / "cache").exists()


@pytest.mark.parametrize(
    ("name", "status", "fact"),
    [
        ("Set6", 1, "Set6: no such folder"),
        ("IMDN-author-weights", 2, "IMDN-author-weights holds weights, not images"),
    ],
)
def test_what_is_no_dataset_is_refused(cli, empty, name, status, fact):
    _, err = cli(["degrade", "--hr", name, "--out", "lr", *X4], status)
    assert fact in err
