"""The imports of 0.1 that are kept for one release."""

import importlib
import subprocess
import sys
import warnings

import numpy as np
import pytest

import sr_bench

# Module of 0.1: where its names are now.
FACES = {
    "color": {"imaging.color": "gray_of_rgb rgb_to_y rgb_to_ycbcr to_uint8 ycbcr_to_rgb"},
    "columns": {"evaluation.scoring.table": "CELL IMAGE_COLUMNS CELL_COLUMNS PER_IMAGE_COLUMNS"},
    "degrade": {"imaging.degrade": "Degradation degrade hr_planes modcrop"},
    "errors": {"support.errors": "SrBenchError WrongUse SourceError unknown about"},
    "inference": {"networks.inference": "Upscaler require_model"},
    "method": {
        "networks.method": "Method Model ModelColour Published Samples Setup Training",
        "networks.method_files": (
            "find_method find_method_file load_method load_methods method_files"
        ),
    },
    "metrics": {"evaluation.metrics": "psnr ssim ms_ssim"},
    "protocol": {"data.catalogue.protocols": "Crop Metric Protocol Tolerance"},
    "resize": {"imaging.resize": "Border Rounding imresize"},
    "score": {"evaluation.scoring.score": "Job Pair read_pair"},
    "sources": {"data.catalogue.sources": "Source SourceFile find_source load_sources"},
    "weights": {
        "networks.torch_files": "read_checkpoint",
        "networks.weights": "RenamedKey Rule layer_rules load_strictly rename",
    },
}


@pytest.fixture
def face(monkeypatch):
    """Import a face as if for the first time; afterwards ``sr_bench`` is as it was."""

    def imported(name):
        monkeypatch.delitem(sys.modules, f"sr_bench.{name}", raising=False)
        with pytest.warns(DeprecationWarning, match="0.1") as told:
            module = importlib.import_module(f"sr_bench.{name}")
        monkeypatch.setitem(sys.modules, f"sr_bench.{name}", module)
        assert len(told) == 1
        return module, str(told[0].message)

    before = dict(vars(sr_bench))
    yield imported
    for name in set(vars(sr_bench)) - set(before):
        delattr(sr_bench, name)
    vars(sr_bench).update(before)


@pytest.mark.parametrize("name", FACES)
def test_a_face_hands_on_the_same_objects_and_says_where_they_are(name, face):
    module, told = face(name)
    assert told.startswith(f"sr_bench.{name} is a name of 0.1 and ends with 0.2; write: from ")
    for new, names in FACES[name].items():
        there = importlib.import_module(f"sr_bench.{new}")
        for each in names.split():
            assert getattr(module, each) is getattr(there, each)


@pytest.mark.parametrize("name", FACES)
def test_what_the_warning_says_to_write_runs(name, face):
    _, told = face(name)
    exec(told.split("write: ")[1], {})


def test_the_warning_points_at_the_line_that_imports():
    code = "\n\nfrom sr_bench.color import to_uint8\nfrom sr_bench.color import rgb_to_y\n"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/"
    )
    assert done.stderr.count("DeprecationWarning") == 1
    assert done.stderr.startswith("<string>:3: DeprecationWarning: sr_bench.color is a name of 0.1")


IMAGE = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)


def test_score_takes_the_names_of_protocols_and_is_the_public_function_too(face):
    module, _ = face("score")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sr = 255 - IMAGE
        scored = module.score_pair(module.Pair(sr, IMAGE, "rgb"), "edsr-2017", scale=2)
        assert sr_bench.score is module
        assert dict(sr_bench.score(sr, IMAGE, protocol="edsr-2017", scale=2)) == scored
        assert "Example" in sr_bench.score.__doc__


def test_degrade_is_the_public_function_too(face):
    module, _ = face("degrade")
    lr = sr_bench.degrade(IMAGE, protocol="edsr-2017", scale=2)
    rule = sr_bench.protocols()["edsr-2017"].degradation
    assert sr_bench.degrade is module
    assert np.array_equal(lr, module.degrade(IMAGE, rule, scale=2))


def test_protocols_are_asked_by_name(face):
    module, _ = face("protocol")
    new = sr_bench.protocols()["edsr-2017"]
    loaded = module.load_protocols()
    assert loaded.signature("edsr-2017") == new.signature
    assert loaded.degradation_of("edsr-2017") is new.degradation
    assert loaded.protocols["edsr-2017"] is new
