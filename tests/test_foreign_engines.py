"""TorchScript archives and OpenVINO's files."""

import copy
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch import nn

from sr_bench.networks.inference import Upscaler
from sr_bench.networks.opened import OpenOptions, open_model
from sr_bench.support.errors import SrBenchError, WrongUse

needs_openvino = pytest.mark.skipif(
    find_spec("openvino") is None or find_spec("onnx") is None,
    reason="openvino or onnx is not installed",
)


class Enlarger(nn.Module):
    """An upscaler that needs no training."""

    def __init__(self, channels: int = 3, white: float = 1.0):
        super().__init__()
        self.white = white
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        with torch.no_grad():
            self.conv.weight.fill_(0.1)
            self.conv.bias.fill_(0.05 * white)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x).repeat_interleave(2, 2).repeat_interleave(2, 3).clamp(0, self.white)


def scripted(network, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(network.eval()).save(str(path))
    return path


def exported(path, network=None, *, names=("lr",), size=(1, 3, 12, 16), free=True):
    network = network or Enlarger()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            tuple(torch.rand(size) for _ in names),
            str(path),
            input_names=list(names),
            dynamic_axes={n: {2: "h", 3: "w"} for n in names} if free else None,
            dynamo=False,
        )
    return path


def converted(path, **options):
    import openvino

    model = openvino.convert_model(str(exported(path.with_suffix(".onnx"), **options)))
    openvino.save_model(model, str(path), compress_to_fp16=False)
    return path


def opened(spec, **options):
    return open_model(str(spec), methods={}, options=OpenOptions(**options))


def image(height=13, width=17, channels=3):
    return np.random.default_rng(0).random((channels, height, width), np.float32)


def called(found, lr):
    return Upscaler(found.name, found.model, OpenOptions().made_by, found.scale).enlarger.called(lr)


def expected(lr):
    with torch.inference_mode():
        return Enlarger(len(lr))(torch.from_numpy(lr)[None])[0].numpy()


@pytest.mark.parametrize("name", ["up.pt", "up.pth"])
def test_torchscript_is_known_by_its_content(tmp_path, name):
    found = opened(scripted(Enlarger(), tmp_path / name))
    assert (found.scale, found.origin) == (2, "TorchScript (cpu)")
    assert found.notes == ("takes R, G, B as NCHW, float32 from 0 to 1",)
    np.testing.assert_allclose(called(found, image()), expected(image()), atol=1e-6)


def test_torchscript_of_one_plane_and_of_0_to_255(tmp_path):
    y = opened(scripted(Enlarger(1), tmp_path / "y.pt"))
    assert y.model.colour == "y"
    wide = opened(scripted(Enlarger(white=255.0), tmp_path / "wide.pt"))
    assert "from 0 to 255" in wide.notes[0]
    np.testing.assert_allclose(called(wide, image()), expected(image()), atol=1e-6)


def test_torchscript_in_half_precision(tmp_path):
    found = opened(scripted(Enlarger().bfloat16(), tmp_path / "half.pt"))
    assert "bfloat16" in found.notes[0]
    np.testing.assert_allclose(called(found, image()), expected(image()), atol=0.02)


def test_torchscript_is_run_in_inference_mode(tmp_path):
    class Dropping(Enlarger):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout(0.9)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.drop(self.conv(x))
            return x.repeat_interleave(2, 2).repeat_interleave(2, 3)

    network = Dropping()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(network.train()).save(str(tmp_path / "drop.pt"))
    found = opened(tmp_path / "drop.pt")
    np.testing.assert_allclose(called(found, image()), expected(image()), atol=1e-6)


def test_a_program_that_opens_files_is_refused_unrun(tmp_path):
    class Opening(Enlarger):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + torch.from_file("secret", size=1)

    path = scripted(Opening(), tmp_path / "up.pt")
    with pytest.raises(SrBenchError, match=r"refused: its program opens files \(from_file"):
        opened(path)


def test_a_damaged_archive_is_refused(tmp_path):
    import zipfile

    path = scripted(Enlarger(), tmp_path / "up.pt")
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "bad.pt", "w") as bad:
        for name in whole.namelist():
            bad.writestr(name, whole.read(name)[:50])
    with pytest.raises(SrBenchError, match=r"TorchScript archive that PyTorch .* can't load"):
        opened(tmp_path / "bad.pt")


@needs_openvino
def test_openvino_runs_its_own_files_and_hashes_both(tmp_path):
    path = converted(tmp_path / "up.xml")
    found = opened(path)
    assert (found.scale, found.origin) == (2, "OpenVINO (CPU)")
    assert "weights in up.bin; the hash is of both files" in found.notes
    np.testing.assert_allclose(called(found, image()), expected(image()), atol=1e-6)
    (tmp_path / "up.bin").unlink()
    with pytest.raises(SrBenchError, match=r"its weights, .*up\.bin, aren't there"):
        opened(path)


@needs_openvino
def test_openvino_runs_an_onnx_file_where_it_is_asked_to(tmp_path):
    path = exported(tmp_path / "up.onnx")
    found = opened(f"openvino:{path}")
    assert found.origin == "OpenVINO (CPU)" and found.name == "up"
    np.testing.assert_allclose(called(found, image()), expected(image()), atol=1e-6)
    with pytest.raises(WrongUse, match="expected the file of a model"):
        opened("openvino:nothing.onnx")


@needs_openvino
def test_openvino_refuses_two_inputs_and_other_devices(tmp_path):
    class Two(nn.Module):
        def forward(self, lr, level):
            return (lr * level).repeat_interleave(2, 2).repeat_interleave(2, 3)

    path = converted(tmp_path / "two.xml", network=Two(), names=("lr", "level"))
    with pytest.raises(SrBenchError, match=r"inputs 'lr' .*, 'level' .*expected one image in"):
        opened(path)
    with pytest.raises(WrongUse, match="OpenVINO runs on cpu here, the device is cuda"):
        opened(path, device=torch.device("cuda"))


@needs_openvino
def test_openvino_of_a_fixed_size_is_tiled(tmp_path):
    found = opened(converted(tmp_path / "fixed.xml", free=False))
    assert "12 x 16 only; larger ones in tiles, exactly: its reach is 1" in found.notes[1]
    np.testing.assert_allclose(called(found, image(30, 21)), expected(image(30, 21)), atol=1e-6)


def test_a_copy_of_a_model_has_a_network_of_its_own(tmp_path):
    """As it is made to run on another device."""
    (tmp_path / "net.py").write_text(
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.conv = torch.nn.Conv2d(3, 12, 1, bias=False)\n"
        "        torch.nn.init.constant_(self.conv.weight, 0.3)\n"
        "    def forward(self, x, scale=2):\n"
        "        return torch.nn.functional.pixel_shuffle(self.conv(x), 2)\n"
        "net = Net()\n"
    )
    for spec in (scripted(Enlarger(), tmp_path / "up.pt"), f"{tmp_path / 'net.py'}:net"):
        found = opened(spec, scale=2)
        copied = copy.deepcopy(found.model)
        before = called(found, image())
        with torch.no_grad():
            for parameter in copied.parameters():
                parameter.fill_(0)
        lr = torch.from_numpy(image())[None]
        assert copied(lr).abs().max() == 0
        np.testing.assert_array_equal(called(found, image()), before)
