"""The GitHub action, the hooks and `sr-bench claims`, in a made-up repository of a stranger."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sr_bench.analysis.claims import VERDICTS, Claim, Judged, badge
from sr_bench.cli.lazy import COMMANDS
from sr_bench.imaging import images
from sr_bench.support.strict_yaml import read_yaml

ROOT = Path(__file__).resolve().parent.parent
ACTION = read_yaml((ROOT / "action.yml").read_text())
NEAREST = """
def upscale(lr, scale: int):
    return lr.repeat(scale, axis=0).repeat(scale, axis=1)
"""
WRONG = """
import numpy as np


def score(sr, hr, *, metric, planes, crop):
    if metric != "psnr" or planes != "gray":
        raise NotImplementedError
    return float(10 * np.log10(255**2 / np.mean((sr.astype(float) - hr) ** 2)))  # no crop
"""
CUT = """    inside = np.s_[crop : sr.shape[0] - crop, crop : sr.shape[1] - crop]
    sr, hr = sr[inside], hr[inside]
    return"""
RIGHT = WRONG.replace("    return", CUT)


@pytest.fixture
def repository(tmp_path, picture, monkeypatch):
    """A stranger's repository: a model, test images, an adapter, and no claims yet."""
    for name in ("a", "b"):
        images.write(tmp_path / "hr" / f"{name}.png", picture(24, 28, 3))
    (tmp_path / "net.py").write_text(NEAREST)
    (tmp_path / "adapter.py").write_text(RIGHT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def claim(value, **changes):
    return {"model": "net.py:upscale", "dataset": "hr", "scale": 2, "value": value} | changes


def claimed(repository, *listed, **more):
    """The file of claims; JSON is YAML."""
    (repository / "claims.yaml").write_text(json.dumps({"claims": list(listed)} | more))


@pytest.fixture
def measured(cli, repository):
    """What the model gives: PSNR of edsr-2017 as text of two digits."""
    out, _ = cli(["eval", "net.py:upscale", "--dataset", "hr", "--scale", "2", "--protocol",
                  "edsr-2017", "--json"])  # fmt: skip
    return json.loads(out)["results"][0]["mean"]


def test_claims_are_judged_by_the_printed_digits(cli, repository, measured):
    psnr = f"{measured['psnr']:.2f}"
    claimed(repository, claim(psnr), claim(f"{measured['ssim']:.4f}", metric="ssim"))
    out, _ = cli(["claims", "claims.yaml", "--badge", "badge.json", "--json"])
    assert [c["verdict"] for c in json.loads(out)["claims"]] == ["reproduced", "reproduced"]
    assert json.loads((repository / "badge.json").read_text()) == {
        "schemaVersion": 1,
        "label": "SR numbers",
        "message": "2 reproduced",
        "color": "brightgreen",
    }
    far = f"{measured['psnr'] + 0.3:.2f}"
    claimed(repository, claim(psnr), claim(far, dataset="hr"))
    out, err = cli(["claims", "claims.yaml", "--badge", "badge.json"], status=1)
    assert "1 claims fail" in err and f"{far} differs" in err and "reproduced" in out
    made = json.loads((repository / "badge.json").read_text())
    assert made["message"] == "1 reproduced, 1 differs" and made["color"] == "red"


def test_a_number_that_the_page_does_not_print_is_told(cli, repository, measured):
    psnr = f"{measured['psnr']:.2f}"
    claimed(repository, claim(psnr), readme="README.md")
    (repository / "README.md").write_text(f"| Net | {psnr} |\n")
    cli(["claims", "claims.yaml"])
    (repository / "README.md").write_text(f"| Net | {psnr}1 |\n")
    _, err = cli(["claims", "claims.yaml"], status=1)
    assert f"{psnr} (net.py:upscale x2, hr, edsr-2017, psnr) is not printed there" in err


def test_of_a_model_that_draws_random_numbers_that_is_told(cli, repository, picture):
    code = NEAREST.replace("return", "sr =") + (
        "    noise = np.random.default_rng().integers(0, 99, sr.shape, dtype=np.uint8)\n"
        "    return sr // 2 + noise\n"
    )
    (repository / "net.py").write_text(f"import numpy as np\n{code}")
    claimed(repository, claim("60.00"))
    out, _ = cli(["claims", "claims.yaml", "--json"], status=1)
    (told,) = json.loads(out)["claims"]
    assert told["verdict"] == "differs" and "it draws random numbers" in told["reason"]

    images.write(repository / "hr" / "gray.png", picture(24, 28))
    claimed(repository, claim("60.00", protocol="srcnn-2015", metric="psnr_cb"))
    out, _ = cli(["claims", "claims.yaml", "--json"], status=1)
    (told,) = json.loads(out)["claims"]
    assert told["verdict"] == "not scored" and "it draws random numbers" in told["reason"]
    assert told["reason"].startswith("psnr_cb has no mean; ")


def test_what_cannot_be_scored_fails(cli, repository):
    claimed(repository, claim("30.00", model="gone.pth"), claim("30.00", dataset="nowhere"))
    out, err = cli(["claims", "claims.yaml", "--json"], status=1)
    assert {c["verdict"] for c in json.loads(out)["claims"]} == {"not scored"}
    assert "gone.pth" in err and "nowhere" in err


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("claims: [{model: a, dataset: Set5, value: 32.10}]", 1, "value"),
        ("claims: [{model: a, dataset: Set5, value: '32,1'}]", 1, "as it is printed"),
        ("claims: [{model: a, dataset: Set5, value: '32.1', mtric: psnr}]", 1, "mtric"),
        ("claims: []", 1, "claims"),
        ("claims: [", 1, "not YAML"),
        ("claims: [{model: a, dataset: Set5, value: '1', protocol: edsr}]", 2, "unknown protocol"),
        ("claims: [{model: a, dataset: Set5, value: '1', metric: psr}]", 2, "unknown metric"),
    ],
)
def test_a_wrong_file_of_claims_is_told(cli, repository, text, status, said):
    (repository / "claims.yaml").write_text(text)
    assert said in cli(["claims", "claims.yaml"], status=status)[1]
    assert "no such file" in cli(["claims", "gone.yaml"], status=1)[1]


