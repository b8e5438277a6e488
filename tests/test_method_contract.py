"""The contract, on every method file of this project's folders.

The checks are those of ``sr-bench check-method``. Weights that are published are replaced by
made-up files: for the methods here in their authors' formats (`FAKES`), for any other as that
command does.
"""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat
from torch import nn
from torch.nn import functional

from sr_bench.conformance import configurations as named
from sr_bench.conformance import method_contract as contract
from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.imaging.resize import imresize
from sr_bench.networks.key_table import key_table
from sr_bench.networks.method import Method, Published, Setup
from sr_bench.networks.method_files import method_files
from sr_bench.project.project import Project
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.support.scale import SCALES

ROOT = Path(__file__).resolve().parent.parent
FILES = method_files([*Project.load(ROOT).method_folders, ROOT / "demo" / "methods"])
METHODS = {name: method for name, (_, method) in FILES.items()}
DEGRADATIONS = load_protocols().bicubic
RULE = DEGRADATIONS["rgb-matlab"]


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
    kernels = tuple(int(k) for k in variant.removesuffix("-limited").split("-"))
    return (srcnn_mat if path.suffix == ".mat" else srcnn_pth)(path, kernels, rng)


def random_state(method, variant, scales, rng):
    """Under our keys; the values overlap in memory, so that files of 40M weights stay small."""
    with torch.device("meta"):
        network = METHODS[method].training.network(variant, scales)
    state = {}
    for key, tensor in network.state_dict().items():
        spread = np.sqrt(1 / tensor[0].numel()) if tensor.ndim > 1 else 0.01
        values = torch.tensor(rng.normal(0, spread, 16384), dtype=torch.float32)
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


# method -> makes a weights file at a path as its authors do, for a variant and scale
FAKES = {"srcnn": srcnn, "edsr": edsr, "mdsr": mdsr}
# Up to 43M weights: these see one degradation, which they don't use.
LARGE = {("edsr", "full"), ("mdsr", "full")}
CONFIGURATIONS = [of for method in METHODS.values() for of in named.configurations(method)]


def param(of, *more):
    """One case; the largest networks at x3 and x4 are left to `make test-all`."""
    slow = (of.method.name, of.variant) in LARGE and of.scale > 2
    name = "-".join([str(of), *more])
    return pytest.param(of, *more, id=name, marks=[pytest.mark.slow] if slow else [])


def weights_file(of, folder):
    """A made-up file; a skip with the reason where none can be made."""
    published = of.method.published.get((of.variant, of.weights, of.scale))
    if published is None or of.method.name not in FAKES:
        try:
            return named.weights_file(of, folder, named.Choice(ROOT / "data"))
        except named.NoFile as error:
            pytest.skip(str(error))
    file = folder / Path(published.name).name
    FAKES[of.method.name](file, of.variant, of.scale, np.random.default_rng(5))
    return named.Weights(file)


def lr_of(shape, seed=0):
    return contract.lr_of(shape[1], shape[2:], seed)


every = pytest.mark.parametrize("of", [param(of) for of in CONFIGURATIONS])


@every
def test_the_weights_file_is_one_that_can_be_fetched(of):
    contract.check_published(of)


@pytest.mark.parametrize(
    ("of", "degradation"),
    [
        param(of, name)
        for of in CONFIGURATIONS
        for name in sorted(DEGRADATIONS)
        if name == "rgb-matlab" or (of.method.name, of.variant) not in LARGE
    ],
)
def test_contract(of, degradation, tmp_path):
    contract.check_model(of, weights_file(of, tmp_path), DEGRADATIONS[degradation])


@every
def test_a_call_does_not_depend_on_other_calls(of, tmp_path):
    contract.check_repeated(of, weights_file(of, tmp_path), RULE)


@pytest.mark.parametrize(
    "of",
    {(of.method.name, of.variant): of for of in CONFIGURATIONS if of.variant != "full"}.values(),
    ids=str,
)
def test_reach_is_what_the_file_says(of, tmp_path):
    contract.check_reach(of, weights_file(of, tmp_path), RULE)


@pytest.mark.parametrize(
    "of",
    {(of.method.name, of.variant): of for of in CONFIGURATIONS if of.variant != "full"}.values(),
    ids=str,
)
def test_images_of_a_batch_are_as_if_alone_where_the_file_says_so(of, tmp_path):
    contract.check_batches(of, weights_file(of, tmp_path), RULE)


@pytest.mark.parametrize("name", METHODS)
def test_a_scale_without_a_network_is_refused_before_anything_is_loaded(name, tmp_path):
    method = METHODS[name]
    for scale in set(SCALES) - set(method.scales):
        setup = Setup(method.variants[0], "author", tmp_path / "not-there.pth", scale, RULE)
        with pytest.raises(WrongUse, match=f"method {name}: scale is {scale}, it has "):
            method.built(setup, name)
        with pytest.raises(WrongUse, match=f"method {name}: scale is {scale}, it has "):
            key_table(method, method.variants[0], scale, tmp_path / "not-there.pth", RULE)


