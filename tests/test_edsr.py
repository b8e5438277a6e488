"""EDSR: sizes, each format of weights against a plain forward pass, and what is refused."""

import runpy
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.networks.method import Setup
from sr_bench.networks.method_files import load_method
from sr_bench.support.errors import SrBenchError, WrongUse

METHOD = load_method(Path(__file__).resolve().parent.parent / "methods/edsr.py")
KEY_MAP = METHOD.load.__globals__["key_map"]
DEGRADATION = load_protocols().degradations["rgb-matlab"]
SHARED = runpy.run_path(str(Path(__file__).with_name("made_up.py")))
image = SHARED["image"]
MEAN = torch.tensor([0.4488, 0.4371, 0.4040]).reshape(1, 3, 1, 1)
official = partial(SHARED["official"], mean=MEAN)


def layers(features, blocks, scale):
    """Name, outputs and inputs of each convolution, as the paper has them."""
    found = [("head.0", features, 3)]
    for i in range(blocks):
        found += [(f"body.{i}.body.{j}", features, features) for j in (0, 2)]
    found += [(f"body.{blocks}", features, features)]
    if scale == 3:
        found += [("tail.0.0", 9 * features, features)]
    else:
        found += [(f"tail.0.{2 * i}", 4 * features, features) for i in range(scale // 2)]
    return [*found, ("tail.1", 3, features)]


def random_state(scale, features=64, blocks=16, value_range=1):
    """Our keys; biases for values of 0..value_range.

    A bias for 0..255 divided by 255 has no rounding, so formats can be compared in float64.
    """
    torch.manual_seed(scale)
    state = {}
    for name, outputs, inputs in layers(features, blocks, scale):
        state[f"{name}.weight"] = torch.randn(outputs, inputs, 3, 3) / (9 * inputs) ** 0.5
        bias = torch.round(0.1 * torch.randn(outputs) * 2**12) / 2**12
        state[f"{name}.bias"] = value_range * bias
    return state


def plain(state, lr, *, blocks=16, res_scale=1.0, scale, value_range=1):
    """The published network on values of 0..value_range, one operation after another."""

    def conv(x, name):
        weight, bias = (state[f"{name}.{kind}"].to(x.dtype) for kind in ("weight", "bias"))
        return functional.conv2d(x, weight, bias, padding=1)

    mean = MEAN.to(lr.dtype) * value_range
    first = x = conv(lr * value_range - mean, "head.0")
    for i in range(blocks):
        x = x + res_scale * conv(functional.relu(conv(x, f"body.{i}.body.0")), f"body.{i}.body.2")
    x = first + conv(x, f"body.{blocks}")
    for i in range(2 if scale == 4 else 1):
        x = functional.pixel_shuffle(conv(x, f"tail.0.{2 * i}"), 3 if scale == 3 else 2)
    return (conv(x, "tail.1") + mean) / value_range


def relative(state, upsamplers, prefix="", blocks=16):
    """Under the names of mmediting and BasicSR."""
    names = {"head.0": "conv_first", f"body.{blocks}": "conv_after_body", "tail.1": "conv_last"}
    for i in range(blocks):
        names |= {f"body.{i}.body.0": f"body.{i}.conv1", f"body.{i}.body.2": f"body.{i}.conv2"}
    names |= dict(zip(("tail.0.0", "tail.0.2"), upsamplers))
    split = {key: key.rsplit(".", 1) for key in state}
    return {f"{prefix}{names[n]}.{kind}": state[k] for k, (n, kind) in split.items()}


def mmediting(state):
    upsamplers = ("upsample.0.upsample_conv", "upsample.1.upsample_conv")
    renamed = relative(state, upsamplers, "generator.")
    return {"meta": {"iter": 300000}, "state_dict": renamed, "optimizer": {}}


def basicsr(state):
    return {"params": relative(state, ("upsample.0", "upsample.2"))}


FORMATS = {
    "official": (official, 255, ".pt"),
    "mmediting": (mmediting, 1, ".pth"),
    "basicsr": (basicsr, 255, ".pth"),
    "ours": (None, 1, ".safetensors"),
}


def write(tmp_path, name, state):
    wrap, _, suffix = FORMATS[name]
    path = tmp_path / f"edsr{suffix}"
    if wrap:
        torch.save(wrap(state), path)
    else:
        save_file(state, path)
    return path


def setup(path, scale=2, variant="baseline"):
    return Setup(variant, "some", path, scale, DEGRADATION)


# The network


@pytest.mark.parametrize(
    ("variant", "scale", "count"),
    [
        ("baseline", 2, 1_369_859),
        ("baseline", 3, 1_554_499),
        ("baseline", 4, 1_517_571),
        ("full", 2, 40_729_603),
        ("full", 3, 43_680_003),
        ("full", 4, 43_089_923),
    ],
)
def test_parameters_are_as_many_as_published(variant, scale, count):
    with torch.device("meta"):
        network = METHOD.training.network(variant, (scale,))
    assert sum(p.numel() for p in network.parameters()) == count
    assert sum(v.numel() for v in network.state_dict().values()) == count
    sizes = (64, 16) if variant == "baseline" else (256, 32)
    shapes = {f"{n}.weight": (o, i, 3, 3) for n, o, i in layers(*sizes, scale)}
    state = network.state_dict()
    assert {k: tuple(v.shape) for k, v in state.items() if k.endswith("weight")} == shapes


def test_one_network_has_one_scale():
    with pytest.raises(SrBenchError, match=r"edsr has one scale, not \(2, 3\)"):
        METHOD.training.network("baseline", (2, 3))
    with pytest.raises(WrongUse, match=r"unknown variant 'ful' .*did you mean full"):
        METHOD.training.network("ful", (2,))


def test_a_trained_state_becomes_a_model_that_several_threads_can_call():
    network = METHOD.training.network("baseline", (2,)).double()
    model = METHOD.training.model(network.state_dict(), setup(None)).double()
    images = [image(6, 5 + i) for i in range(4)]
    with torch.no_grad():
        expected = [network(x) for x in images]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(torch.no_grad()(model), images))
    assert (model.colour, model.reach, model.training) == ("rgb", 36, False)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)


