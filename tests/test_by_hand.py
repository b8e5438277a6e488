"""Datasets that the user brings: fetch says where they are, and takes what is put there."""

import zipfile

import pytest

from sr_bench.data.catalogue.entries import CatalogueError
from sr_bench.data.catalogue.sources import find_source, read_source
from sr_bench.imaging import images

ENTRY = {
    "kind": "by-hand",
    "title": "t",
    "licence": "on request",
    "page": "https://example.org/theirs/",
    "images": 2,
}


def test_fetch_names_the_page_the_terms_and_the_place(tmp_path, cli):
    source = find_source("Manga109")
    _, err = cli(["fetch", "Manga109"], 1, cwd=tmp_path)
    for fact in (source.page, source.licence, "its 109 images", "data/Manga109", "has 0 images"):
        assert fact in err, fact
    assert not (tmp_path / "build").exists()


@pytest.fixture
def theirs(tmp_path, monkeypatch, picture):
    """A project folder whose catalogue has a dataset of two images to be put there."""
    (tmp_path / "catalogue").mkdir()
    lines = [f"  {key}: {value!r}" for key, value in ENTRY.items()]
    (tmp_path / "catalogue/sources.yaml").write_text("theirs:\n" + "\n".join(lines) + "\n")
    for name in ("a.png", "b.png"):
        images.write(tmp_path / "made" / name, picture(8, 9, 3))
    return tmp_path


def test_what_is_put_there_is_hashed(theirs, cli):
    folder = theirs / "data/theirs"
    folder.mkdir(parents=True)
    (theirs / "made/a.png").rename(folder / "a.png")
    _, err = cli(["fetch", "theirs"], 1, cwd=theirs)
    assert "has 1 images" in err
    (theirs / "made/b.png").rename(folder / "b.png")
    out, _ = cli(["fetch", "theirs"], cwd=theirs)
    assert out == "theirs: 2 files in data/theirs\n"
    assert '"b.png"' in (theirs / "build/manifests/theirs.json").read_text()


def test_a_zip_that_is_put_there_is_unpacked(theirs, cli):
    folder = theirs / "data/theirs"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "theirs.zip", "w") as bundle:
        for name in ("a.png", "b.png"):
            bundle.write(theirs / "made" / name, f"set/{name}")
    cli(["fetch", "theirs"], cwd=theirs)
    assert '"set/a.png"' in (theirs / "build/manifests/theirs.json").read_text()


def test_a_wrong_entry_shows_a_right_one():
    with pytest.raises(CatalogueError, match=r"'page' is missing; add it. A right entry:\ntheirs:"):
        read_source("x", {"x": {k: v for k, v in ENTRY.items() if k != "page"}})
