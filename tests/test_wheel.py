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
from sr_bench.support.strict_yaml import read_yaml

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
    shutil.copytree(ROOT / "methods", source / "methods")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "params.yaml"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, source]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as bundle:
        bundle.extractall(out / "site")
    return out / "site"


def call(installed, folder, *arguments, program=PROGRAM):
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
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
    assert not list(installed.rglob("__pycache__"))


def test_the_wheel_brings_the_methods_and_the_weights_of_their_runs(installed):
    folder = installed / "sr_bench" / "_methods"
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    methods = {p.name for p in (ROOT / "methods").glob("*.py")}
    runs = read_yaml((ROOT / "params.yaml").read_text())["runs"].values()
    origins = {Path(run["origin"]) for run in runs}
    weights = {f"weights/{path.name}" for path in origins if path.suffix == ".safetensors"}
    assert (
        files
        == methods
        | weights
        | {"published.csv", "citations.yaml", "costs.csv", "titles.yaml", "params.yaml"}
        and len(weights) > 10
    )


WITH_TORCH = PROGRAM.replace('"torch", "dvc", "skimage"', '"dvc",')


def test_methods_and_their_weights_without_a_clone(installed, tmp_path):
    code = (
        "import numpy as np, sr_bench\n"
        "from sr_bench.networks.installed import packaged_folder\n"
        "print(*sr_bench.methods())\n"
        "weights = packaged_folder() / 'weights/srcnn-9-1-5-sr-bench-t91-x3.safetensors'\n"
        "model = sr_bench.load_model('srcnn', variant='9-1-5', scale=3, weights=weights)\n"
        "print(sr_bench.upscale(model, np.full((20, 30), 99, np.uint8)).shape)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    names, shape = done.stdout.split("\n")[:2]
    assert set(names.split()) == {path.stem for path in (ROOT / "methods").glob("*.py")}
    assert shape == "(60, 90)"


def test_a_project_runs_packaged_methods_weights_and_numbers(installed, project):
    (project / "params.yaml").write_text(
        "methods: [sr_bench.methods]\nledger: sr_bench.published\nfetch: [Set5]\n"
        "protocols: {edsr-2017: [Set5]}\n"
        "runs:\n"
        "  srcnn-9-1-5-sr-bench-t91-x3:\n"
        "    {method: srcnn, variant: 9-1-5, weights: sr-bench-t91, scale: 3,\n"
        "     protocols: [edsr-2017]}\n"
    )
    run = "srcnn-9-1-5-sr-bench-t91-x3"
    for words in (["fetch", "--run", run], ["upscale", run], ["score", run], ["report"]):
        done = call(installed, project, *words, program=WITH_TORCH)
        assert done.returncode == 0, done.stderr
    note = json.loads((project / "build" / "weights" / f"{run}.json").read_text())
    assert note["file"] == f"sr_bench.methods/weights/{run}.safetensors"
    published = (project / "reports" / "reproduction.csv").read_text().splitlines()
    assert len(published) == len((ROOT / "methods/published.csv").read_text().splitlines())


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
    program = PROGRAM.replace('"torch", "dvc"', '"pytest", "cpuinfo"')
    words = ("time", "--device", "cpu-1", "--input", "Set5", "--json")
    done = call(installed, project, *words, program=program)
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
