"""The public API: what ``sr_bench`` hands on, its examples, its types, what importing it loads."""

import ast
import doctest
import inspect
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import sr_bench
from sr_bench.data.catalogue.protocols import find_protocol, load_protocols
from sr_bench.evaluation.scoring.score import Pair, score_pair
from sr_bench.imaging import images
from sr_bench.imaging.degrade import degrade as make_lr
from sr_bench.support.errors import WrongUse

ROOT = Path(__file__).resolve().parent.parent
NAMES = [name for name in sr_bench.__all__ if name != "__version__"]
EDSR = ROOT / "methods/weights/edsr-baseline-sr-bench-open690-x2.safetensors"


def run(code, cwd=ROOT):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_importing_loads_neither_torch_nor_pandas():
    code = (
        "import sys, sr_bench\n"
        "assert not {'torch', 'pandas', 'numpy'} & set(sys.modules)\n"
        "sr_bench.psnr, sr_bench.ssim, sr_bench.imresize\n"
        "assert not {'torch', 'pandas'} & set(sys.modules)\n"
        "sr_bench.score, sr_bench.degrade, sr_bench.protocols\n"
        "assert 'torch' not in sys.modules\n"
        "from sr_bench import *\n"
        "assert upscale and load_model and sr_bench.__version__\n"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_every_name_is_there_and_a_wrong_one_is_an_attribute_error():
    assert len(NAMES) <= 16 and sr_bench.__all__ == sorted(sr_bench.__all__)
    assert set(sr_bench.__all__) <= set(dir(sr_bench))
    for name in sr_bench.__all__:
        assert getattr(sr_bench, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'psnrr'"):
        _ = sr_bench.psnrr


def test_types_come_from_where_the_names_are_loaded_from():
    tree = ast.parse((ROOT / "sr_bench/__init__.py").read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    assert {n.names[0].name: n.module for n in block.body} == sr_bench._MODULES
    assert set(NAMES) == {*sr_bench._MODULES, "SrBenchError"}


@pytest.mark.parametrize("name", NAMES)
def test_examples(name, monkeypatch):
    """The examples of the docstring run as they stand, in a clone."""
    monkeypatch.chdir(ROOT)
    value = getattr(sr_bench, name)
    found = doctest.DocTestFinder(recurse=False).find(value, name, globs={})
    results = [doctest.DocTestRunner().run(test) for test in found]
    assert all(result.failed == 0 for result in results)
    if inspect.isfunction(value):
        assert sum(result.attempted for result in results) > 0


@pytest.mark.parametrize("name", [n for n in NAMES if inspect.isfunction(getattr(sr_bench, n))])
def test_docstrings_say_what_comes_in_what_goes_out_and_what_is_refused(name):
    text = inspect.getdoc(getattr(sr_bench, name))
    parts = ["Returns:", "Example:"] + (["Args:", "Raises:"] if name != "protocols" else [])
    assert all(part in text for part in parts)


def test_the_page_of_the_api_documents_every_name():
    page = (ROOT / "docs/api.md").read_text()
    assert set(re.findall(r"^::: sr_bench\.(\w+)$", page, re.M)) == set(NAMES)


@pytest.mark.slow  # mypy reads NumPy and PyTorch
def test_types_are_there_for_a_stranger(tmp_path):
    assert (ROOT / "sr_bench/py.typed").is_file()
    (tmp_path / "script.py").write_text(
        "import numpy as np\n"
        "import sr_bench\n"
        "hr = np.zeros((64, 64, 3), np.uint8)\n"
        "lr = sr_bench.degrade(hr, protocol='edsr-2017', scale=2)\n"
        "model = sr_bench.load_model('bicubic', scale=2)\n"
        "sr = sr_bench.upscale(model, lr)\n"
        "scores = sr_bench.score(sr, hr, protocol='edsr-2017', scale=2)\n"
        "total: float = scores['psnr'] + sr_bench.psnr(sr, hr, data_range=255)\n"
        "reveal_type(scores.signature)\n"
        "sr_bench.psnrr\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "script.py"],
        cwd=tmp_path,
        env={"MYPYPATH": str(ROOT), "PATH": "", "MYPY_CACHE_DIR": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("script.py")]
    assert len(lines) == 2, done.stdout
    assert 'Revealed type is "str"' in lines[0].replace("builtins.", "")
    assert 'Module has no attribute "psnrr"' in lines[1]


# What the functions give is what the pipeline gives.


@pytest.mark.parametrize(
    "protocol", [n for n, rule in load_protocols().protocols.items() if rule.degradation.made]
)
@pytest.mark.parametrize("shape", [(60, 72, 3), (60, 72)])
def test_degrade_and_score_are_the_pipelines(picture, tmp_path, protocol, shape):
    hr = picture(*shape)
    rule = find_protocol(protocol)
    scale = 3 if rule.degradation.defined_at(3) else 4
    lr = sr_bench.degrade(hr, protocol=protocol, scale=scale)
    assert np.array_equal(lr, make_lr(hr, rule.degradation, scale=scale))
    assert np.array_equal(lr, sr_bench.degrade(hr, protocol=rule, scale=scale))
    scores = sr_bench.score(hr, hr, protocol=protocol, scale=scale, sr_colour="rgb")
    assert scores == score_pair(Pair(hr, hr, "rgb"), rule, scale=scale)
    assert scores.signature == rule.signature
    images.write(tmp_path / "hr.png", hr)
    path = tmp_path / "hr.png"
    assert np.array_equal(sr_bench.degrade(path, protocol=protocol, scale=scale), lr)
    assert sr_bench.score(path, str(path), protocol=protocol, scale=scale) == scores


def test_three_planes_are_not_guessed_where_they_may_be_two_things(picture):
    hr = picture(48, 48, 3)
    with pytest.raises(ValueError, match="sr_colour='rgb' or sr_colour='ycbcr'"):
        sr_bench.score(hr, hr, protocol="srcnn-2015", scale=2)


def test_what_isnt_uint8_is_refused(picture):
    hr = picture(48, 48, 3)
    for wrong in (hr / 255, torch.from_numpy(hr)):
        with pytest.raises(ValueError, match="hr is "):
            sr_bench.degrade(wrong, protocol="edsr-2017", scale=2)
        with pytest.raises(ValueError, match="sr is "):
            sr_bench.score(wrong, hr, protocol="edsr-2017", scale=2)
        with pytest.raises(ValueError, match="image is "):
            sr_bench.upscale(sr_bench.load_model(ROOT / "methods/bicubic.py", scale=2), wrong)


@pytest.fixture
def edsr(monkeypatch):
    monkeypatch.chdir(ROOT)
    return sr_bench.load_model("edsr", variant="baseline", scale=2, weights=EDSR)


def test_a_network_upscales_arrays_files_and_tensors(edsr, picture, tmp_path):
    photo = picture(24, 30, 3)
    sr = sr_bench.upscale(edsr, photo)
    assert sr.shape == (48, 60, 3) and sr.dtype == np.uint8
    images.write(tmp_path / "photo.png", photo)
    assert np.array_equal(sr_bench.upscale(edsr, tmp_path / "photo.png"), sr)
    tensor = torch.from_numpy(photo).permute(2, 0, 1)[None] / 255
    out = sr_bench.upscale(edsr, tensor)[0].permute(1, 2, 0).numpy()
    assert np.array_equal(np.clip(np.floor(out.astype(np.float64) * 255 + 0.5), 0, 255), sr)
    bicubic = sr_bench.load_model("bicubic", scale=2)
    tiled = sr_bench.upscale(bicubic, photo, tile=16)
    assert np.array_equal(tiled, sr_bench.upscale(bicubic, photo))


def test_a_network_of_y_and_unrounded_lr(monkeypatch, picture):
    monkeypatch.chdir(ROOT)
    weights = "methods/weights/srcnn-9-5-5-sr-bench-t91-x3.safetensors"
    model = sr_bench.load_model(
        "srcnn", variant="9-5-5", scale=3, weights=weights, protocol="srcnn-2015"
    )
    hr = picture(60, 60)
    sr = sr_bench.upscale(model, sr_bench.degrade(hr, protocol="srcnn-2015", scale=3))
    assert sr.shape == (60, 60)
    assert sr_bench.score(sr, hr, protocol="srcnn-2015", scale=3)["psnr"] > 5
    with pytest.raises(ValueError, match="multiply it by 255"):
        sr_bench.upscale(model, np.full((20, 20), 0.5))
    with pytest.raises(ValueError, match=r"image is uint16, expected uint8, .* image / 257"):
        sr_bench.upscale(model, np.full((20, 20), 9000, np.uint16))


@pytest.mark.parametrize(
    ("array", "mode", "why"),
    [
        (np.full((8, 9), 9000, np.uint16), None, "it has more than 8 bits a channel"),
        (np.full((8, 9, 4), 90, np.uint8), "RGBA", "it has an alpha channel: flatten it"),
    ],
)
def test_a_file_that_has_more_than_one_meaning_is_refused(tmp_path, array, mode, why):
    model = sr_bench.load_model(ROOT / "methods/bicubic.py", scale=2)
    Image.fromarray(array, mode).save(tmp_path / "photo.png")
    with pytest.raises(sr_bench.SrBenchError, match=f"photo.png: .*{why}"):
        sr_bench.upscale(model, tmp_path / "photo.png")
    with pytest.raises(ValueError, match=r"uint16, expected uint8|RGB with transparency"):
        sr_bench.upscale(model, array)


def test_self_ensemble_is_a_plus(monkeypatch):
    monkeypatch.chdir(ROOT)
    options = {"scale": 2, "weights": EDSR}
    assert sr_bench.load_model("edsr", variant="baseline+", **options).ensemble


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        ({"method": "esdr"}, "did you mean edsr"),
        ({"method": "edsr"}, "has the variants baseline, full; name one"),
        ({"method": "edsr", "variant": "basline"}, "did you mean baseline"),
        ({"method": "bicubic", "protocol": "edsr-2018"}, "unknown protocol"),
    ],
)
def test_wrong_names_are_told_with_the_nearest(monkeypatch, words, fact):
    monkeypatch.chdir(ROOT)
    with pytest.raises(WrongUse, match=fact):
        sr_bench.load_model(**words, scale=2)


def test_weights_that_are_missing(monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(sr_bench.SrBenchError, match=r"gone\.pt: no such file"):
        sr_bench.load_model("edsr", variant="baseline", scale=2, weights="gone.pt")


def test_a_folder_is_scored_as_the_command_does(cli, picture, tmp_path):
    for name in ("a", "b"):
        hr = picture(40, 44, 3)
        images.write(tmp_path / "hr" / f"{name}.png", hr)
        images.write(tmp_path / "sr" / f"{name}_x4.png", hr // 2)
    rows = sr_bench.score_folder(tmp_path / "sr", tmp_path / "hr", protocol="edsr-2017", scale=4)
    words = ["score", "--sr", "sr", "--hr", "hr", "--scale", 4, "--protocol", "edsr-2017"]
    cli([*words, "--csv", "rows.csv"], cwd=tmp_path)
    written = [line.split(",") for line in (tmp_path / "rows.csv").read_text().splitlines()]
    assert [row[0] for row in written[1:]] == rows["image"].tolist()
    assert [float(row[3]) for row in written[1:]] == pytest.approx(rows["value"].tolist(), 1e-9)
