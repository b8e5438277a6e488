"""MDSR: sizes, the authors' weights against a plain forward pass, and what is refused."""

import runpy
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.networks.method import Setup
from sr_bench.networks.method_files import load_method
from sr_bench.support.errors import SrBenchError

METHOD = load_method(Path(__file__).resolve().parent.parent / "methods/mdsr.py")
KEY_MAP = METHOD.load.__globals__["key_map"]
DEGRADATION = load_protocols().degradations["rgb-matlab"]
SHARED = runpy.run_path(str(Path(__file__).with_name("made_up.py")))
image = SHARED["image"]
MEAN = torch.tensor([0.4488, 0.4371, 0.4040]).reshape(1, 3, 1, 1)
official = partial(SHARED["official"], mean=MEAN)
SCALES = (2, 3, 4)


def layers(blocks, scales=SCALES):
    """Name, outputs, inputs and kernel of each convolution, as the paper has them."""
    found = [("head.0", 64, 3, 3), ("tail.0", 3, 64, 3), (f"body.{blocks}", 64, 64, 3)]
    for i in range(blocks):
        found += [(f"body.{i}.body.{j}", 64, 64, 3) for j in (0, 2)]
    for scale in scales:
        k = scale - 2
        found += [(f"pre_process.{k}.{b}.body.{j}", 64, 64, 5) for b in (0, 1) for j in (0, 2)]
        found += [(f"upsample.{k}.0", 64 * (9 if scale == 3 else 4), 64, 3)]
    return found + ([("upsample.2.2", 256, 64, 3)] if 4 in scales else [])


def random_state(blocks=16, scales=SCALES, value_range=1):
    """Our keys; biases for values of 0..value_range.

    A bias for 0..255 divided by 255 has no rounding, so formats can be compared in float64.
    """
    torch.manual_seed(0)
    state = {}
    for name, outputs, inputs, kernel in layers(blocks, scales):
        spread = 1 / (kernel**2 * inputs) ** 0.5
        if "body." in name and blocks > 16:
            spread /= 2  # eighty unscaled residuals would double the values fifteen times
        state[f"{name}.weight"] = spread * torch.randn(outputs, inputs, kernel, kernel)
        bias = torch.round(0.1 * torch.randn(outputs) * 2**12) / 2**12
        state[f"{name}.bias"] = value_range * bias
    return state


def plain(state, lr, *, blocks=16, scale, value_range=1):
    """The published network on values of 0..value_range, one operation after another."""

    def conv(x, name):
        weight, bias = (state[f"{name}.{kind}"].to(x.dtype) for kind in ("weight", "bias"))
        return functional.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)

    def block(x, name):
        return x + conv(functional.relu(conv(x, f"{name}.body.0")), f"{name}.body.2")

    k = {2: 0, 3: 1, 4: 2}[scale]
    mean = MEAN.to(lr.dtype) * value_range
    x = conv(lr * value_range - mean, "head.0")
    first = x = block(block(x, f"pre_process.{k}.0"), f"pre_process.{k}.1")
    for i in range(blocks):
        x = block(x, f"body.{i}")
    x = first + conv(x, f"body.{blocks}")
    for i in range(2 if scale == 4 else 1):
        x = functional.pixel_shuffle(conv(x, f"upsample.{k}.{2 * i}"), 3 if scale == 3 else 2)
    return (conv(x, "tail.0") + mean) / value_range


def write(tmp_path, name, state):
    if name == "official":
        torch.save(official(state), tmp_path / "mdsr.pt")
        return tmp_path / "mdsr.pt"
    save_file(state, tmp_path / "mdsr.safetensors")
    return tmp_path / "mdsr.safetensors"


def setup(path, scale=2, variant="baseline"):
    return Setup(variant, "some", path, scale, DEGRADATION)


# The network