@pytest.mark.parametrize("name", [n for n, m in METHODS.items() if m.example or not m.published])
def test_there_is_a_network_for_each_scale(name, tmp_path):
    method = METHODS[name]
    for scale in method.scales:
        of = named.Configuration(method, method.variants[0], "made-up", scale)
        loaded = contract.Loaded.of(of, named.weights_file(of, tmp_path / str(of)), RULE)
        loaded.call(contract.lr_of(contract.PLANES[loaded.model.colour][0], (8, 7)))


@pytest.mark.parametrize("name", FILES)
def test_recipes_are_valid_and_can_be_read_without_running_the_file(name):
    contract.check_recipes(*FILES[name])


# The checks themselves, on methods that break the contract


class Right(nn.Module):
    colour, reach = "rgb", 1

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 12, 3, padding=1)
        self.calls = 0

    def forward(self, lr):
        return functional.pixel_shuffle(self.conv(lr), 2)


class InTraining(Right):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.5)


class Holder:
    colour = "rgb"

    def __init__(self):
        self.network = Right()

    def __call__(self, lr):
        return self.network(lr)


class HolderOfSeveral:
    colour = "rgb"

    def __init__(self):
        self.parts = {"first": [Right().eval(), nn.Dropout(0.5)]}

    def __call__(self, lr):
        return self.parts["first"][0](lr)


def closure():
    network = Right()

    def call(lr):
        return network(lr)

    call.colour = "rgb"
    return call


class NoColour(Right):
    colour = None


class OtherSize(Right):
    def forward(self, lr):
        return self.conv(lr)[:, :3]


class Double(Right):
    def forward(self, lr):
        return super().forward(lr).double()


class Bytes(Right):
    def forward(self, lr):
        return super().forward(lr) * 255 + 100


class Nothing(Right):
    def forward(self, lr):
        self.conv(lr)


class Fails(Right):
    def forward(self, lr):
        return lr.view(7, -1)


class InPlace(Right):
    def forward(self, lr):
        return super().forward(lr.mul_(0.5))


class Remembers(Right):
    def forward(self, lr):
        self.calls += 1
        return super().forward(lr) + 0.01 * self.calls


class Constant(Right):
    def forward(self, lr):
        return 0.5 + 0 * super().forward(lr)


class FarReach(Right):
    def forward(self, lr):
        return super().forward(functional.avg_pool2d(lr, 5, 1, 2))


class Attends(Right):
    def forward(self, lr):
        return super().forward(lr) + lr.mean()


class Mixes(Attends):
    batches, reach = True, None  # takes the mean of all images


class Strided(Right):
    def forward(self, lr):
        height, width = lr.shape[2:]
        small = functional.avg_pool2d(lr, 2, ceil_mode=True)
        return super().forward(functional.interpolate(small, (height, width), mode="nearest"))


def of(kind, ready=True):
    def load(setup):
        model = kind()
        return model.eval() if ready and isinstance(model, nn.Module) else model

    return named.Configuration(Method(name="mine", load=load, reference="r"), "", "none", 2)


def checked(one):
    model, repeated = contract.check_model, contract.check_repeated
    for check in (model, repeated, contract.check_reach, contract.check_batches):
        check(one, named.NO_WEIGHTS, RULE)


def test_a_right_model_passes():
    checked(of(Right))


@pytest.mark.parametrize(
    ("kind", "fact"),
    [
        (Mixes, "batches is True, but in a batch values differ by"),
        (NoColour, "the model's colour is None, expected one of"),
        (dict, "load returned dict, expected a model that can be called"),
        (Holder, "is in training mode"),
        (HolderOfSeveral, "Dropout is in training mode"),
        (closure, "is in training mode"),
        (OtherSize, "returned (1, 3, 17, 23) torch.float32, expected (1, 3, 34, 46)"),
        (Double, "returned (1, 3, 34, 46) torch.float64, expected"),
        (Bytes, "expected about [0, 1]"),
        (Nothing, "returned NoneType, expected a tensor"),
        (Fails, "the model fails on an lr image of (1, 3, 17, 23) with RuntimeError"),
        (InPlace, "the input was changed in place"),
        (Remembers, "a call depends on earlier calls"),
        (Constant, "the output ignores the input"),
        (FarReach, "reach is 1 lr pixels, but cutting the image changes pixels further away by"),
        (Attends, "reach is 1 lr pixels, but"),
        (Strided, "reach is 1 lr pixels, but"),
    ],
)
def test_what_breaks_the_contract_is_told(kind, fact):
    with pytest.raises(SrBenchError) as caught:
        checked(of(kind))
    assert "mine-none-x2" in str(caught.value)
    assert fact in str(caught.value)


