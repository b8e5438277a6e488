"""The contract, on every method file with every variant and weights it names.

Published weights are replaced by small made-up files in the same formats, so nothing is fetched.
A method with another format teaches `FAKES` to make one.
"""

import ast
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat
from torch.nn import functional

from sr_bench.errors import SrBenchError
from sr_bench.method import Setup, load_method
from sr_bench.protocol import load_protocols
from sr_bench.resize import imresize
from sr_bench.sources import find_source
from sr_bench.training.recipe import find_recipe

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "methods").glob("*.py")) + sorted((ROOT / "demo/methods").glob("*.py"))
METHODS = {p.stem: load_method(p) for p in FILES}
DEGRADATIONS = load_protocols().degradations
PLANES = {"any": (1, 3), "y": (1,), "rgb": (3,), "ycbcr": (3,)}


def srcnn_mat(path, kernels, rng):
    f1, f2, f3 = kernels
    arrays = {
        "weights_conv1": rng.normal(0, 0.1, (f1 * f1, 64)),
        "biases_conv1": rng.normal(0, 0.1, (64, 1)),
        "weights_conv2": rng.normal(0, 0.05, (64, f2 * f2, 32)),
        "biases_conv2": rng.normal(0, 0.1, (32, 1)),
        "weights_conv3": rng.normal(0, 0.05, (32, f3 * f3)),
        "biases_conv3": rng.normal(0, 0.1, (1, 1)),
    }
    savemat(path, arrays)
    return arrays


def srcnn_pth(path, kernels, rng):
    state, sizes = {}, (3, 64, 32, 3)
    for i, kernel in enumerate(kernels):
        shape = (sizes[i + 1], sizes[i], kernel, kernel)
        weight = torch.tensor(rng.normal(0, 0.05, shape), dtype=torch.float32)
        state[f"generator.conv{i + 1}.weight"] = weight
        bias = rng.normal(0, 0.1, sizes[i + 1])
        state[f"generator.conv{i + 1}.bias"] = torch.tensor(bias, dtype=torch.float32)
    torch.save({"meta": {"iter": 1}, "state_dict": state}, path)
    return {k.removeprefix("generator."): v for k, v in state.items()}


def srcnn(path, variant, scale, rng):
    kernels = tuple(int(k) for k in variant.split("-"))
    return (srcnn_mat if path.suffix == ".mat" else srcnn_pth)(path, kernels, rng)


def random_state(method, variant, scales, rng):
    """Under our keys; the values overlap in memory, so that files of 40M weights stay small."""
    with torch.device("meta"):
        network = METHODS[method].training.network(variant, scales)
    state = {}
    for key, tensor in network.state_dict().items():
        spread = np.sqrt(1 / tensor[0].numel()) if tensor.ndim > 1 else 0.01
        values = torch.tensor(rng.normal(0, spread, 4096), dtype=torch.float32)
        state[key] = values.as_strided(tensor.shape, (1, 5, 3, 2)[: tensor.ndim])
    return state


def official(path, state):
    """The authors' format: our keys and two layers for the mean, values of 0..255."""
    mean = 255 * torch.tensor([0.4488, 0.4371, 0.4040])
    for layer, bias in (("sub_mean", -mean), ("add_mean", mean)):
        state |= {f"{layer}.weight": torch.eye(3).reshape(3, 3, 1, 1), f"{layer}.bias": bias}
    torch.save(state, path)


def edsr(path, variant, scale, rng):
    state = random_state("edsr", variant, (scale,), rng)
    if path.suffix == ".pt":
        return official(path, state)
    theirs = {"head.0": "conv_first", "body.16": "conv_after_body", "tail.1": "conv_last"}
    theirs |= {"tail.0.0": "upsample.0.upsample_conv", "tail.0.2": "upsample.1.upsample_conv"}
    theirs |= {f"body.{i}.body.{2 * j}": f"body.{i}.conv{j + 1}" for i in range(16) for j in (0, 1)}
    layers = {k: k.rpartition(".") for k in state}
    renamed = {f"generator.{theirs[n]}.{kind}": state[k] for k, (n, _, kind) in layers.items()}
    return torch.save({"meta": {"iter": 1}, "state_dict": renamed}, path)


def mdsr(path, variant, scale, rng):
    official(path, random_state("mdsr", variant, (2, 3, 4), rng))


# method -> makes a weights file at a path, for a variant and scale
FAKES = {"srcnn": srcnn, "edsr": edsr, "mdsr": mdsr}
# Up to 43M weights: these see smaller images, and one degradation, which they don't use.
LARGE = {("edsr", "full"), ("mdsr", "full")}


