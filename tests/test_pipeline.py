"""The pipeline: dvc.yaml declares what each stage really reads, and stages run when they should."""

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.data.catalogue.sources import load_sources
from sr_bench.evaluation.upscaling.circumstances import CODE
from sr_bench.imaging import images
from sr_bench.networks.checkpoint import read_facts
from sr_bench.project.project import Project
from sr_bench.support.files import replacing_folder, sha256

ROOT = Path(__file__).resolve().parent.parent
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
# Packages that can't change a result: they name, move, check and lock files, or start the stages.
NEUTRAL = {"support", "data", "project", "cli"}
METHODS = ROOT / "methods"
PACKAGE = ROOT / "sr_bench"


def stage(name):
    return STAGES[name].get("do", STAGES[name])


def package_of(path: Path) -> str:
    """``imaging`` of ``sr_bench/imaging/resize.py``; empty of what isn't in a package of it."""
    inside = path.relative_to(PACKAGE).parts if PACKAGE in path.parents else ()
    return inside[0] if len(inside) > 1 else ""


def imported(start: Path) -> set[Path]:
    """Every file of the project that a file imports, and what those import."""
    seen, todo = set(), [start]
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                todo += files_of(node, path)
    return seen


def files_of(node: ast.ImportFrom, path: Path) -> list[Path]:
    """The files that ``from ... import ...`` names."""
    parent = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
    module = ".".join([*parent, *([node.module] if node.module else [])])
    if not module.startswith("sr_bench"):
        return []
    names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
    bases = [ROOT / name.replace(".", "/") for name in names]
    return [p for b in bases for p in (b.with_suffix(".py"), b / "__init__.py") if p.is_file()]


def covers(deps, path: Path) -> bool:
    return any(path == ROOT / d or (ROOT / d) in path.parents for d in deps)


UPSCALE, SCORE = "evaluation/upscaling/upscale.py", "evaluation/scoring/run.py"
TIME = "timing/session.py", "timing/plan.py", "timing/measure.py"  # the last in its own process


@pytest.mark.parametrize(
    ("pipeline", "name", "starts", "neutral"),
    [
        # A run depends on its own method's file; training's code doesn't change what weights make.
        ("dvc.yaml", "upscale", [UPSCALE, *METHODS.glob("*.py")], {"training"}),
        # The project looks in networks/ for where method files lie; a score needs none of them.
        ("dvc.yaml", "score", [SCORE], {"networks"}),
        ("dvc.yaml", "report", ["report/write.py"], set()),
        ("demo/dvc.yaml", "upscale", [UPSCALE], set()),
        ("demo/dvc.yaml", "score", [SCORE], set()),
        ("demo/dvc.yaml", "report", ["report/write.py"], set()),
        ("benchmarks/dvc.yaml", "time", [*TIME, *METHODS.glob("*.py")], {"training"}),
    ],
)
def test_stage_depends_on_all_code_that_it_runs(pipeline, name, starts, neutral):
    stages = yaml.safe_load((ROOT / pipeline).read_text())["stages"]
    folder = ROOT / pipeline.removesuffix("dvc.yaml") / stages[name].get("wdir", ".")
    deps = stages[name].get("do", stages[name])["deps"]
    deps = [os.path.normpath(folder / d) for d in deps]
    files = {f for start in starts for f in imported(PACKAGE / start)}
    rest = {f for f in files if f.parent != METHODS and f.parent != PACKAGE}
    missing = {f for f in rest if not covers([*deps, *(PACKAGE / n for n in neutral)], f)}
    assert not {str(f) for f in missing if package_of(f) not in NEUTRAL}


@pytest.mark.parametrize("name", ["protocols.py", "protocols.yaml"])
def test_a_protocol_scores_anew_and_upscales_nothing(name):
    path = PACKAGE / "data/catalogue" / name
    assert covers(stage("score")["deps"], path) and not covers(stage("upscale")["deps"], path)


@pytest.mark.parametrize("pipeline", ["dvc.yaml", "demo/dvc.yaml", "benchmarks/dvc.yaml"])
def test_no_stage_names_a_dataset_or_a_protocol(pipeline):
    text = (ROOT / pipeline).read_text()
    assert not [n for n in (*load_sources(), *load_protocols().protocols) if n in text]


def test_every_dataset_in_use_is_fetched():
    params = Project.load(ROOT).params
    used = {d for datasets in params.protocols.values() for d in datasets}
    assert used <= set(params.fetch)