@pytest.mark.parametrize(
    ("variant", "blocks", "count"), [("baseline", 16, 3_227_203), ("full", 80, 7_953_987)]
)
def test_parameters_are_as_many_as_published(variant, blocks, count):
    with torch.device("meta"):
        network = METHOD.training.network(variant, SCALES)
    assert sum(p.numel() for p in network.parameters()) == count
    shapes = {f"{n}.weight": (o, i, k, k) for n, o, i, k in layers(blocks)}
    state = network.state_dict()
    assert sum(v.numel() for v in state.values()) == count
    assert {k: tuple(v.shape) for k, v in state.items() if k.endswith("weight")} == shapes


@pytest.mark.parametrize("scales", [(2, 3, 4), (2, 4), (3,)])
def test_a_network_of_some_scales_keeps_their_names_and_becomes_a_model(scales):
    network = METHOD.training.network("baseline", scales).double()
    state = network.state_dict()
    assert {k.split(".")[1] for k in state if k.startswith("upsample")} == {
        str(s - 2) for s in scales
    }
    lr = image(5, 4)
    for scale in scales:
        model = METHOD.training.model(state, setup(None, scale)).double()
        assert (model.colour, model.reach, model.training) == ("rgb", 44, False)
        with torch.no_grad():
            assert model(lr).shape == (1, 3, 5 * scale, 4 * scale)
            torch.testing.assert_close(model(lr), network(lr, scale), atol=1e-12, rtol=0)
    for scale in set(SCALES) - set(scales):
        with pytest.raises(SrBenchError, match=rf"mdsr baseline x{scale}: has layers for x\d"):
            METHOD.training.model(state, setup(None, scale))


@pytest.mark.parametrize("scale", SCALES)
def test_a_training_that_starts_from_edsr_begins_as_edsr(scale):
    edsr = load_method(Path(METHOD.load.__code__.co_filename).with_name("edsr.py")).training
    torch.manual_seed(1)
    theirs = edsr.network("baseline", (scale,)).double()
    network = METHOD.training.network("baseline", SCALES).double()
    given = METHOD.training.adopt(theirs.state_dict())
    assert network.load_state_dict(given, strict=False).unexpected_keys == []
    lr = image(5, 4)
    with torch.no_grad():
        torch.testing.assert_close(network(lr, scale), theirs(lr), atol=1e-12, rtol=0)


def test_a_training_that_starts_from_mdsr_takes_all_of_it():
    state = METHOD.training.network("baseline", SCALES).state_dict()
    assert METHOD.training.adopt(state) == state


def test_no_network_for_another_scale():
    with pytest.raises(SrBenchError, match="scale is 8, MDSR has 2, 3 and 4"):
        METHOD.training.network("baseline", (2, 8))


# Formats


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("name", "value_range"), [("official", 255), ("ours", 1)])
def test_weights_of_each_format_do_what_their_program_does(tmp_path, name, value_range, scale):
    state = random_state(value_range=value_range)
    lr = image(5, 7)
    with torch.inference_mode():
        sr = METHOD.load(setup(write(tmp_path, name, state), scale)).double()(lr)
        expected = plain(state, lr, scale=scale, value_range=value_range)
    assert expected.std() > 0.1
    torch.testing.assert_close(sr, expected, atol=1e-13 * expected.abs().max().item(), rtol=0)


def test_full_weights(tmp_path):
    state = random_state(blocks=80, value_range=255)
    model = METHOD.load(setup(write(tmp_path, "official", state), 3, "full")).double()
    lr = image(4, 3)
    with torch.inference_mode():
        expected = plain(state, lr, blocks=80, scale=3, value_range=255)
        sr = model(lr)
    torch.testing.assert_close(sr, expected, atol=1e-13 * expected.abs().max().item(), rtol=0)
    assert model.reach == 172


