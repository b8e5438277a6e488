"""Functions of Python as models: what they take is tried, what they return is checked."""

import sys
from textwrap import dedent

import numpy as np
import pytest
import torch

from sr_bench.networks.inference import Upscaler
from sr_bench.networks.opened import OpenOptions, open_model
from sr_bench.support.errors import SrBenchError, WrongUse

HEAD = "import numpy as np\nimport torch\nfrom torch.nn.functional import interpolate\n"
NUMPY = "np.repeat(np.repeat(x, 2, 0), 2, 1)"
TORCH = "x.repeat_interleave(2, 2).repeat_interleave(2, 3)"


@pytest.fixture
def written(tmp_path):
    def write(code, name="up.py"):
        path = tmp_path / name
        path.write_text(HEAD + dedent(code))
        return path

    return write


def opened(spec, **options):
    return open_model(str(spec), methods={}, options=OpenOptions(**options))


def image(height=13, width=17, channels=3):
    levels = np.random.default_rng(0).integers(0, 256, (channels, height, width))
    return (levels / 255).astype(np.float32)


def called(found, lr):
    return Upscaler(found.name, found.model, OpenOptions().made_by, found.scale).enlarger.called(lr)


def enlarged(lr):
    return lr.repeat(2, 1).repeat(2, 2)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (f"def up(x):\n    return {NUMPY}", "NumPy array (h, w, 3) of uint8 from 0 to 255"),
        (
            f"def up(x):\n    assert x.dtype == np.float32\n    return {NUMPY}",
            "NumPy array (h, w, 3) of float32 from 0 to 1",
        ),
        (f"def up(x):\n    return {TORCH}", "float32 tensor (1, 3, h, w) from 0 to 1"),
        (f"def up(x: np.ndarray):\n    return {NUMPY}", "uint8"),
        (f"def up(x: 'torch.Tensor'):\n    return {TORCH}", "tensor (1, 3, h, w)"),
        (
            f"def up(x):\n    assert x.shape[1] == 1\n    return {TORCH}",
            "float32 tensor (1, 1, h, w) of Y from 0 to 1",
        ),
        (
            f"def up(x):\n    x = np.clip(x, 0, 1)\n    return {NUMPY}",  # uint8 becomes black
            "of float32 from 0 to 1",
        ),
        (f"class Net(torch.nn.Module):\n    def forward(self, x):\n        return {TORCH}\n"
         "up = Net()", "tensor (1, 3, h, w)"),
    ],
)  # fmt: skip
def test_what_a_function_takes_is_tried_and_told(written, code, told):
    path = written(code)
    found = opened(f"{path}:up")
    assert (found.scale, found.name, found.origin) == (2, "up.up", f"function {path}:up")
    assert told in found.notes[0] and found.options == ()
    lr = image(channels=1 if found.model.colour == "y" else 3)
    np.testing.assert_allclose(called(found, lr), enlarged(lr), atol=1e-6)


def test_a_range_of_255_is_told_and_signed(written):
    path = written(f"def up(x: torch.Tensor):\n    assert x.max() > 2\n    return {TORCH}")
    found = opened(f"{path}:up", value_range=255)
    assert found.options == ("range:255",) and "from 0 to 255" in found.notes[0]
    np.testing.assert_allclose(called(found, image()), enlarged(image()), atol=1e-6)


def test_blue_first(written):
    path = written(f"def up(x: torch.Tensor):\n    x[:, 0] *= 0.5\n    return {TORCH}")
    found = opened(f"{path}:up", bgr=True)
    assert found.options == ("order:bgr",)
    lr = image()
    halved = enlarged(lr) * np.array([1, 1, 0.5], np.float32).reshape(3, 1, 1)
    np.testing.assert_allclose(called(found, lr), halved, atol=1e-6)


@pytest.mark.parametrize(
    ("pad", "mode"), [("reflect", "reflect"), ("author", "reflect"), ("zero", "constant")]
)
def test_padding_is_told_cropped_and_signed(written, pad, mode):
    code = f"""
    def up(x: np.ndarray):
        assert x.shape[0] % 8 == x.shape[1] % 8 == 0
        x = np.roll(x, 3, 0)  # rows of the padding come in
        return {NUMPY}
    """
    path = written(code)
    with pytest.raises(SrBenchError, match=r"multiples of 8 only \(25 x 35 fails.*multiple of 8"):
        opened(f"{path}:up")
    found = opened(f"{path}:up", multiple_of=8, pad=pad)
    assert found.options == (f"pad:{'reflect' if pad == 'author' else pad}.8",)
    lr = image(13, 17)
    padded = np.roll(np.pad(lr, ((0, 0), (0, 3), (0, 7)), mode), 3, 1)
    np.testing.assert_allclose(called(found, lr), enlarged(padded)[:, :26, :34], atol=1e-6)


