"""methods/README.md, followed word by word: its blocks become files, its commands run."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sr_bench.conformance import method_contract as contract
from sr_bench.data.catalogue.entries import read_entries
from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.data.catalogue.sources import read_source
from sr_bench.networks.method import Published
from sr_bench.networks.method_files import load_method

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "methods" / "README.md").read_text()
DEGRADATIONS = load_protocols().bicubic
CLONED = (
    *("sr_bench", "methods", "demo/methods", "pyproject.toml", "params.yaml"),
    *("tests/conftest.py", "tests/test_method_contract.py"),
)
SOURCES = "sr_bench/data/catalogue/sources.yaml"


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)


FILE, TRAINING = blocks("python")
GROUP, RUNS = blocks("yaml")
COMMANDS = blocks("sh")[0].splitlines()


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """What of this repository a method needs, and the README's steps 1 to 3."""
    root = tmp_path_factory.mktemp("clone")
    ignored = shutil.ignore_patterns("__pycache__", "logs")
    for name in CLONED:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, root / name)
    (root / "methods" / "mine.py").write_text(FILE)
    with (root / SOURCES).open("a") as file:
        file.write("\n" + GROUP)
    params = (root / "params.yaml").read_text()
    assert params.count("\nruns:\n") == 1
    (root / "params.yaml").write_text(params.replace("\nruns:\n", "\n" + RUNS))
    return root


def followed(root, command):
    """A command of the README. mypy runs here, so that it needn't check this repository anew."""
    program, *words = shlex.split(command)
    module = {"sr-bench": "sr_bench"}.get(program, program)
    folder = ROOT if program == "mypy" else root
    words = [str(root / word) if program == "mypy" else word for word in words]
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "RUFF_NO_CACHE": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_check_method_passes_every_check(clone):
    assert COMMANDS[0] == "sr-bench check-method mine"
    out = followed(clone, COMMANDS[0])
    assert f"mine: {len(DEGRADATIONS) + 6} passed, 0 failed, 0 skipped" in out


def test_the_contract_test_passes_as_it_is(clone):
    assert COMMANDS[1] == "pytest tests/test_method_contract.py -k mine"
    out = followed(clone, COMMANDS[1] + " -p no:cacheprovider")
    assert "failed" not in out and "skipped" not in out
    assert int(re.search(r"(\d+) passed", out)[1]) >= len(DEGRADATIONS) + 4


def test_ruff_and_mypy_find_nothing(clone):
    assert [command.split()[0] for command in COMMANDS[2:]] == ["ruff", "mypy"]
    for command in COMMANDS[2:]:
        followed(clone, command)


def test_the_run_is_known(clone):
    out = followed(clone, "sr-bench list runs --json")
    assert "mine-small-author-x2" in out


def test_a_model_in_training_mode_is_refused(clone, cli):
    other = clone / "other.py"
    other.write_text(FILE.replace("return model.eval()", "return model"))
    out, _ = cli(["check-method", other], status=1)
    assert "mine-small-author-x2" in out and "training mode" in out


def test_the_group_of_weights_is_a_right_entry():
    source = read_source("mine-weights", read_entries(GROUP.encode()))
    assert source.kind == "weights" and source.file("mine_x2.pth")


def test_the_weights_are_those_of_the_group(clone):
    method = load_method(clone / "methods" / "mine.py")
    assert method.weights_file("small", "author", 2) == Published(
        "mine-weights", "mine_x2.pth", trained_on="DIV2K"
    )


def test_the_method_with_recipes_can_be_trained(clone):
    """Step 5: the imports that it names, and METHOD replaced."""
    text = FILE[: FILE.index("METHOD = ")] + TRAINING
    text = text.replace(
        "import torch\n", "from collections.abc import Mapping\n\nimport torch\n", 1
    )
    text = text.replace("ModelColour, Published", "ModelColour, Samples, Training")
    path = clone / "trained" / "mine.py"
    path.parent.mkdir()
    path.write_text(text)
    contract.check_recipes(path, load_method(path))
    for command in ("ruff check trained/mine.py", "mypy trained/mine.py"):
        followed(clone, command)


def test_every_method_stands_in_the_table():
    listed = README.split("## Here now")[1]
    files = {path.name for path in (ROOT / "methods").glob("*.py")}
    assert {name for name in files if f"`{name}`" not in listed} == set()