def test_the_key_map_has_a_row_for_every_key(tmp_path):
    state = random_state()
    rows = KEY_MAP(write(tmp_path, "official", state), "baseline", 4)
    assert [r.theirs for r in rows] == list(official(state))
    assert all(r.ours == (None if "mean" in r.theirs else r.theirs) for r in rows)
    assert all(r.divisor == (255 if r.ours and "bias" in r.ours else 1) for r in rows)
    rows = KEY_MAP(write(tmp_path, "ours", state), "baseline", 4)
    assert all((r.ours, r.divisor) == (r.theirs, 1) for r in rows) and len(rows) == len(state)


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


@pytest.mark.parametrize("name", ["official", "ours"])
@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"upsample.1.0.bias": None}, "upsample.1.0.bias is missing"),
        ({"tail.0.bias": torch.zeros(4)}, "tail.0.bias is (4,), the network has (3,)"),
        ({"upsample.1.2.bias": torch.zeros(4)}, "upsample.1.2.bias is not part of the network"),
    ],
)
def test_keys_that_do_not_fit_are_refused(tmp_path, name, change, fact):
    state = {k: v for k, v in (random_state() | change).items() if v is not None}
    assert fact in refusal(write(tmp_path, name, state))


@pytest.mark.parametrize("name", ["official", "ours"])
def test_weights_of_another_scale_or_variant_are_refused(tmp_path, name):
    path = write(tmp_path, name, random_state(scales=(2, 3)))
    assert "has layers for x2, x3, x4 needs upsample.2 and pre_process.2" in refusal(path, 4)
    error = refusal(path, 2, "full")
    assert "body.16.body.0.weight is missing" in error and "more; check the variant" in error


def test_the_only_scale_of_the_official_code_may_be_called_by_the_first_ones_name(tmp_path):
    of_x3 = {k.replace("upsample.1", "upsample.0"): v for k, v in random_state(scales=(3,)).items()}
    of_x3 = {k.replace("pre_process.1", "pre_process.0"): v for k, v in of_x3.items()}
    path = write(tmp_path, "official", of_x3)
    assert "upsample.0.0.weight is (576, 64, 3, 3), the network has (256, " in refusal(path)
    assert "has layers for x2, x3 needs upsample.1" in refusal(path, 3)


def test_weights_of_edsr_are_refused(tmp_path):
    state = random_state()
    edsr = {k.replace("upsample.0", "tail.0"): v for k, v in state.items() if "pre_" not in k}
    assert "don't belong to the network: tail.0.0." in refusal(write(tmp_path, "official", edsr))
    edsr = {k: v for k, v in edsr.items() if "upsample" not in k}
    assert "has layers for no scale, x2 needs" in refusal(write(tmp_path, "ours", edsr))


def test_another_mean_and_an_unknown_value_range_are_refused(tmp_path):
    path, state = tmp_path / "mdsr.pt", random_state()
    torch.save(official(state) | {"add_mean.bias": MEAN.flatten()}, path)
    assert "add_mean.bias is [0.4488, 0.4371, 0.404], expected [114.444, " in refusal(path)
    torch.save(state, path)
    assert "sub_mean.weight is missing from its 102 keys" in refusal(path)


class Evil:
    def __init__(self, proof):
        self.proof = proof

    def __reduce__(self):
        return Path.touch, (self.proof,)


def test_a_malicious_file_is_refused_and_runs_nothing(tmp_path):
    proof, path = tmp_path / "code-was-run", tmp_path / "mdsr_baseline-a00cab12.pt"
    torch.save(official(random_state()) | {"x": Evil(proof)}, path)
    assert "refused: it isn't a checkpoint of tensors alone" in refusal(path)
    assert not proof.exists()


def test_damaged_safetensors_are_refused(tmp_path):
    path = write(tmp_path, "ours", random_state())
    path.write_bytes(path.read_bytes()[:-1])
    assert "not a readable safetensors file" in refusal(path)


def test_mdsr_without_weights_says_so():
    with pytest.raises(SrBenchError, match="mdsr baseline: weights are 'some', but it can't run"):
        METHOD.load(setup(None))
