"""ONNX files: layouts, value ranges, sizes; what is told of them, and what is refused."""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sr_bench.networks.inference import Upscaler
from sr_bench.networks.method_files import method_files
from sr_bench.networks.opened import OpenOptions, open_model
from sr_bench.support.errors import SrBenchError, WrongUse

pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")

ROOT = Path(__file__).resolve().parent.parent
EDSR = ROOT / "methods/weights/edsr-baseline-sr-bench-open690-x4.safetensors"
FREE = {"lr": {2: "h", 3: "w"}}


class Enlarger(nn.Module):
    """Nearest neighbours, then a sharpening convolution: an upscaler that needs no training."""

    def __init__(self, channels=3, *, scale=2, white=1.0, last=False, kernel=3):
        super().__init__()
        self.scale, self.white, self.last = scale, white, last
        self.blur = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        with torch.no_grad():
            weight = torch.full_like(self.blur.weight, -0.3 / (kernel**2 - 1))
            weight[:, :, kernel // 2, kernel // 2] = 1.3
            self.blur.weight.copy_(weight)
            self.blur.bias.fill_(0.01 * white)

    def forward(self, x):
        x = x.permute(0, 3, 1, 2) if self.last else x
        x = self.blur(x.float())
        x = x.repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3)
        return x.permute(0, 2, 3, 1) if self.last else x


def export(network, path, *, size=(1, 3, 12, 16), axes=FREE, dtype=torch.float32):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (torch.rand(size).to(dtype),),
            str(path),
            input_names=["lr"],
            output_names=["sr"],
            dynamic_axes=axes,
            dynamo=False,
        )
    return path


def opened(path, **options):
    return open_model(str(path), methods={}, options=OpenOptions(**options))


def image(height=13, width=17, channels=3):
    return np.random.default_rng(0).random((channels, height, width), np.float32)


def called(found, lr):
    return Upscaler(found.name, found.model, OpenOptions().made_by, found.scale).enlarger.called(lr)


def expected(lr, **options):
    with torch.inference_mode():
        return Enlarger(**options)(torch.from_numpy(lr)[None])[0].numpy()


def test_an_export_of_edsr_equals_pytorch(tmp_path):
    methods = method_files([ROOT / "methods"])
    ours = open_model(str(EDSR), methods=methods, options=OpenOptions())
    path = export(ours.model.network, tmp_path / "edsr.onnx")
    found = opened(path, scale=4)
    assert found.scale == 4 and found.origin == "onnxruntime (CPU)" and len(found.sha256) == 64
    for size in ((9, 14), (21, 8)):
        lr = image(*size)
        np.testing.assert_allclose(called(found, lr), called(ours, lr), rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    ("options", "size", "axes", "told"),
    [
        ({}, (1, 3, 12, 16), FREE, "R, G, B as NCHW, float32 from 0 to 1"),
        ({"white": 255.0}, (1, 3, 12, 16), FREE, "R, G, B as NCHW, float32 from 0 to 255"),
        ({"last": True}, (1, 12, 16, 3), {"lr": {1: "h", 2: "w"}}, "R, G, B as NHWC"),
        ({"scale": 3}, (1, 3, 12, 16), {"lr": dict(enumerate("nchw"))}, "R, G, B as NCHW"),
    ],
)
def test_layout_and_range_are_tried_and_told(tmp_path, options, size, axes, told):
    offset = {} if options.get("white") else options
    found = opened(export(Enlarger(**options), tmp_path / "up.onnx", size=size, axes=axes))
    assert found.scale == options.get("scale", 2)
    assert told.split(" from ")[0] in found.notes[0]
    lr = image()
    plain = {k: v for k, v in offset.items() if k != "last"}
    np.testing.assert_allclose(called(found, lr), expected(lr, **plain), atol=1e-5)


def test_a_model_of_0_to_255_is_found_by_its_output(tmp_path):
    class Clipping(Enlarger):
        def forward(self, x):
            return super().forward(x).clamp(0, 255).round()

    found = opened(export(Clipping(white=255.0), tmp_path / "up.onnx"))
    assert "from 0 to 255" in found.notes[0] and found.options == ()
    lr = (image() * 255).round() / 255
    np.testing.assert_allclose(called(found, lr), expected(lr).clip(0, 1), atol=0.51 / 255)