def test_what_keeps_images_hashes_all_code_that_makes_them():
    files = {f for f in imported(PACKAGE / UPSCALE) if PACKAGE in f.parents and f.parent != PACKAGE}
    missing = {f for f in files if not covers([PACKAGE / part for part in CODE], f)}
    # Of what is left a run's entry, its degradations and its datasets count by their content.
    assert {package_of(f) for f in missing} <= {"project", "data"}
    assert {f.parent.name for f in missing} <= {"project", "catalogue", "data"}


def test_no_output_lies_under_data():
    outs = [o for name in STAGES for o in stage(name)["outs"]]
    paths = [next(iter(o)) if isinstance(o, dict) else o for o in outs]
    assert paths and not [p for p in paths if p.startswith("data")]


@pytest.mark.parametrize("name", ["train", "train-warm", "train-joined"])
def test_a_training_that_fails_leaves_its_outputs(name):
    """DVC removes outputs before a stage runs, but for those that persist."""
    options = [option for out in stage(name)["outs"] for option in out.values()]
    assert options == [{"cache": False, "persist": True}] * 2


def test_data_dvc_pins_the_four_core_sets_and_nothing_else():
    from sr_bench.data.catalogue.sources import find_source

    pinned = yaml.safe_load((ROOT / "data.dvc").read_text())["outs"][0]
    core = [find_source(n) for n in ("T91", "Set5", "Set14", "BSD100")]
    assert pinned["path"] == "data"
    assert pinned["nfiles"] == sum(len(s.files) for s in core)
    assert pinned["size"] == sum(s.bytes for s in core)


TINY = """
from torch import nn
from sr_bench.networks.method import Method, Samples, Training
from sr_bench.networks.weights import load_strictly, read_safetensors

RECIPES = {
    "a": {"fast": {"steps": 3, "batch": 1, "patch": 8, "lr": 1e-4}},
    "b": {"fast": {"steps": 2, "batch": 1, "patch": 8, "lr": 1e-4}},
}


class Tiny(nn.Module):
    colour, reach = "rgb", 1

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 48, 3, padding=1)
        nn.init.constant_(self.conv.weight, 1 / 27)  # untrained, a blurred gray image

    def forward(self, x):
        return nn.functional.pixel_shuffle(self.conv(x), 4)


def build(state, setup):
    model = Tiny()
    load_strictly(model, state, setup.file)
    return model.eval()


METHOD = Method(
    name="tiny",
    load=lambda setup: build(read_safetensors(setup.file), setup),
    reference="r",
    variants=("a", "b"),
    training=Training(
        network=lambda variant, scales: Tiny(),
        model=build,
        samples=lambda variant: Samples(colour="rgb", degradation="rgb-matlab"),
        recipes=RECIPES,
    ),
)
"""
A, B = (f"tiny-{v}-sr-bench-skimage-photos-x4" for v in "ab")


@pytest.fixture(scope="module")
def made(tmp_path_factory, pytestconfig):
    """The pipeline on two demo photographs' worth of work, run once; tests get copies of it.

    The next session takes it from pytest's cache, if it has the same code, libraries and Python.
    """
    root = tmp_path_factory.mktemp("made")
    write_project(root)
    kept = pytestconfig.cache.mkdir("pipeline") / what_decides(root)
    if not kept.exists():
        dvc(root, "init", "--no-scm")
        dvc(root, "config", "core.analytics", "false")
        repro(root)
        for old in kept.parent.glob("[!.]*"):
            shutil.rmtree(old)
        with replacing_folder(kept) as fresh:
            shutil.copytree(root, fresh, symlinks=True, dirs_exist_ok=True)
    return kept