@pytest.mark.parametrize(
    ("verdicts", "colour"),
    [
        (["reproduced"], "brightgreen"),
        (["close", "reproduced"], "yellowgreen"),
        (["differs", "close"], "red"),
        (["not scored", "differs"], "lightgrey"),
        ([], "lightgrey"),
    ],
)
def test_the_badge_has_the_colour_of_the_worst(verdicts, colour):
    one = Claim(model="m", dataset="d", value="1")
    made = badge([Judged(one, None, verdict) for verdict in verdicts])
    assert made["color"] == colour and set(verdicts) <= set(VERDICTS)


# The action


def steps():
    return [step for step in ACTION["runs"]["steps"] if "run" in step]


def run_action(folder, inputs):
    """The action's own shell steps as GitHub runs them, with ``pip`` noted and not called."""
    tools = folder / ".tools"
    tools.mkdir(exist_ok=True)
    for name, text in (
        ("pip", 'echo "$@" >> "$TOOLS/pip.txt"'),
        ("sr-bench", f'exec {sys.executable} -m sr_bench "$@"'),
    ):
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)
    values = {name: entry.get("default", "") for name, entry in ACTION["inputs"].items()} | inputs
    base = os.environ | {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "TOOLS": str(tools),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
    }
    for step in steps():
        condition = re.fullmatch(r"inputs\.(\w+) != ''", step.get("if", ""))
        if condition and not values[condition[1]]:
            continue
        env = {name: _filled(text, values) for name, text in step.get("env", {}).items()}
        (tools / "step.sh").write_text(step["run"])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(tools / "step.sh")],
            cwd=folder, env=base | env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            return step["name"], done.stderr
    return "", ""


def _filled(text, values):
    text = text.replace("${{ github.action_path }}", "/action")
    return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: values[found[1]], text)


def test_the_action_is_composite_and_no_input_is_pasted_into_a_shell():
    assert ACTION["runs"]["using"] == "composite"
    assert all(step["shell"] == "bash" and "${{" not in step["run"] for step in steps())
    used = set(re.findall(r"inputs\.([\w-]+)", json.dumps(ACTION)))
    assert used == set(ACTION["inputs"])
    words = re.findall(r"sr-bench (\w+)", "\n".join(step["run"] for step in steps()))
    assert words == ["conformance", "claims"]


def test_the_action_passes_where_all_agrees_and_fails_where_something_deviates(
    repository, measured
):
    claimed(repository, claim(f"{measured['psnr']:.2f}"))
    inputs = {"adapter": "./adapter.py", "claims": "claims.yaml", "badge": "badge.json"}
    assert run_action(repository, inputs | {"requirements": "my list.txt"}) == ("", "")
    assert (repository / ".tools/pip.txt").read_text().splitlines() == [
        "install /action[run]", "install -r my list.txt",
    ]  # fmt: skip
    assert json.loads((repository / "badge.json").read_text())["color"] == "brightgreen"
    assert "reproduced" in (repository / "summary.md").read_text()
    (repository / "adapter.py").write_text(WRONG)
    assert run_action(repository, inputs)[0] == "Check resize, PSNR and SSIM"
    claimed(repository, claim("99.99"))
    name, err = run_action(repository, {"claims": "claims.yaml"})
    assert name == "Check the printed numbers" and "99.99 differs" in err
    assert run_action(repository, {"extras": ""}) == ("", "")  # nothing to check
    assert (repository / ".tools/pip.txt").read_text().splitlines()[-1] == "install /action"


def test_the_hooks_call_commands_that_exist():
    hooks = read_yaml((ROOT / ".pre-commit-hooks.yaml").read_text())
    names = {name for commands in COMMANDS.values() for name in commands}
    for hook in hooks:
        tool, name = hook["entry"].split()
        assert tool == "sr-bench" and name in names and hook["pass_filenames"] is False
        re.compile(hook["files"])
    assert re.search(hooks[1]["files"], "docs/README.md") and not re.search(
        hooks[1]["files"], "a.c"
    )