def test_one_plane_is_y(tmp_path):
    found = opened(export(Enlarger(1), tmp_path / "y.onnx", size=(1, 1, 12, 16)))
    assert found.model.colour == "y" and "takes Y" in found.notes[0]


@pytest.mark.parametrize(("dtype", "levels"), [(torch.uint8, 1.01), (torch.float64, 1e-3)])
def test_other_types_of_input(tmp_path, dtype, levels):
    white = 255.0 if dtype == torch.uint8 else 1.0
    network = Enlarger(white=white)
    found = opened(export(network, tmp_path / "up.onnx", dtype=dtype))
    assert str(dtype).removeprefix("torch.") in found.notes[0]
    lr = (image() * 255).round() / 255
    np.testing.assert_allclose(called(found, lr), expected(lr), atol=levels / 255)


def test_a_fixed_size_is_tiled_where_that_is_exact(tmp_path):
    path = export(Enlarger(kernel=5), tmp_path / "up.onnx", size=(1, 3, 12, 16), axes=None)
    found = opened(path)
    assert "12 x 16 only; larger ones in tiles, exactly: its reach is 2" in found.notes[1]
    for size in ((12, 16), (13, 17), (40, 16), (31, 50)):
        lr = image(*size)
        np.testing.assert_allclose(called(found, lr), expected(lr, kernel=5), atol=1e-6)
    with pytest.raises(SrBenchError, match="12 x 16 only, this one is 11 x 30; tell a way to pad"):
        called(found, image(11, 30))


def test_padding_to_a_fixed_size_is_told(tmp_path):
    path = export(Enlarger(), tmp_path / "up.onnx", axes=None)
    found = opened(path, multiple_of=4, pad="replicate")
    assert found.options == ("pad:replicate.4",)
    lr = image(7, 9)
    padded = np.pad(lr, ((0, 0), (0, 5), (0, 7)), "edge")
    np.testing.assert_allclose(called(found, lr), expected(padded)[:, :14, :18], atol=1e-6)


def test_a_fixed_size_whose_pixels_depend_on_all_is_not_tiled(tmp_path):
    class Global(Enlarger):
        def forward(self, x):
            return super().forward(x) + 0.01 * x.mean((2, 3), keepdim=True)

    found = opened(export(Global(), tmp_path / "up.onnx", axes=None))
    assert "can't be tiled exactly" in found.notes[1]
    assert called(found, image(12, 16)).shape == (3, 24, 32)
    with pytest.raises(SrBenchError, match="tiles would give another result"):
        called(found, image(13, 16))