def what_decides(root: Path) -> str:
    """The hash of all files of a project, of this one, of the libraries and of Python."""
    files = [Path(__file__), *(p for p in sorted(root.rglob("*")) if p.is_file())]
    facts = [sys.version, *sorted(f"{d.name} {d.version}" for d in distributions())]
    facts += [f"{p.relative_to(p.parents[1])} {sha256(p)}" for p in files]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def write_project(root: Path) -> None:
    """Code, methods and params.yaml."""
    for name in ("sr_bench", "methods"):
        ignore = shutil.ignore_patterns("__pycache__", "weights", "logs", "checkpoints")
        shutil.copytree(ROOT / name, root / name, ignore=ignore)
    shutil.copy(ROOT / "demo/methods/ibp.py", root / "methods")
    (root / "methods/tiny.py").write_text(TINY)
    (root / "benchmarks/results").mkdir(parents=True)
    shutil.copy(ROOT / "dvc.yaml", root)
    (root / "params.yaml").write_text(
        "methods: [methods]\n"
        "ledger: methods/published.csv\n"
        "fetch: [skimage-photos]\n"
        "datasets: {}\n"
        "protocols: {edsr-2017: [skimage-photos]}\n"
        "runs:\n"
        "  bicubic-x4: {method: bicubic, origin: sr_bench/data/catalogue/sources.yaml, scale: 4,\n"
        "    protocols: [edsr-2017]}\n"
        "  ibp-x4: {method: ibp, origin: sr_bench/data/catalogue/sources.yaml, scale: 4,\n"
        "    protocols: [edsr-2017]}\n"
        "  tiny-a-sr-bench-skimage-photos-x4:\n"
        "    {method: tiny, variant: a, weights: sr-bench-skimage-photos, scale: 4,\n"
        "     protocols: [edsr-2017],\n"
        "     origin: methods/weights/tiny-a-sr-bench-skimage-photos-x4.safetensors}\n"
        "train:\n"
        "  tiny-a-sr-bench-skimage-photos-x4:\n"
        "    {method: tiny, variant: a, recipe: fast, data: skimage-photos, scales: [4]}\n"
        "train_warm:\n"
        "  tiny-b-sr-bench-skimage-photos-x4:\n"
        "    {method: tiny, variant: b, recipe: fast, data: skimage-photos, scales: [4],\n"
        "     start: tiny-a-sr-bench-skimage-photos-x4}\n"
        "train_joined: {}\n"
        "figures:\n"
        "  coffee: {image: skimage-photos/coffee, scale: 4, protocol: edsr-2017,\n"
        "    runs: [bicubic-x4, ibp-x4]}\n"
        "viewer:\n"
        "  committed: {protocol: edsr-2017, images: {skimage-photos: [coffee]}, runs: [ibp-x4]}\n"
    )
    (root / ".dvcignore").write_text("__pycache__/\n")


@pytest.fixture
def project(made, tmp_path):
    """A copy, which a test may change."""
    return Path(shutil.copytree(made, tmp_path / "project", symlinks=True))


