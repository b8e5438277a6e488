"""The built wheel works outside any clone, and scoring needs neither torch nor DVC."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from sr_bench.imaging import images

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = """
import sys
for name in ("torch", "dvc", "skimage"):
    sys.modules[name] = None  # importing it raises ModuleNotFoundError
from sr_bench.cli import main
main()
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel, unpacked as pip would."""
    out = tmp_path_factory.mktemp("wheel")
    source = out / "source"  # setuptools leaves build/ behind
    shutil.copytree(ROOT / "sr_bench", source / "sr_bench")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, source]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as bundle:
        bundle.extractall(out / "site")
    return out / "site"


def call(installed, folder, *arguments):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_wheel_holds_the_package_alone(installed):
    top = {p.name for p in installed.iterdir() if not p.name.endswith(".dist-info")}
    assert top == {"sr_bench"}
    data = {
        "data/catalogue/protocols.yaml", "data/catalogue/sources.yaml", "py.typed",
        "report/templates/README.md.j2",
        "report/site/assets/main.js", "conformance/golden.json", "analysis/drift/tolerances.yaml",
    }  # fmt: skip
    assert all((installed / "sr_bench" / name).is_file() for name in data)
    assert list(installed.glob("*.dist-info/licenses/LICENSE"))


def test_a_command_that_needs_torch_says_so(installed, tmp_path):
    (tmp_path / "params.yaml").write_text(
        "methods: [methods]\nledger: null\nfetch: []\nprotocols: {edsr-2017: [Set5]}\n"
        "runs: {bicubic-x2: {method: bicubic, scale: 2, protocols: [edsr-2017]}}\n"
    )
    done = call(installed, tmp_path, "upscale", "bicubic-x2")
    assert done.returncode == 1
    assert "torch is not installed; it comes with the extra [run] of sr-bench" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_timing_outside_a_clone(installed, project):
    """In processes that have the wheel alone, without pytest."""
    command = [sys.executable, "-c", PROGRAM.replace('"torch", "dvc"', '"pytest", "cpuinfo"')]
    done = subprocess.run(
        [*command, "time", "--device", "cpu-1", "--input", "Set5", "--json"],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    assert row["rounds"] == 10 and row["median_s"] > 0


@pytest.mark.slow
def test_degrade_and_score_outside_a_clone(installed, tmp_path):
    def run(*arguments):
        done = call(installed, tmp_path, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    rng = np.random.default_rng(3)
    for name in ("a", "b"):
        images.write(tmp_path / "hr" / f"{name}.png", rng.integers(0, 256, (49, 50, 3), np.uint8))
    run("degrade", "--hr", "hr", "--out", "lr", "--scale", "2", "--protocol", "edsr-2017")
    for path in (tmp_path / "lr").iterdir():
        lr = images.read(path)
        assert lr.shape == (24, 25, 3)
        images.write(tmp_path / "sr" / f"{path.stem}_x2.png", lr.repeat(2, 0).repeat(2, 1))
    arguments = ["--sr", "sr", "--hr", "hr", "--scale", "2", "--protocol", "edsr-2017", "--json"]
    answer = json.loads(run("score", *arguments))
    assert [i["image"] for i in answer["images"]] == ["a", "b"]
    assert 5 < answer["mean"]["psnr"] < 30
    assert answer["signature"].startswith("protocol:edsr-2017|version:2|")
