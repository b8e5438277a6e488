"""Datasets of real scenes: made-up pairs in the layouts of RealSR and DRealSR."""

import zipfile
from fractions import Fraction

import numpy as np
import pytest
import yaml

from sr_bench.conformance.pictures import Picture
from sr_bench.data.catalogue.entries import CatalogueError
from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.data.catalogue.sources import find_source, load_sources, read_source
from sr_bench.data.datasets.cache import open_source
from sr_bench.data.datasets.manifest import open_dataset
from sr_bench.evaluation.metrics.psnr import psnr
from sr_bench.imaging import images
from sr_bench.imaging.color import rgb_to_y, to_uint8
from sr_bench.imaging.degrade import degrade
from sr_bench.imaging.resize import imresize
from sr_bench.support.errors import SrBenchError, WrongUse

SCALE = 4
REALSR = "RealSR(V3)/{c}/Test/4/{c}_00{i}_"
CROPS = "RealSRVal_crop128/test_"
LAYOUTS = {  # of each dataset: where a pair lies in what is to be had
    "RealSR-V3-x4": (REALSR + "HR.png", REALSR + "LR4.png"),
    "DRealSR-x4": ("Test_x4/test_HR/{c}_{i}_x4.png", "Test_x4/test_LR/{c}_{i}_x1.png"),
    "RealSR-crop512": (CROPS + "HR/{c}_{i}.png", CROPS + "LR/{c}_{i}.png"),
}
CAMERAS = ("Canon", "Nikon")


HR = Picture(kind="scene", height=48, width=64).array()
BRIGHT = np.minimum(HR.astype(int) + 9, 255).astype(np.uint8)
LR = degrade(BRIGHT, find_protocol("edsr-2017").degradation, scale=SCALE)  # of no HR here


def put(folder, name):
    for camera in CAMERAS:
        for pattern, image in zip(LAYOUTS[name], (HR, LR)):
            images.write(folder / pattern.format(c=camera, i=1), image)


@pytest.fixture
def smaller(tmp_path, monkeypatch):
    """A project folder whose catalogue has the packaged entries with two pairs, renamed."""
    entries = {}
    for name in LAYOUTS:
        source = find_source(name)
        kept = {k: getattr(source, k) for k in ("kind", "title", "licence", "page", "folder", "hr")}
        entries[f"my-{name}"] = {**kept, "images": 2, "lr": dict(source.lr)}
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "catalogue/sources.yaml").write_text(yaml.safe_dump(entries))
    monkeypatch.setenv("SR_BENCH_DATA", str(tmp_path / "data"))
    return tmp_path


@pytest.mark.parametrize("name", LAYOUTS)
def test_pairs_are_found_in_the_layout_that_is_published(smaller, cli, name):
    put(smaller / "data" / find_source(name).folder, name)
    out, _ = cli(["fetch", f"my-{name}"], cwd=smaller)
    assert out.startswith(f"my-{name}: 2 files")
    manifest = yaml.safe_load((smaller / f"build/manifests/my-{name}.json").read_text())
    hr, lr = (part.format(c="Canon", i=1) for part in LAYOUTS[name])
    assert [manifest["images"][0]["name"], manifest["lr"]["4"][0]["name"]] == [hr, lr]


def test_a_zip_of_them_is_unpacked_and_training_images_do_not_count(smaller, cli):
    folder, name = smaller / "data/RealSR-V3", "RealSR-V3-x4"
    put(smaller / "made", name)
    images.write(smaller / "made/RealSR(V3)/Canon/Train/4/Canon_009_HR.png", HR)
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "RealSR.zip", "w") as bundle:
        for path in sorted((smaller / "made").rglob("*.png")):
            bundle.write(path, path.relative_to(smaller / "made"))
    out, _ = cli(["fetch", f"my-{name}"], cwd=smaller)
    assert "2 files" in out


def test_what_is_missing_is_named(smaller, cli):
    put(smaller / "data/RealSR-V3", "RealSR-V3-x4")
    (smaller / "data/RealSR-V3/RealSR(V3)/Nikon/Test/4/Nikon_001_LR4.png").unlink()
    _, err = cli(["fetch", "my-RealSR-V3-x4"], 1, cwd=smaller)
    assert "no LR of Nikon_001" in err and "sources.yaml: my-RealSR-V3-x4" in err
    _, err = cli(["fetch", "RealSR-V3-x4"], 1, cwd=smaller)
    assert "github.com/csjcai/RealSR" in err and "Put its 100 pairs of **/Test/4/*_HR.png" in err


def test_lr_that_changed_is_noticed(smaller, cli):
    put(smaller / "data/RealSR-V3", "RealSR-V3-x4")
    cli(["fetch", "my-RealSR-V3-x4"], cwd=smaller)
    images.write(smaller / "data/RealSR-V3/RealSR(V3)/Nikon/Test/4/Nikon_001_LR4.png", LR[::-1])
    entries = yaml.safe_load((smaller / "catalogue/sources.yaml").read_text())
    manifest = smaller / "build/manifests/my-RealSR-V3-x4.json"
    with pytest.raises(SrBenchError, match=r"Nikon_001_LR4\.png: its content is not the sha256"):
        open_dataset(read_source("my-RealSR-V3-x4", entries), smaller / "data", manifest)


def test_eval_scores_the_lr_that_is_given_under_a_name_that_says_so(smaller, cli):
    put(smaller / "data/RealSR-V3", "RealSR-V3-x4")
    command = ["eval", "bicubic", "--scale", "4", "--dataset", "my-RealSR-V3-x4", "--json"]
    out, _ = cli([*command, "--protocol", "realsr-v3-full-y"], cwd=smaller)
    found = yaml.safe_load(out)["results"][0]
    assert found["protocol"] == "realsr-v3-full-y-on-my-RealSR-V3-x4"
    assert (
        "|lr:given." in found["signature"]
        and "|score:y.uint8+gray.rgb+crop.0|" in found["signature"]
    )
    sr = imresize(LR, scale=Fraction(SCALE), rounding="each-pass", border="mirror")
    both = (to_uint8(rgb_to_y(image)) for image in (sr, HR))
    assert found["mean"]["psnr"] == pytest.approx(psnr(*both, data_range=255), abs=1e-9)


def test_the_protocols_of_real_pairs_make_no_lr(smaller, cli):
    put(smaller / "data/RealSR-V3", "RealSR-V3-x4")
    hr = smaller / "data/RealSR-V3/RealSR(V3)/Canon/Test/4"
    command = ["degrade", "--hr", str(hr), "--out", str(smaller / "lr"), "--scale", "4"]
    _, err = cli([*command, "--protocol", "realsr-crop512-y"], 1, cwd=smaller)
    assert "scores datasets that bring LR of their own" in err


def test_a_set_without_hr_is_refused_where_hr_is_needed(tmp_path):
    source = find_source("RealSRSet")
    assert source.without_hr and len(source.files) == 20
    with pytest.raises(WrongUse, match=r"RealSRSet has no HR.*--metric niqe"):
        open_source(source)
    assert [s.name for s in load_sources().values() if s.without_hr] == ["RealSRSet"]


def test_hr_and_lr_go_together():
    entry = {"kind": "by-hand", "title": "t", "licence": "l", "page": "https://a.org/", "images": 1}
    with pytest.raises(CatalogueError, match="hr and lr go together"):
        read_source("x", {"x": {**entry, "hr": "*_HR.png"}})
    with pytest.raises(CatalogueError, match="lr"):
        read_source("x", {"x": {**entry, "hr": "*_HR.png", "lr": {9: "*_LR.png"}}})
