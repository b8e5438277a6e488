"""docs/projects.md, walked with the built wheel in an environment of its own."""

import csv
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "projects.md").read_text()
MARKED = re.compile(r"^<!-- (?P<what>[^\n]*) -->\n```\w+\n(?P<text>.*?)^```$", re.M | re.S)
STEPS = [(found["what"], found["text"]) for found in MARKED.finditer(PAGE)]


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A virtual environment with the wheel, and the libraries of this one: no clone in its path."""
    out = tmp_path_factory.mktemp("wheel")
    source = out / "source"
    for name in ("sr_bench", "methods"):
        ignored = shutil.ignore_patterns("__pycache__", "logs")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "params.yaml"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, source]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = out.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", out / "venv"], check=True)
    (site,) = (out / "venv").glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as bundle:
        bundle.extractall(site)
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    for name, module in (("sr-bench", "sr_bench"), ("dvc", "dvc")):
        script = out / "venv" / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {out}/venv/bin/python -m {module} "$@"\n')
        script.chmod(0o755)
    return out / "venv"


def hashes(folder):
    return {
        path: sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.slow
def test_the_page_makes_a_report_with_verdicts(environment, tmp_path):
    package = next(environment.glob("lib/python*/site-packages/sr_bench"))
    before = hashes(package)
    path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "SR_BENCH_MIRROR")}

    def run(*words):
        started = time.monotonic()
        done = subprocess.run(
            list(words),
            cwd=tmp_path,
            env=clean | {"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        print(f"{time.monotonic() - started:5.1f} s: {' '.join(words)[:90]}")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert str(environment) in run("python", "-c", "import sr_bench; print(sr_bench.__file__)")
    for what, text in STEPS:
        if what == "step":
            for line in text.splitlines():
                last = run(*shlex.split(line))
        elif what == "run":
            run("python", "-c", text)
        else:
            (tmp_path / what.removeprefix("file: ")).write_text(text)
    assert "Running stage 'report'" in last
    assert "Data and pipelines are up to date." in run("dvc", "repro")
    with (tmp_path / "reports" / "reproduction.csv").open(newline="") as file:
        verdicts = {row["method"]: row["verdict"] for row in csv.DictReader(file)}
    assert verdicts == {"bicubic": "reproduced", "sharper": "close"}
    assert hashes(package) == before


def test_the_page_has_every_step():
    assert [what for what, _ in STEPS].count("step") == 6
    assert any(what == "file: methods/sharper.py" for what, _ in STEPS)