def configurations():
    found = []
    for method in METHODS.values():
        keys = list(method.published) or [
            (v, "none", s) for v in method.variants for s in (2, 3, 4)
        ]
        for variant, weights, scale in keys:
            name = "-".join(p for p in (method.name, variant, weights, f"x{scale}") if p)
            marks = [pytest.mark.slow] if (method.name, variant) in LARGE and scale > 2 else []
            found.append(pytest.param(method, variant, weights, scale, id=name, marks=marks))
    return found


def setup_of(method, variant, weights, scale, tmp_path, degradation="rgb-matlab"):
    published = method.weights_file(variant, weights, scale)
    file = None
    if published is not None:
        file = tmp_path / Path(published.name).name
        FAKES[method.name](file, variant, scale, np.random.default_rng(5))
    return Setup(variant, weights, file, scale, DEGRADATIONS[degradation])


def lr_of(shape, seed=0):
    """Multiples of 1 / 255, as lr has."""
    values = np.random.default_rng(seed).integers(0, 256, shape)
    return torch.from_numpy((values / 255).astype(np.float32))


every = pytest.mark.parametrize(("method", "variant", "weights", "scale"), configurations())


@every
def test_the_weights_file_is_one_that_can_be_fetched(method, variant, weights, scale):
    published = method.weights_file(variant, weights, scale)
    if published is None:
        assert weights == "none"
    else:
        assert find_source(published.group).kind == "weights"
        find_source(published.group).file(published.name)


def with_degradations():
    return [
        pytest.param(*c.values, degradation, id=f"{c.id}-{degradation}", marks=c.marks)
        for c in configurations()
        for degradation in sorted(DEGRADATIONS)
        if degradation == "rgb-matlab" or (c.values[0].name, c.values[1]) not in LARGE
    ]


@pytest.mark.parametrize(
    ("method", "variant", "weights", "scale", "degradation"), with_degradations()
)
def test_contract(method, variant, weights, scale, degradation, tmp_path):
    large = (method.name, variant) in LARGE
    model = method.load(setup_of(method, variant, weights, scale, tmp_path, degradation))
    assert model.colour in PLANES
    with torch.inference_mode():
        for channels in PLANES[model.colour]:
            for height, width in ((3, 5), (1, 1)) if large else ((17, 23), (8, 31), (1, 1)):
                lr = lr_of((1, channels, height, width))
                kept = lr.clone()
                sr = model(lr)
                assert sr.shape == (1, channels, height * scale, width * scale)
                assert sr.dtype == torch.float32
                assert torch.isfinite(sr).all()
                assert torch.equal(lr, kept), "the input was changed in place"
                if model.colour == "any":
                    each = [model(plane[:, None]) for plane in lr.unbind(1)]
                    assert torch.equal(torch.cat(each, dim=1), sr), "planes are not treated alike"


@every
def test_a_call_does_not_depend_on_other_calls(method, variant, weights, scale, tmp_path):
    setup = setup_of(method, variant, weights, scale, tmp_path)
    model, fresh = method.load(setup), method.load(setup)
    with torch.inference_mode():
        channels = PLANES[model.colour][-1]
        size = (3, 5) if (method.name, variant) in LARGE else (17, 23)
        lr, other = lr_of((1, channels, *size)), lr_of((1, channels, *size[::-1]), seed=1)
        first = model(lr).clone()
        model(other)
        assert torch.equal(model(lr), first)
        assert torch.equal(fresh(lr), first)
        assert not torch.equal(model(lr.flip(-1)), first), "the output ignores the input"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_recipes_are_valid_and_can_be_read_without_running_the_file(path):
    training = METHODS[path.stem].training
    if training is None:
        return
    body = ast.parse(path.read_text()).body
    assigned = {n.targets[0].id: n.value for n in body if isinstance(n, ast.Assign)}
    assert ast.literal_eval(assigned["RECIPES"]) == training.recipes
    assert set(training.recipes) <= set(METHODS[path.stem].variants)
    for variant, recipes in training.recipes.items():
        assert training.samples(variant).degradation in DEGRADATIONS
        for name in recipes:
            find_recipe(METHODS[path.stem], variant, name)


# SRCNN, against a slow correlation written from the layout that PROTOCOLS describes


