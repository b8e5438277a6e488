"""``sr-bench check-method`` and ``keys`` on networks that nothing here knows, in any folder."""

import json
from pathlib import Path

import pytest
import torch

from sr_bench.conformance import method_contract as contract
from sr_bench.conformance.configurations import Choice
from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.networks.method_files import load_method
from sr_bench.support.errors import WrongUse
from sr_bench.support.files import sha256

pytest_plugins = ["pytester"]

CHECKS = len(load_protocols().bicubic) + 6
NETWORK = """
import torch
from torch import nn
from sr_bench.networks.method import Method, Published, Samples, Setup, Training
from sr_bench.networks.weights import load_strictly, read_checkpoint


class Net(nn.Module):
    colour, reach = "rgb", {reach}

    def __init__(self, scale):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
        self.last = nn.Conv2d(4, 3 * scale**2, 3, padding=1)
        self.drop, self.scale = nn.Dropout(0.5), scale

    def forward(self, lr):
        return nn.functional.pixel_shuffle(self.last(self.drop(self.body(lr))), self.scale)


def load(setup):
    model, file = Net(setup.scale), setup.require_file("mine")
    state = read_checkpoint(file)
    {change}
    load_strictly(model, state, file)
    return model{ready}


METHOD = Method(name="mine", load=load, reference="r", {fields})
"""
PUBLISHED = 'published={("", "author", 3): Published("mine-weights", "mine_x3.pth")}'
EXAMPLE = "example=lambda path, variant, scale: torch.save(Net(scale).state_dict(), path)"
TRAINING = (
    "training=Training(network=lambda variant, scales: Net(scales[0]), model=lambda s, t: None,"
    "samples=lambda variant: Samples('rgb', 'rgb-matlab'), recipes=RECIPES)"
)


@pytest.fixture
def written(tmp_path):
    """A method file, and a file of weights that fits it at x3."""

    def write(fields="", *, reach=2, ready=".eval()", change=""):
        text = NETWORK.format(fields=fields, reach=reach, ready=ready, change=change)
        path = tmp_path / "mine.py"
        path.write_text(("RECIPES = {}\n" if "RECIPES" in fields else "") + text)
        torch.manual_seed(1)
        torch.save(network(path, 3).state_dict(), tmp_path / "mine_x3.pth")
        return path

    return write


def network(path, scale):
    return load_method(path).load.__globals__["Net"](scale)


def check(cli, path, *words, status=0):
    out, err = cli(["check-method", path, *words, "--json"], status, cwd=path.parent)
    return json.loads(out)["checks"] if out else err


def test_given_weights_are_those_that_are_checked(cli, written):
    path = written()
    found = check(cli, path, "--weights", "mine_x3.pth", "--scale", 3)
    assert [c["status"] for c in found] == ["passed"] * (CHECKS - 1)  # nothing is to be fetched
    assert {c["what"] for c in found[1:]} == {"mine-mine_x3-x3"}
    torch.save(network(path, 2).state_dict(), path.with_name("mine_x3.pth"))
    found = check(cli, path, "--weights", "mine_x3.pth", "--scale", 3, status=1)
    assert "last.weight is (12, 4, 3, 3), the network has (27, 4, 3, 3)" in found[2]["why"]


def test_weights_of_a_published_name_are_that_configuration(cli, written):
    found = check(cli, written(PUBLISHED), "--weights", "mine_x3.pth")
    assert {c["what"] for c in found[1:]} == {"mine-author-x3"}


@pytest.mark.parametrize("fields", [EXAMPLE, TRAINING])
def test_weights_are_made_up_by_the_file(cli, written, fields):
    found = check(cli, written(fields), "--scale", 3)
    assert [c["status"] for c in found] == ["passed"] * CHECKS


def test_without_any_weights_it_says_why(cli, written):
    found = check(cli, written(PUBLISHED), status=1)
    assert [c["status"] for c in found] == ["passed", "failed", "skipped"]
    assert "--weights names no other file" in found[2]["why"]


def test_fetched_weights_of_the_projects_catalogue_are_found(cli, written, tmp_path):
    path, file = written(PUBLISHED), tmp_path / "mine_x3.pth"
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "catalogue" / "sources.yaml").write_text(
        "mine-weights: {kind: weights, title: t, licence: l, base: 'https://a.org/', "
        f"files: {{mine_x3.pth: {file.stat().st_size} {sha256(file)}}}}}"
    )
    assert [c["status"] for c in check(cli, path, status=1)].count("skipped") == 1
    (tmp_path / "data" / "mine-weights").mkdir(parents=True)
    file.rename(tmp_path / "data" / "mine-weights" / file.name)
    assert [c["status"] for c in check(cli, path)] == ["passed"] * CHECKS


