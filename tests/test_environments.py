"""What pyproject.toml promises, and the files that fix versions, say the same."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from sr_bench.support.strict_yaml import read_yaml

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HASHED = ("requirements/cpu.txt", "requirements/cuda.txt")


def pins(name):
    """Package to version of a file of pins."""
    found = re.findall(r"^([\w.-]+)==([\w.+!-]+)", (ROOT / name).read_text(), re.M)
    return {canonicalize_name(package): version for package, version in found}


def asked(*extras):
    """What sr-bench asks for, with some of its extras."""
    lines = list(PROJECT["dependencies"])
    for extra in extras:
        lines += PROJECT["optional-dependencies"][extra]
    return {canonicalize_name(r.name): r for r in map(Requirement, lines)}


def test_the_oldest_versions_are_the_lower_bounds():
    oldest = pins("constraints-oldest.txt")
    for name, wanted in asked("run").items():
        (bound,) = (s.version for s in wanted.specifier if s.operator == ">=")
        assert Version(oldest[name]) == Version(bound), name


@pytest.mark.parametrize("name", HASHED)
def test_files_with_hashes_have_the_versions_of_the_constraints(name):
    hashed, known = pins(name), pins("constraints.txt")
    differing = {p: v for p, v in hashed.items() if p in known and v.partition("+")[0] != known[p]}
    assert not differing, "run: make hashes"
    assert asked("run", "test").keys() <= hashed.keys(), "run: make hashes"
    for package, wanted in asked("run", "test").items():
        assert wanted.specifier.contains(hashed[package].partition("+")[0]), package


@pytest.mark.parametrize("name", HASHED)
def test_every_package_has_hashes(name):
    blocks = re.split(r"\n(?=[\w.-]+==)", "\n" + (ROOT / name).read_text())[1:]
    assert len(blocks) > 100
    for block in blocks:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block.partition("\n")[0]


def test_the_workflow_has_every_python_that_is_promised():
    text = (ROOT / ".github/workflows/environments.yml").read_text()
    jobs = read_yaml(text)["jobs"]
    pythons = {entry["python"] for entry in jobs["suite"]["strategy"]["matrix"]["include"]}
    assert pythons == {"3.11", "3.12", "3.13"}
    assert PROJECT["requires-python"] == ">=3.11"
    assert "docker build" in text and "--require-hashes" in text