def test_training_mode_is_refused_with_the_layer():
    with pytest.raises(SrBenchError, match=r"InTraining is in training mode.*model\.eval"):
        checked(of(InTraining, ready=False))


def test_load_that_fails_is_told():
    method = Method(name="mine", load=lambda setup: {}["key"], reference="r")
    fact = "mine-none-x2: load fails with KeyError: 'key'; mend the file of method mine"
    with pytest.raises(SrBenchError, match=fact):
        checked(named.Configuration(method, "", "none", 2))


BROKEN = """
import torch
from torch import nn
from sr_bench.networks.method import Method


class Net(nn.Module):
    colour, reach = "rgb", {reach}

    def forward(self, lr):
        {forward}
        return nn.functional.interpolate(lr, scale_factor=2, mode="nearest")


METHOD = Method(name="mine", load=lambda setup: {load}, reference="r")
"""


@pytest.mark.parametrize(
    ("reach", "forward", "load", "facts"),
    [
        (0, "pass", "Net()", ["mine-x2: Net is in training mode"]),
        (0, "pass", "Nte().eval()", ["mine-x2: load fails with NameError"]),
        (0, "pass", "None", ["mine-x2: load returned NoneType"]),
        (0, "lr = lr + lr.mean()", "Net().eval()", ["mine-x2: reach is 0 lr pixels, but"]),
        (0, "lr = nn.functional.avg_pool2d(lr, 3, 1, 1)", "Net().eval()", ["reach is 0"]),
        (-1, "pass", "Net().eval()", ["the model's reach is -1"]),
        (0, "lr.view(7, -1)", "Net().eval()", ["the model fails on an lr image of (1, 3, "]),
    ],
)
def test_a_run_of_a_broken_method_ends_in_one_error(project, cli, reach, forward, load, facts):
    (project / "methods").mkdir()
    text = BROKEN.format(reach=reach, forward=forward, load=load)
    (project / "methods" / "mine.py").write_text(text)
    params = (project / "params.yaml").read_text()
    params = re.sub("methods: .*", "methods: [methods]", params)
    params += "  mine-x2: {method: mine, scale: 2, protocols: [edsr-2017], tile: 16}\n"
    (project / "params.yaml").write_text(params)
    cli(["fetch", "--run", "mine-x2"], cwd=project)
    _, err = cli(["upscale", "mine-x2"], status=1)
    assert "Traceback" not in err
    for fact in facts:
        assert fact in " ".join(err.split())


def test_weights_that_cannot_be_made_are_skipped_with_the_reason(tmp_path):
    published = {("", "author", 2): Published("SRCNN-author-weights", "x.mat")}
    method = Method(name="mine", load=print, reference="r", published=published)
    every = contract.checks(tmp_path, method, tmp_path, named.Choice(tmp_path))
    outcomes = list(contract.outcomes(every))
    assert [o.status for o in outcomes] == ["passed", "failed", "skipped"]
    assert "unknown file 'x.mat'" in outcomes[1].why
    assert "sr-bench fetch SRCNN-author-weights" in outcomes[2].why


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


def test_limited_srcnn_clips_the_enlargement_alone(tmp_path):
    path, scale = tmp_path / "x2.mat", 2
    srcnn(path, "9-5-5", scale, np.random.default_rng(6))
    whole, limited = (
        METHODS["srcnn"].load(
            Setup(variant, "author-imagenet", path, scale, DEGRADATIONS["ycbcr-float-mirror"])
        )
        for variant in ("9-5-5", "9-5-5-limited")
    )
    middle = 0.3 + 0.4 * torch.rand(1, 1, 6, 6)
    with torch.inference_mode():
        assert torch.equal(whole(middle), limited(middle))
        for value, limit in ((0, 16 / 255), (1, 235 / 255)):
            flat = limited(torch.full((1, 1, 6, 6), float(value)))
            assert torch.equal(flat, whole.network(torch.full((1, 1, 12, 12), limit)))


def test_limited_bicubic_clips_y():
    lr, setup = lr_of((1, 1, 6, 5)), Setup("", "none", None, 2, DEGRADATIONS["ycbcr-float-mirror"])
    lr[..., :3, :], lr[..., 3:, :] = 0, 1  # an edge, where bicubic goes too far
    whole, limited = (METHODS[name].load(setup)(lr) for name in ("bicubic", "bicubic_limited"))
    assert whole.min() < 0 and whole.max() > 1
    expected = whole.clamp(16 / 255, 235 / 255)
    assert torch.allclose(limited, expected, rtol=0, atol=1e-7)


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