# Formats


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", FORMATS)
def test_weights_of_each_format_do_what_their_program_does(tmp_path, name, scale):
    value_range = FORMATS[name][1]
    state = random_state(scale, value_range=value_range)
    path = write(tmp_path, name, state)
    lr = image(5, 7)
    with torch.inference_mode():
        sr = METHOD.load(setup(path, scale)).double()(lr)
        expected = plain(state, lr, scale=scale, value_range=value_range)
    assert expected.std() > 0.1
    torch.testing.assert_close(sr, expected, atol=1e-11, rtol=0)


def test_full_weights_have_their_residuals_scaled(tmp_path):
    state = random_state(2, features=256, blocks=32, value_range=255)
    model = METHOD.load(setup(write(tmp_path, "official", state), variant="full")).double()
    lr = image(3, 4)
    with torch.inference_mode():
        expected = plain(state, lr, blocks=32, res_scale=0.1, scale=2, value_range=255)
        torch.testing.assert_close(model(lr), expected, atol=1e-11, rtol=0)
    assert model.reach == 68


@pytest.mark.parametrize("name", FORMATS)
def test_the_key_map_has_a_row_for_every_key(tmp_path, name):
    state = random_state(4)
    path = write(tmp_path, name, state)
    rows = {r.theirs: r for r in KEY_MAP(path, "baseline", 4)}
    assert {r.ours for r in rows.values()} - {None} == set(state)
    assert all(r.shape == tuple(state[r.ours].shape) for r in rows.values() if r.ours)
    scaled = {r.ours for r in rows.values() if r.divisor != 1}
    biases = {k for k in state if k.endswith(".bias")}
    assert scaled == (biases if name in ("official", "basicsr") else set())
    left_out = {f"{m}_mean.{kind}" for m in ("sub", "add") for kind in ("weight", "bias")}
    assert {k for k, r in rows.items() if not r.ours} == (left_out if name == "official" else set())