def test_sizes_that_only_some_multiples_have(tmp_path):
    class Windows(Enlarger):
        def forward(self, x):
            b, c, h, w = x.shape
            x = x.reshape(b, c, h // 4, 4, w // 4, 4).reshape(b, c, h, w)
            return super().forward(x)

    path = export(Windows(), tmp_path / "up.onnx", size=(1, 3, 12, 16))
    with pytest.raises(SrBenchError, match=r"multiples of 4 only \(25 x 35 fails"):
        opened(path)
    found = opened(path, multiple_of=4, pad="reflect")
    assert found.options == ("pad:reflect.4",)
    lr = image(13, 18)
    padded = np.pad(lr, ((0, 0), (0, 3), (0, 2)), "reflect")
    np.testing.assert_allclose(called(found, lr), expected(padded)[:, :26, :36], atol=1e-6)


def test_planes_in_another_order(tmp_path):
    class Red(Enlarger):
        def forward(self, x):
            return super().forward(x) * torch.tensor([0.5, 1, 1]).reshape(1, 3, 1, 1)

    found = opened(export(Red(), tmp_path / "up.onnx"), bgr=True)
    assert found.options == ("order:bgr",) and "B, G, R" in found.notes[0]
    lr = image()
    halved = expected(lr) * np.array([1, 1, 0.5], np.float32).reshape(3, 1, 1)
    np.testing.assert_allclose(called(found, lr), halved, atol=1e-6)


def test_two_inputs_are_named(tmp_path):
    class Two(nn.Module):
        def forward(self, lr, level):
            return lr.repeat_interleave(2, 2).repeat_interleave(2, 3) * level

    path = tmp_path / "two.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inputs = (torch.rand(1, 3, 8, 8), torch.rand(1))
        names = ["lr", "noise_level"]
        torch.onnx.export(Two(), inputs, str(path), input_names=names, dynamo=False)
    with pytest.raises(SrBenchError, match=r"inputs 'lr' .*'noise_level' \[1\].*one image in"):
        opened(path)


@pytest.mark.parametrize(
    ("network", "why"),
    [
        (Enlarger(scale=1), "the same size, so that it doesn't upscale"),
        (nn.Flatten(), "expected .1, 3, scale"),
        (nn.ZeroPad2d(3), "the same factor for both sides"),
        (nn.Upsample(scale_factor=2), None),
    ],
)
def test_what_does_not_upscale_is_refused(tmp_path, network, why):
    path = export(network, tmp_path / "no.onnx")
    if why is None:
        assert opened(path).scale == 2
        return
    with pytest.raises(SrBenchError, match=why):
        opened(path)


def test_nan_is_refused(tmp_path):
    network = Enlarger()
    nn.init.constant_(network.blur.bias, float("nan"))
    with pytest.raises(SrBenchError, match="NaN or infinite"):
        opened(export(network, tmp_path / "nan.onnx"))


def test_another_scale_and_an_absent_device(tmp_path):
    path = export(Enlarger(), tmp_path / "up.onnx")
    with pytest.raises(WrongUse, match="enlarges by 2, but the scale asked for is 4"):
        opened(path, scale=4)
    if "CUDAExecutionProvider" not in __import__("onnxruntime").get_available_providers():
        with pytest.raises(WrongUse, match="device is cuda, but this onnxruntime has"):
            opened(path, device=torch.device("cuda"))


def external(path, location):
    """The model with its weights in a file of that name."""
    model = onnx.load(str(path))
    for tensor in model.graph.initializer:
        data = Path(path.parent, "weights.bin")
        start = data.stat().st_size if data.is_file() else 0
        raw = onnx.numpy_helper.to_array(tensor).tobytes()
        with data.open("ab") as file:
            file.write(raw)
        tensor.ClearField("raw_data")
        tensor.ClearField("float_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        entries = {"location": location, "offset": str(start), "length": str(len(raw))}
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    return path


def test_weights_beside_the_file_are_read_and_hashed(tmp_path):
    path = external(export(Enlarger(), tmp_path / "up.onnx"), "weights.bin")
    found = opened(path)
    assert "weights in weights.bin; the hash is of both files" in found.notes
    np.testing.assert_allclose(called(found, image()), expected(image()), atol=1e-6)
    data = tmp_path / "weights.bin"
    data.write_bytes(data.read_bytes()[:-4] + np.float32(0.02).tobytes())
    assert opened(path).sha256 != found.sha256


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/hostname", "sub/../../x", "link.bin"])
def test_weights_outside_the_folder_are_refused(tmp_path, location):
    folder = tmp_path / "inner"
    folder.mkdir()
    path = external(export(Enlarger(), folder / "up.onnx"), location)
    (folder / "weights.bin").rename(tmp_path / "weights.bin")
    (folder / "link.bin").symlink_to(tmp_path / "weights.bin")
    with pytest.raises(SrBenchError, match=r"refused: its tensors lie in .*outside its folder"):
        opened(path)


def test_a_cache_that_links_both_files_is_fine(tmp_path):
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    external(export(Enlarger(), blobs / "up.onnx"), "weights.bin")
    (tmp_path / "model.onnx").symlink_to(blobs / "up.onnx")
    (tmp_path / "weights.bin").symlink_to(blobs / "weights.bin")
    assert opened(tmp_path / "model.onnx").scale == 2


@pytest.mark.parametrize("keep", [10, 100, 200])
def test_a_file_that_is_cut_off_is_refused(tmp_path, keep):
    path = export(Enlarger(), tmp_path / "up.onnx")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SrBenchError, match=f"^{os.fspath(path)}: "):
        opened(path)
