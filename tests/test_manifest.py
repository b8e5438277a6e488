"""Manifests: made when a dataset is fetched, and believed only where the files agree."""

import json
import shutil
import zipfile

import pytest

from sr_bench.data.catalogue.sources import Source, SourceFile
from sr_bench.data.datasets.manifest import fetch_dataset, open_dataset
from sr_bench.imaging import images
from sr_bench.support.errors import SourceError, SrBenchError
from sr_bench.support.files import sha256

HOST = "127.0.0.1:9"  # nobody listens there


def quiet(_):
    pass


@pytest.fixture
def known(tmp_path, monkeypatch):
    """``known(kind, {name: path})``: a group Tiny; a mirror folder holds its files."""
    monkeypatch.setenv("SR_BENCH_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def make(kind, files):
        listed = []
        for name, path in files.items():
            copy = tmp_path / "mirror" / HOST / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            size, digest = path.stat().st_size, sha256(path)
            listed.append(SourceFile(name, size, digest, (f"http://{HOST}/{name}",)))
        return Source("Tiny", kind, "title", "licence", "Tiny", tuple(listed))

    return make


@pytest.fixture
def made(tmp_path, picture):
    """Paths of two images, by name; not in the order of their names."""
    files = {"b.png": picture(8, 9), "a.bmp": picture(10, 11, 3)}
    for name, image in files.items():
        images.write(tmp_path / "made" / name, image)
    return {name: tmp_path / "made" / name for name in files}


def paths(tmp_path):
    return tmp_path / "data", tmp_path / "build" / "Tiny.json"


def test_a_manifest_names_shapes_and_hashes(tmp_path, known, made):
    tiny = known("images", made)
    data, target = paths(tmp_path)
    dataset = fetch_dataset(tiny, data, target, progress=quiet)
    assert json.loads(target.read_text()) == {
        "dataset": "Tiny",
        "images": [
            {"name": "a.bmp", "shape": [10, 11, 3], "sha256": sha256(made["a.bmp"])},
            {"name": "b.png", "shape": [8, 9], "sha256": sha256(made["b.png"])},
        ],
    }
    assert open_dataset(tiny, data, target) == dataset
    assert [e.stem for e in dataset] == ["a", "b"]
    assert dataset.read(dataset.entries[1]).shape == (8, 9)


def test_the_same_dataset_makes_the_same_manifest(tmp_path, known, made):
    tiny = known("images", made)
    data, target = paths(tmp_path)
    fetch_dataset(tiny, data, target, progress=quiet)
    first = target.read_bytes()
    shutil.rmtree(data)
    fetch_dataset(tiny, data, target, progress=quiet)
    assert target.read_bytes() == first


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_what_is_missing_or_changed_is_fetched_again(tmp_path, known, made, damage):
    tiny = known("images", made)
    data, target = paths(tmp_path)
    fetch_dataset(tiny, data, target, progress=quiet)
    path = data / "Tiny" / "b.png"
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"?" * path.stat().st_size)
    open_dataset(tiny, data, target)
    assert sha256(path) == sha256(made["b.png"])


def test_a_file_that_cannot_be_fetched_again_is_an_error(tmp_path, known, made):
    tiny = known("images", made)
    data, target = paths(tmp_path)
    fetch_dataset(tiny, data, target, progress=quiet)
    (data / "Tiny" / "b.png").write_bytes(b"damaged")
    (tmp_path / "mirror" / HOST / "b.png").write_bytes(b"damaged too")
    with pytest.raises(SourceError, match=r"b\.png: has 11 bytes"):
        open_dataset(tiny, data, target)


def test_a_manifest_of_another_content_is_an_error(tmp_path, known, made):
    tiny = known("images", made)
    data, target = paths(tmp_path)
    fetch_dataset(tiny, data, target, progress=quiet)
    target.write_text(target.read_text().replace(sha256(made["b.png"]), "0" * 64))
    with pytest.raises(SrBenchError, match=r"b\.png: its content .*0{64}.*sr-bench fetch Tiny"):
        open_dataset(tiny, data, target)


def test_no_manifest_says_how_to_make_one(tmp_path, known, made):
    tiny = known("images", made)
    with pytest.raises(SrBenchError, match=r"Tiny\.json: no such file.*sr-bench fetch Tiny"):
        open_dataset(tiny, *paths(tmp_path))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"images": [{"name": "a"}]}', '"x"'])
def test_a_damaged_manifest_is_an_error(tmp_path, known, made, text):
    tiny = known("images", made)
    data, target = paths(tmp_path)
    target.parent.mkdir()
    target.write_text(text)
    with pytest.raises(SrBenchError, match=r"Tiny\.json: not (a manifest|JSON).*fetch Tiny"):
        open_dataset(tiny, data, target)


def test_an_image_that_cannot_be_read_makes_no_manifest(tmp_path, known, made):
    made["b.png"].write_bytes(made["b.png"].read_bytes()[:60])
    tiny = known("images", made)
    data, target = paths(tmp_path)
    with pytest.raises(SrBenchError, match=r"b\.png: "):
        fetch_dataset(tiny, data, target, progress=quiet)
    assert not target.exists()


def test_two_images_of_one_name_are_refused(tmp_path, known, made):
    tiny = known("images", {"x/same.png": made["b.png"], "y/same.bmp": made["a.bmp"]})
    with pytest.raises(SrBenchError, match=r"same\.png and .*same\.bmp: two images called 'same'"):
        fetch_dataset(tiny, *paths(tmp_path), progress=quiet)


def test_weights_are_no_dataset(tmp_path, known, made):
    tiny = known("weights", made)
    with pytest.raises(SrBenchError, match="Tiny holds weights"):
        fetch_dataset(tiny, *paths(tmp_path), progress=quiet)


def test_an_archive_is_its_members_and_no_stray_file(tmp_path, known, made):
    packed = tmp_path / "all.zip"
    with zipfile.ZipFile(packed, "w") as bundle:
        for name, path in made.items():
            bundle.write(path, f"HR/{name}")
        bundle.writestr("readme.txt", "x")
    tiny = known("archive", {"all.zip": packed})
    data, target = paths(tmp_path)
    images.write(data / "Tiny" / "stray.png", images.read(made["b.png"]))
    dataset = fetch_dataset(tiny, data, target, progress=quiet)
    assert [e.name for e in dataset] == ["HR/a.bmp", "HR/b.png"]
    assert (data / "Tiny" / "stray.png").is_file()
    (data / "Tiny" / "HR" / "b.png").unlink()
    assert open_dataset(tiny, data, target) == dataset
    assert sha256(data / "Tiny" / "HR" / "b.png") == sha256(made["b.png"])