# What is refused


def refusal(path, scale=2, variant="baseline"):
    """What load and key_map both say."""
    with pytest.raises(SrBenchError) as caught:
        METHOD.load(setup(path, scale, variant))
    with pytest.raises(SrBenchError) as mapped:
        KEY_MAP(path, variant, scale)
    assert str(caught.value) == str(mapped.value)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


@pytest.mark.parametrize("name", FORMATS)
def test_weights_of_another_scale_are_refused(tmp_path, name):
    path = write(tmp_path, name, random_state(3))
    error = refusal(path)
    assert "tail.0.0.weight is (576, 64, 3, 3), the network has (256, 64, 3, 3)" in error
    assert "check the variant, the scale" in error
    path = write(tmp_path, name, random_state(4))
    assert "tail.0.2.weight is not part of the network" in refusal(path)


@pytest.mark.parametrize("name", FORMATS)
def test_weights_of_another_variant_are_refused(tmp_path, name):
    path = write(tmp_path, name, random_state(2))
    with pytest.raises(SrBenchError) as caught:
        KEY_MAP(path, "full", 2)
    for fact in ("body.0.body.0.weight is (64, 64, 3, 3), the network has (256, 256", "more;"):
        assert fact in str(caught.value)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"body.3.body.0.bias": None}, "body.3.body.0.bias is missing"),
        ({"tail.1.bias": torch.zeros(4)}, "tail.1.bias is (4,), the network has (3,)"),
        ({"head.0.weight": torch.zeros(64, 1, 3, 3)}, "head.0.weight is (64, 1, 3, 3)"),
    ],
)
def test_keys_that_do_not_fit_are_refused(tmp_path, name, change, fact):
    state = {k: v for k, v in (random_state(2) | change).items() if v is not None}
    assert fact in refusal(write(tmp_path, name, state))


@pytest.mark.parametrize("key", ["generator.mean", "mean", "tail.2.weight", "body.0.body.1.weight"])
@pytest.mark.parametrize("name", ["official", "mmediting", "basicsr"])
def test_unknown_keys_are_refused(tmp_path, name, key):
    path = write(tmp_path, name, random_state(2))
    content = torch.load(path, weights_only=True)
    state = content.get("state_dict", content.get("params", content))
    state[key] = torch.zeros(3)
    torch.save(state, path)
    count = 77 if name == "official" else 73
    error = refusal(path)
    assert f"1 of {count} keys don't belong to the network: {key}; check the method" in error


def test_a_mean_of_other_data_is_refused(tmp_path):
    path = tmp_path / "edsr.pt"
    torch.save(official(random_state(2)) | {"sub_mean.bias": torch.full((3,), -127.5)}, path)
    assert "sub_mean.bias is [-127.5, -127.5, -127.5], expected [-114.444, " in refusal(path)


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    path = tmp_path / "edsr.pt"
    torch.save(random_state(2), path)  # ours without its suffix: the value range is unknown
    assert "its keys are body.0.body.0.bias, body.0.body.0.weight, " in refusal(path)
    assert "EDSR's have sub_mean.weight" in refusal(path)


class Evil:
    def __init__(self, proof):
        self.proof = proof

    def __reduce__(self):
        return Path.touch, (self.proof,)


def test_a_malicious_file_is_refused_and_runs_nothing(tmp_path):
    proof, path = tmp_path / "code-was-run", tmp_path / "edsr_baseline_x2-1bc95232.pt"
    torch.save(official(random_state(2)) | {"x": Evil(proof)}, path)
    assert "refused: it isn't a checkpoint of tensors alone" in refusal(path)
    assert not proof.exists()


def test_damaged_safetensors_are_refused(tmp_path):
    path = write(tmp_path, "ours", random_state(2))
    path.write_bytes(path.read_bytes()[:-1])
    assert "not a readable safetensors file" in refusal(path)


def test_edsr_without_weights_says_so():
    with pytest.raises(SrBenchError, match="edsr baseline: weights are 'some', but it can't run"):
        METHOD.load(setup(None))