def dvc(root: Path, *arguments: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=root,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def repro(root: Path) -> set[str]:
    """Run the pipeline; the names of the stages that ran."""
    return set(re.findall(r"Running stage '([^']+)'", dvc(root, "repro")))


def changed(root: Path) -> set[str]:
    """Stages whose own inputs or outputs changed: where the next repro begins."""
    return set(json.loads(dvc(root, "status", "--json")))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def weights(root: Path, name: str) -> Path:
    return root / f"methods/weights/{name}.safetensors"


def touch(path: Path) -> None:
    with path.open("a") as handle:
        handle.write("\n# touched\n")


def touch_protocol(root: Path) -> None:
    edit(
        root / "sr_bench/data/catalogue/protocols.yaml",
        "8-bit RGB LR, unrounded Y",
        "8-bit RGB, unrounded Y",
    )


def touch_ledger(root: Path) -> None:
    edit(root / "methods/published.csv", ",33.66,", ",33.67,")


def touch_recipe(root: Path) -> None:
    edit(root / "methods/tiny.py", '"steps": 2', '"steps": 4')


SCORES = {f"score@{run}" for run in ("bicubic-x4", "ibp-x4", A)}
TOUCHES = {
    "nothing": (lambda root: None, set()),
    "a method": (
        lambda root: touch(root / "methods/ibp.py"),
        {"weights@ibp-x4", "upscale@ibp-x4", "report"},
    ),
    "a protocol": (touch_protocol, {"work", *SCORES, "report"}),
    "the ledger": (touch_ledger, {"report"}),
    "a recipe": (touch_recipe, {f"train-warm@{B}", f"weights@{A}", f"upscale@{A}", "report"}),
    "weights": (
        lambda root: weights(root, A).unlink(),
        {f"train@{A}", f"train-warm@{B}", f"weights@{A}", "report"},
    ),
}


@pytest.mark.parametrize("what", TOUCHES)
def test_a_change_concerns_the_stages_that_read_it(project, what):
    do, expected = TOUCHES[what]
    do(project)
    assert changed(project) == expected


def test_a_second_repro_does_nothing(project):
    for name in ("scores.csv", "index.html", "images/skimage-photos/coffee/ibp-x4.webp",
                 "figures/compare-coffee.pdf", "provenance.json"):  # fmt: skip
        assert (project / "reports" / name).is_file()
    assert repro(project) == set()


@pytest.mark.slow
def test_touching_a_method_repeats_its_runs_alone(project):
    touch(project / "methods/ibp.py")
    # The touched file gives the same images, so nothing is scored; provenance names the file.
    assert repro(project) == {"weights@ibp-x4", "upscale@ibp-x4", "report"}


@pytest.mark.slow
def test_deleted_weights_are_trained_again_alone(project):
    before = load_file(weights(project, A))
    weights(project, A).unlink()
    # The same weights come out; the file says how long they took, so what reads it runs.
    ran = repro(project)
    assert f"train@{A}" in ran
    assert not {s for s in ran if s.endswith(("bicubic-x4", "ibp-x4"))}
    after = load_file(weights(project, A))
    assert all(np.array_equal(before[k], after[k]) for k in before)
    weights(project, B).unlink()
    assert repro(project) - {"report"} == {f"train-warm@{B}"}


@pytest.mark.slow
def test_changing_a_recipe_trains_that_variant_alone(project):
    touch_recipe(project)
    ran = repro(project)
    assert {s for s in ran if s.startswith("train")} == {f"train-warm@{B}"}
    assert read_facts(weights(project, B))["step"] == 4


@pytest.mark.slow
def test_a_clone_that_has_the_weights_trains_nothing(project, tmp_path):
    clone = tmp_path / "clone"
    made = {"build", "data", ".dvc"}  # of the project; sr_bench/data is code
    shutil.copytree(project, clone, ignore=lambda at, _: made if Path(at) == project else set())
    dvc(clone, "init", "--no-scm")
    ran = repro(clone)
    assert {"fetch@skimage-photos", f"upscale@{A}", f"score@{A}"} <= ran
    assert not {s for s in ran if s.startswith("train")}


@pytest.mark.slow
def test_touching_a_protocol_upscales_nothing(project):
    touch_protocol(project)
    assert repro(project) == {"work", *SCORES, "report"}


@pytest.mark.slow
def test_touching_the_ledger_reports_alone(project):
    touch_ledger(project)
    assert repro(project) == {"report"}


def add_photos(root: Path, picture) -> None:
    for i in range(5):
        images.write(root / f"photos/{i}.png", picture(32, 36 + 4 * i, 3))
    edit(
        root / "params.yaml",
        "datasets: {}",
        "datasets: {mine: {folder: photos, protocols: [edsr-2017]}}",
    )


UPSCALES = {score.replace("score", "upscale") for score in SCORES}


@pytest.mark.slow
def test_one_entry_adds_a_dataset_and_its_images_alone_are_upscaled(project, picture):
    before = {p: p.read_bytes() for p in (project / "build/sr").rglob("*.png")}
    add_photos(project, picture)
    said = dvc(project, "repro")
    ran = set(re.findall(r"Running stage '([^']+)'", said))
    assert ran == {"index@mine", "work", *UPSCALES, *SCORES, "report"}
    made = re.findall(r"^(.*): upscaled (.*) images \((.*)\); (.*) images were there$", said, re.M)
    runs = ("bicubic-x4", "ibp-x4", A)
    assert sorted(made) == sorted((run, "5", "5 of rgb-matlab/mine", "5") for run in runs)
    assert all(p.read_bytes() == content for p, content in before.items())
    assert "mine" in (project / "reports/scores.csv").read_text()
    assert repro(project) == set()
    images.write(project / "photos/2.png", picture(32, 44, 3))
    said = dvc(project, "repro")
    assert said.count("upscaled 1 images (1 of rgb-matlab/mine); 9 images were there") == 3


@pytest.mark.slow
def test_deleted_images_are_fetched_again_by_the_stage_that_needs_them(project):
    shutil.rmtree(project / "data")
    shutil.rmtree(project / "build/sr/ibp-x4")
    touch(project / "methods/ibp.py")
    assert "upscale@ibp-x4" in repro(project)
    assert (project / "data/skimage-photos/coffee.png").is_file()
