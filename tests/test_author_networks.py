"""Networks whose weights their authors published: sizes as published, and MatConvNet's files."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat
from torch import nn

from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.networks.matconvnet import filters, matlab_filters, read_dagnn, write_dagnn
from sr_bench.networks.method import Setup
from sr_bench.networks.method_files import load_method
from sr_bench.support.errors import SrBenchError

METHODS = Path(__file__).resolve().parent.parent / "methods"
RULE = load_protocols().degradations["rgb-matlab"]


def loaded(name, variant, scale, folder):
    """A method's model with made-up weights, by the method's own example."""
    method = load_method(METHODS / f"{name}.py")
    file = folder / Path(method.published[variant, "author", scale].name).name
    torch.manual_seed(0)
    method.example(file, variant, scale)
    return method.built(Setup(variant, "author", file, scale, RULE), name)


@pytest.mark.parametrize(
    ("name", "variant", "counts"),
    [
        ("imdn", "", {2: 694404, 3: 703059, 4: 715176}),
        ("pan", "", {2: 261403, 3: 261403, 4: 272419}),
        ("rlfn", "", {2: 526856, 4: 543740}),
        ("vapsr", "", {2: 329236, 3: 336811, 4: 342220}),
        ("smfanet", "", {2: 185628, 3: 190503, 4: 197328}),
        ("smfanet", "plus", {2: 480300, 3: 486795, 4: 495888}),
        ("carn", "m", dict.fromkeys((2, 3, 4), 414787)),  # 24 more are the mean, as layers
        ("vdsr", "", dict.fromkeys((2, 3, 4), 665921)),
        ("dncnn", "3", dict.fromkeys((2, 3, 4), 665921)),
        ("idn", "", dict.fromkeys((2, 3, 4), 552769)),
    ],
)
def test_networks_have_as_many_parameters_as_published(name, variant, counts, tmp_path):
    for scale, count in counts.items():
        network = loaded(name, variant, scale, tmp_path).network
        assert sum(p.numel() for p in network.parameters()) == count


@pytest.mark.parametrize("name", ["carn", "idn", "imdn", "lapsrn", "pan", "vapsr"])
def test_a_file_of_another_network_is_refused(name, tmp_path):
    method = load_method(METHODS / f"{name}.py")
    variant, weights, scale = next(iter(method.published))
    path = tmp_path / "other"
    if name == "lapsrn":
        write_dagnn(path.with_suffix(".mat"), {"conv1.weight": torch.zeros(2, 1, 3, 3)})
        path = path.with_suffix(".mat")
    else:
        torch.save({"conv1.weight": torch.zeros(2, 1, 3, 3)}, path)
    with pytest.raises(SrBenchError, match="other"):
        method.load(Setup(variant, weights, path, scale, RULE))


def test_vdsr_limited_clips_the_enlargement_alone(tmp_path):
    whole, limited = (loaded("vdsr", variant, 2, tmp_path) for variant in ("", "limited"))
    limited.network.load_state_dict(whole.network.state_dict())
    middle = 0.3 + 0.4 * torch.rand(1, 1, 8, 8)
    with torch.inference_mode():
        assert torch.equal(whole(middle), limited(middle))
        dark = limited(torch.zeros(1, 1, 8, 8))
        assert torch.equal(dark, whole.network(torch.full((1, 1, 16, 16), 16 / 255)))


def keep(where, module, inputs):
    where.append(inputs[0])


def test_idn_adds_its_detail_to_each_pixel_of_the_enlargement(tmp_path):
    """The authors cut scale - 1 rows and columns that the deconvolution doesn't reach."""
    for scale in (2, 3, 4):
        model = loaded("idn", "", scale, tmp_path)
        network = model.network.network
        with torch.inference_mode():
            lr = torch.rand(1, 1, 9, 7)
            whole = network(lr)
            features = []
            network.upsample.register_forward_pre_hook(partial(keep, features))
            network(lr)
            theirs = torch.nn.functional.conv_transpose2d(
                features[0], network.upsample.weight, network.upsample.bias, scale, padding=8
            )
        assert whole.shape == (1, 1, 9 * scale, 7 * scale)
        torch.testing.assert_close(whole[..., scale - 1 :, scale - 1 :], theirs)


def test_small_images_are_padded_for_a_pooling_attention(tmp_path):
    model = loaded("rlfn", "", 2, tmp_path)
    with torch.inference_mode():
        assert model(torch.rand(1, 3, 2, 40)).shape == (1, 3, 4, 80)


def test_filters_of_matlab_are_height_width_in_out():
    array = np.random.default_rng(0).normal(size=(3, 5, 2, 4)).astype(np.float32)
    weight = filters(array)
    assert weight.shape == (4, 2, 3, 5)
    assert weight[3, 1, 2, 4] == array[2, 4, 1, 3]
    assert np.array_equal(matlab_filters(weight), array)
    assert filters(array[..., 0, 0]).shape == (1, 1, 3, 5)  # MATLAB drops axes of length 1


def test_a_dagnn_comes_back_as_it_was_written(tmp_path):
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ConvTranspose2d(3, 1, 4, bias=False))
    state = {f"layer_{k}": v for k, v in network.state_dict().items()}
    write_dagnn(tmp_path / "net.mat", state)
    read = read_dagnn(tmp_path / "net.mat")
    assert set(read) == set(state)
    assert all(torch.equal(read[k].reshape(v.shape), v) for k, v in state.items())


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        ({"weights": np.ones(3)}, "holds weights, expected MatConvNet's DagNN"),
        ({"net": {"layers": np.ones(3)}}, "expected MatConvNet's DagNN"),
    ],
)
def test_a_mat_file_that_is_no_dagnn(content, fact, tmp_path):
    savemat(tmp_path / "x.mat", content)
    with pytest.raises(SrBenchError, match=fact):
        read_dagnn(tmp_path / "x.mat")


def test_a_parameter_of_another_kind_is_named(tmp_path):
    params = np.empty((1, 1), dtype=[("name", object), ("value", object)])
    params[0, 0] = ("bn1_moments", np.ones((2, 2)))
    savemat(tmp_path / "x.mat", {"net": {"params": params}})
    with pytest.raises(SrBenchError, match="parameter 'bn1_moments' ends neither in _f"):
        read_dagnn(tmp_path / "x.mat")