@pytest.mark.parametrize(
    ("how", "fact"),
    [
        ({"ready": ""}, "Net is in training mode"),
        ({"reach": 1}, "reach is 1 lr pixels, but cutting the image changes pixels"),
        ({"change": "model.colour = None"}, "the model's colour is None"),
        ({"change": "state[0]"}, "load fails with KeyError"),
    ],
)
def test_what_is_wrong_is_found_at_load(cli, written, how, fact):
    path = written(EXAMPLE, **how)
    out, err = cli(["check-method", path, "--scale", 3], 1, cwd=path.parent)
    assert fact in " ".join(out.split()) and "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (["--weights", "none.pth"], "none.pth: no such file"),
        (["--weights", "mine_x3.pth"], "say --variant and --scale"),
        (["--variant", "small"], "unknown variant 'small'"),
    ],
)
def test_what_is_not_there_is_told(cli, written, words, fact):
    path = written()
    _, err = cli(["check-method", path, *words], 1 if "such" in fact else 2, cwd=path.parent)
    assert fact in " ".join(err.split())


def test_a_scale_without_published_weights(written, tmp_path):
    path = written(PUBLISHED)
    with pytest.raises(WrongUse, match="no published weights of any variant x2; it has mine-auth"):
        contract.checks(path, load_method(path), tmp_path, Choice(tmp_path, scale=2))


def test_keys_of_a_method_without_a_map(cli, written):
    path = written()
    words = ["keys", path, "", 3, "mine_x3.pth"]
    rows = json.loads(cli([*words, "--json"], cwd=path.parent)[0])
    assert [(r["theirs"], r["ours"], r["divisor"]) for r in rows] == [
        (key, key, 1.0) for key in ("body.0.weight", "body.0.bias", "last.weight", "last.bias")
    ]
    assert "4 keys; none missing, none left over" in cli(words, cwd=path.parent)[0]


def test_keys_that_the_method_changes(cli, written):
    path = written(change="state['last.bias'] = state['last.bias'] / 255")
    words = ["keys", path, "", 3, "mine_x3.pth"]
    rows = {r["theirs"]: r for r in json.loads(cli([*words, "--json"], cwd=path.parent)[0])}
    assert rows["last.bias"]["ours"] is None and rows[""]["ours"] == "last.bias"
    assert "4 keys, of which the network has 3" in cli(words, cwd=path.parent)[0]


TEST = """
import pytest

@pytest.mark.method_file("mine.py", weights="mine_x3.pth", scale=3)
def test_mine(obeys_contract):
    obeys_contract()
"""


@pytest.mark.parametrize(
    ("reach", "outcome"), [(2, {"passed": 3}), (1, {"passed": 2, "failed": 1})]
)
def test_the_plugin_runs_the_contract(pytester, monkeypatch, written, tmp_path, reach, outcome):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    written(reach=reach)
    for name in ("mine.py", "mine_x3.pth"):
        (pytester.path / name).write_bytes((tmp_path / name).read_bytes())
    pytester.makepyfile(TEST)
    options = ("-p", "sr_bench.conformance.plugin", "-p", "no:cacheprovider", "--strict-markers")
    result = pytester.runpytest_inprocess(*options, "-k", "weights or repeated or reach")
    result.assert_outcomes(**outcome)
    if "failed" in outcome:
        result.stdout.fnmatch_lines(["*mine-mine_x3-x3: reach is 1 lr pixels*"])


def test_the_plugin_wants_a_file(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile("def test_mine(obeys_contract): pass")
    options = ("-p", "sr_bench.conformance.plugin", "-p", "no:cacheprovider")
    result = pytester.runpytest_inprocess(*options)
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*name the file: @pytest.mark.method_file*"])


# Other people's networks with their own weights

METHODS = Path(__file__).resolve().parent.parent / "methods"


@pytest.mark.slow
def test_a_network_that_leaves_the_range_on_noise_passes(cli, real, tmp_path):
    """PAN returns 1e21 for noise; for what looks like a photo its values are right."""
    (file,) = (p for p in real("PAN-author-weights") if p.stem == "PANx4_DF2K")
    words = ["check-method", METHODS / "pan.py", "--weights", file, "--scale", 4, "--json"]
    found = json.loads(cli(words, cwd=tmp_path)[0])["checks"]
    assert [c["status"] for c in found] == ["passed"] * (CHECKS - 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "group", "words", "said"),
    [
        ("carn", "CARN-author-weights", ["--scale", 2], "reach = "),
        ("imdn", "IMDN-author-weights", ["--scale", 4], "colour: ModelColour = "),
    ],
)
def test_a_wrong_reach_is_found_with_real_weights(cli, real, tmp_path, name, group, words, said):
    """CARN-M that says 3 is 4 grey levels off in tiles; IMDN's attention sees the whole image."""
    file = next(p for p in real(group) if p.stem in ("carn_m", "IMDN_x4"))
    text = (METHODS / f"{name}.py").read_text()
    line = next(line for line in text.splitlines() if line.startswith(f"    {said}"))
    reach = "    reach = 3" if said == "reach = " else f"{line}\n    reach = 64"
    path = tmp_path / f"{name}.py"
    path.write_text(text.replace(line, reach))
    words = ["check-method", path, "--weights", file, *words, "--json"]
    found = json.loads(cli(words, 1, cwd=tmp_path)[0])["checks"]
    assert [c["check"] for c in found if c["status"] != "passed"] == ["reach"]
