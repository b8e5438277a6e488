"""What people do with DVC beside `dvc repro`, in a path with spaces: docs/pipeline.md lists it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
RUN = "bicubic-x3"
PARAMS = """\
methods: [methods]
ledger: null
fetch: [skimage-photos]
datasets: {}
protocols: {edsr-2017: [skimage-photos], basicsr-rgb: [skimage-photos]}
runs:
  bicubic-x3:  # a comment
    method: bicubic
    origin: sr_bench/data/catalogue/sources.yaml
    scale: 3
    protocols: &all [edsr-2017, basicsr-rgb]
train: {}
train_warm: {}
train_joined: {}
figures: {}
viewer: {}
"""
pytestmark = pytest.mark.slow


def run(folder, *command):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    git = {f"GIT_{who}_{what}": "nobody@example.org" for who in ("AUTHOR", "COMMITTER")
           for what in ("NAME", "EMAIL")}  # fmt: skip
    more = {"PATH": path, "GIT_CONFIG_GLOBAL": os.devnull, "DVC_NO_ANALYTICS": "1", **git}
    done = subprocess.run(
        command, cwd=folder, env=os.environ | more, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def dvc(folder, *words):
    return run(folder, sys.executable, "-m", "dvc", *words)


def ran(said):
    return re.findall(r"Running stage '([^']+)'", said)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("with spaces") / "a project"
    ignore = shutil.ignore_patterns("__pycache__", "weights", "logs", "checkpoints")
    shutil.copytree(ROOT / "sr_bench", root / "sr_bench", ignore=ignore)
    (root / "methods").mkdir()
    (root / "benchmarks/results").mkdir(parents=True)
    shutil.copy(ROOT / "methods/bicubic.py", root / "methods")
    shutil.copy(ROOT / "dvc.yaml", root)
    (root / "params.yaml").write_text(PARAMS)
    (root / ".gitignore").write_text("/build/\n/data/\n/reports/\n__pycache__/\n")
    (root / ".dvcignore").write_text("__pycache__/\n")
    run(root, "git", "init", "-q")
    dvc(root, "init", "-q")
    dvc(root, "repro", "-q", f"score@{RUN}")
    run(root, "git", "add", "-A")
    run(root, "git", "commit", "-qm", "made")
    return root


def scored(root):
    text = (root / f"build/scores/{RUN}.csv").read_text()
    return {p for p in ("edsr-2017", "basicsr-rgb") if f",{p}," in text}


def test_share_results_and_take_them_elsewhere(made, tmp_path):
    assert scored(made) == {"edsr-2017", "basicsr-rgb"}
    dvc(made, "remote", "add", "-f", "-d", "share", str(tmp_path / "a share"))
    run(made, "git", "commit", "-qam", "remote")
    dvc(made, "push", "-q")
    other = tmp_path / "other worktree"
    run(made, "git", "worktree", "add", "-q", str(other), "HEAD")
    dvc(other, "pull", "-q")
    assert scored(other) == scored(made)
    assert not ran(dvc(other, "repro", f"score@{RUN}"))
    for name in ("build", "data", ".dvc/cache"):
        shutil.rmtree(made / name)
    dvc(made, "pull", "-q")
    assert not ran(dvc(made, "repro", f"score@{RUN}"))


def test_one_stage_alone(made):
    said = dvc(made, "repro", "-f", "-s", f"upscale@{RUN}")  # for the notes of what is there
    assert ran(said) == [f"upscale@{RUN}"]
    said = dvc(made, "repro", "-f", "-s", f"upscale@{RUN}")
    assert "nothing to upscale; 10 images were there" in said


def test_try_a_value(made):
    said = dvc(made, "exp", "run", "-S", f"runs.{RUN}.protocols=[edsr-2017]", f"score@{RUN}")
    assert set(ran(said)[:2]) == {"work", f"weights@{RUN}"}  # neither reads the other's note
    assert ran(said)[2:] == [f"upscale@{RUN}", f"score@{RUN}"]
    assert "nothing to upscale; 5 images were there" in said
    assert scored(made) == {"edsr-2017"}
    assert "# a comment" in (made / "params.yaml").read_text()
    said = dvc(made, "params", "diff")
    assert f"runs.{RUN}.protocols" in said and "['edsr-2017']" in said
    run(made, sys.executable, "-m", "sr_bench", "list", "runs")


def test_curves_and_verdicts(tmp_path):
    clone = tmp_path / "clone"
    run(tmp_path, "git", "clone", "-q", "--no-hardlinks", str(ROOT), str(clone))
    assert "WARNING" not in dvc(clone, "plots", "show")
    assert dvc(clone, "metrics", "show")
    assert not run(clone, "git", "status", "--short")