def test_the_scale_reaches_a_function_that_takes_it(written):
    path = written("def up(x: np.ndarray, scale):\n    return x.repeat(scale, 0).repeat(scale, 1)")
    assert opened(f"{path}:up", scale=3).scale == 3
    with pytest.raises(WrongUse, match="takes the scale; name one"):
        opened(f"{path}:up")


def test_a_function_of_a_package_and_a_neighbour_of_a_file(written, tmp_path, monkeypatch):
    written(f"def sharpen(x):\n    return {NUMPY}", "sr_bench_test_neighbour.py")
    path = written(
        "from sr_bench_test_neighbour import sharpen\n\ndef up(x):\n    return sharpen(x)"
    )
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert opened(f"{path}:up").scale == 2
    found = opened("sr_bench_test_neighbour:sharpen")
    assert found.name == "sr_bench_test_neighbour.sharpen" and len(found.sha256) == 64


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("def up(x):\n    return x", "the same size, so that it doesn't upscale"),
        ("def up(x):\n    return x[:, :, :1].repeat(2, 0).repeat(2, 1)", "expected .1, 3, scale"),
        ("def up(x: torch.Tensor):\n    return interpolate(x, size=(40, 40))", "the same factor"),
        (f"def up(x: torch.Tensor):\n    return {TORCH} * float('nan')", "NaN or infinite"),
        (f"def up(x: torch.Tensor):\n    return {TORCH} * 255", "values from .* tell its value"),
        ("def up(x: np.ndarray):\n    return [1, 2]", "returns list for a NumPy array"),
        ("def up(x: torch.Tensor):\n    return x.numpy()", "returns ndarray for a tensor"),
        ("def up(x):\n    raise RuntimeError('no GPU here')", "RuntimeError: no GPU here"),
    ],
)
def test_what_is_not_an_enlarged_image_is_refused(written, code, why):
    with pytest.raises(SrBenchError, match=f"up.py:up: .*{why}"):
        opened(f"{written(code)}:up")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import sr_bench_nothing_of_that_name", "fails on import with ModuleNotFoundError"),
        ("raise SystemExit(3)", "fails on import with SystemExit: 3"),
        ("def up(x) return x", "fails on import with SyntaxError"),
    ],
)
def test_a_file_that_fails_on_import_is_named(written, code, why):
    with pytest.raises(SrBenchError, match=f"up.py {why}"):
        opened(f"{written(code)}:up")


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("{0}:upp", "unknown function 'upp' in .*did you mean up"),
        ("{0}:np.pi", "np.pi is float, expected a function"),
        ("{0}:Net", "Net is a class, expected a function"),
        ("{0}.py:up", "no such file"),
        ("no_such_package.at_all:up", "fails on import with ModuleNotFoundError"),
        ("{0}", "is plain text, not a model.*name its function: file.py:function"),
    ],
)
def test_what_can_not_be_found(written, spec, why):
    path = written(f"class Net: ...\n\ndef up(x):\n    return {NUMPY}")
    with pytest.raises(SrBenchError, match=why):
        opened(spec.format(path))


def test_what_is_no_model_is_named_by_what_it_is(tmp_path):
    for content, kind in (
        (b"\x89PNG\r\n", "a PNG image"),
        (b"<!doctype html>", "an HTML page"),
        (b"", "an empty file"),
        (b"\x08\x07abc", "a file of an unknown kind"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
    ):
        path = tmp_path / "net.pth"
        path.write_bytes(content)
        with pytest.raises(SrBenchError, match=f"net.pth: is {kind}, not a model"):
            opened(path)
    with pytest.raises(WrongUse, match="is a folder, expected the file of a model"):
        opened(tmp_path)
    with pytest.raises(WrongUse, match=r"no such file; a model is a file, file\.py:function"):
        opened("nothing.pth")


def test_a_dataclass_with_postponed_annotations_and_an_edited_file(tmp_path):
    path = tmp_path / "up.py"
    code = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n\n"
        "@dataclass\nclass Up:\n    scale: int = 2\n\n    def __call__(self, x):\n"
        "        return x.repeat(self.scale, 0).repeat(self.scale, 1)\n\nup = Up()\n"
    )
    for scale in (2, 3):  # the same size in the same second: Python's cache would keep the first
        path.write_text(code.replace("int = 2", f"int = {scale}"))
        assert opened(f"{path}:up").scale == scale


@pytest.mark.parametrize("options", [{"value_range": 0}, {"value_range": -1}, {"multiple_of": 0}])
def test_options_that_mean_nothing(options):
    with pytest.raises(WrongUse, match="expected 1"):
        OpenOptions(**options)


def test_a_strange_output_is_told_and_runs(written):
    found = opened(f"{written(f'def up(x: torch.Tensor):{chr(10)}    return 1 - {TORCH}')}:up")
    assert any("makes another one (root mean square" in note for note in found.notes)
    assert torch.is_inference_mode_enabled() is False