def correlate(planes, kernel, bias):
    """'same' correlation with edge values repeated; planes (C, h, w), kernel(c, j) -> (f, f)."""
    size = kernel(0, 0).shape[0]
    height, width = planes.shape[1:]
    padded = np.pad(planes, ((0, 0), *2 * (2 * (size // 2,),)), mode="edge")
    out = np.zeros((len(bias), height, width))
    for j, offset in enumerate(bias.ravel()):
        for c in range(len(planes)):
            filter_ = kernel(c, j)
            for y in range(size):
                for x in range(size):
                    out[j] += filter_[y, x] * padded[c, y : y + height, x : x + width]
        out[j] += offset
    return out


def column_major(values):
    """MATLAB's reshape(values, f, f): down the first column, then down the next."""
    size = int(np.sqrt(len(values)))
    return np.array([[values[x * size + y] for x in range(size)] for y in range(size)])


@pytest.mark.parametrize("variant", ["9-1-5", "9-3-5", "9-5-5"])
def test_srcnn_reads_the_authors_layout(variant, tmp_path):
    path, scale = tmp_path / "x3.mat", 3
    a = srcnn(path, variant, scale, np.random.default_rng(6))
    degradation = DEGRADATIONS["ycbcr-float-replicate"]
    model = METHODS["srcnn"].load(Setup(variant, "author-imagenet", path, scale, degradation))
    lr = lr_of((1, 1, 4, 5))
    with torch.inference_mode():
        sr = model(lr)[0, 0].numpy()

    x = imresize(lr[0, 0].double().numpy(), scale=scale, rounding="none", border="replicate")[None]
    x = correlate(x, lambda _, j: column_major(a["weights_conv1"][:, j]), a["biases_conv1"])
    x = np.maximum(x, 0)
    x = correlate(x, lambda i, j: column_major(a["weights_conv2"][i, :, j]), a["biases_conv2"])
    x = np.maximum(x, 0)
    x = correlate(x, lambda i, _: column_major(a["weights_conv3"][i]), a["biases_conv3"])
    assert np.abs(x).max() > 0.1
    np.testing.assert_allclose(sr, x[0], atol=1e-5)


def test_srcnn_of_mmediting_pads_with_zeros_after_pytorchs_bicubic(tmp_path):
    path = tmp_path / "x4.pth"
    w = srcnn(path, "9-1-5", 4, np.random.default_rng(6))
    setup = Setup("9-1-5", "mmediting", path, 4, DEGRADATIONS["rgb-once"])
    lr = lr_of((1, 3, 6, 7))
    with torch.inference_mode():
        sr = METHODS["srcnn"].load(setup)(lr)
    x = functional.interpolate(lr, size=(24, 28), mode="bicubic", align_corners=False)
    x = functional.relu(functional.conv2d(x, w["conv1.weight"], w["conv1.bias"], padding=4))
    x = functional.relu(functional.conv2d(x, w["conv2.weight"], w["conv2.bias"]))
    x = functional.conv2d(x, w["conv3.weight"], w["conv3.bias"], padding=2)
    torch.testing.assert_close(sr, x, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"biases_conv2": None}, "the authors' files hold"),
        ({"extra": np.ones(3)}, "'extra'"),
        ({"weights_conv2": np.ones((64, 32))}, "(64, 32)"),
        ({"weights_conv1": np.ones((80, 64))}, "80 values, expected a square number"),
        ({"weights_conv3": np.ones((32, 81))}, "conv3.weight is (1, 32, 9, 9)"),
        ({"biases_conv1": np.ones((63, 1))}, "conv1.bias is (63,), the network has (64,)"),
    ],
)
def test_a_mat_file_that_is_not_the_authors(tmp_path, change, fact):
    path = tmp_path / "x2.mat"
    arrays = srcnn(path, "9-1-5", 2, np.random.default_rng(6)) | change
    savemat(path, {k: v for k, v in arrays.items() if v is not None})
    setup = Setup("9-1-5", "author-t91", path, 2, DEGRADATIONS["rgb-matlab"])
    with pytest.raises(SrBenchError) as caught:
        METHODS["srcnn"].load(setup)
    assert str(caught.value).startswith(f"{path}: ")
    assert fact in str(caught.value)


def test_the_weights_of_another_variant_are_refused(tmp_path):
    path = tmp_path / "x2.mat"
    srcnn(path, "9-5-5", 2, np.random.default_rng(6))
    setup = Setup("9-1-5", "author-t91", path, 2, DEGRADATIONS["rgb-matlab"])
    with pytest.raises(SrBenchError, match=r"x2\.mat: .*conv2\.weight is \(32, 64, 5, 5\)"):
        METHODS["srcnn"].load(setup)


def test_srcnn_without_weights_says_so():
    setup = Setup("9-1-5", "none", None, 2, DEGRADATIONS["rgb-matlab"])
    with pytest.raises(SrBenchError, match="srcnn 9-1-5: weights are 'none'"):
        METHODS["srcnn"].load(setup)
