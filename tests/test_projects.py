"""A project of one's own: init, lock, add."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from sr_bench.imaging import images
from sr_bench.project import lock
from sr_bench.project.lock import fingerprint
from sr_bench.project.project import Project
from sr_bench.project.start import TEMPLATES
from sr_bench.support.strict_yaml import read_yaml
from sr_bench.support.version import __version__

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def started(tmp_path, cli):
    """A project of the template ``model``, and the current folder."""
    cli(["init", tmp_path / "mine"])
    cli(["lock", "--check"], cwd=tmp_path / "mine")
    return tmp_path / "mine"


def files(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


# init


@pytest.mark.parametrize("template", TEMPLATES)
def test_each_template_is_a_project(tmp_path, cli, template):
    out, _ = cli(["init", tmp_path / "new", "--template", template, "--json"])
    made = json.loads(out)["files"]
    assert set(made) == set(files(tmp_path / "new"))
    assert {"params.yaml", "dvc.yaml", ".gitignore", "README.md", "methods/mine.py"} <= set(made)
    assert {".github/workflows/sr-bench.yml", "published.csv", "sr-bench.lock"} <= set(made)
    project = Project.load(tmp_path / "new")
    assert {"mine", "bicubic"} <= {run.method for run in project.params.runs.values()}
    assert all(path.is_file() for path in project.ledgers)
    text = b"\n".join(files(tmp_path / "new").values()).decode()
    assert "@NAME@" not in text and "@CI@" not in text and "@VERSION@" not in text
    workflow = read_yaml((tmp_path / "new/.github/workflows/sr-bench.yml").read_text())
    steps = [step.get("run", "") for step in workflow["jobs"]["reproduce"]["steps"]]
    assert "dvc repro" in steps and any("check --base" in s for s in steps) == (template == "ci")


def test_dvc_yaml_names_nothing_of_the_package_and_no_dataset_or_method(started):
    text = (started / "dvc.yaml").read_text()
    for name in ("sr_bench/", "site-packages", "skimage-photos", "mine", "bicubic", "edsr"):
        assert name not in text.replace("sr-bench", "")


def test_init_replaces_nothing(tmp_path, cli):
    (tmp_path / "params.yaml").write_text("mine\n")
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "mine.py").write_text("mine\n")
    _, err = cli(["init"], status=2, cwd=tmp_path)
    assert "has methods/mine.py, params.yaml already" in err and "replaces nothing" in err
    assert set(files(tmp_path)) == {"params.yaml", "methods/mine.py"}


def test_a_second_init_is_refused_and_an_unknown_template_too(started, cli):
    before = files(started)
    cli(["init"], status=2, cwd=started)
    assert files(started) == before
    cli(["init", "other", "--template", "thesis"], status=2)
    assert not (started / "other").exists()


def test_dvc_knows_whether_there_is_git(tmp_path, cli):
    cli(["init", tmp_path / "plain"])
    (tmp_path / "tracked" / ".git").mkdir(parents=True)
    cli(["init", tmp_path / "tracked"])
    assert "no_scm = true" in (tmp_path / "plain/.dvc/config").read_text()
    assert "no_scm" not in (tmp_path / "tracked/.dvc/config").read_text()


# lock


def test_the_lock_names_the_version_and_a_hash_for_each_stage(started):
    held = read_yaml((started / "sr-bench.lock").read_text())
    assert held == fingerprint() and held["version"] == __version__
    assert set(held) == {"version", "fetch", "upscale", "score", "report", "methods"}
    stages = read_yaml((started / "dvc.yaml").read_text())["stages"]
    named = {
        key
        for stage in stages.values()
        for param in stage.get("do", stage).get("params", [])
        if isinstance(param, dict)
        for key in param.get("sr-bench.lock", [])
    }
    assert named == set(held) - {"version"}


def test_another_sr_bench_than_the_locked_one_is_refused(started, cli, monkeypatch):
    def other():
        return fingerprint() | {"version": "9.9", "score": "0" * 16}

    monkeypatch.setattr(lock, "fingerprint", other)
    for words in (["lock", "--check"], ["work"], ["upscale", "mine-x2"], ["report"]):
        _, err = cli(words, status=1, cwd=started)
        assert f"is of sr-bench {__version__}, 9.9 is installed" in err
        assert "version, score differ; run: sr-bench lock, then dvc repro" in err
    cli(["lock"])
    cli(["lock", "--check"])


def test_a_lock_that_is_damaged_or_missing(started, cli):
    path = started / "sr-bench.lock"
    path.write_text("a: [")
    assert "not YAML" in cli(["work"], status=1, cwd=started)[1]
    path.write_text("")
    assert "is of sr-bench None" in cli(["work"], status=1)[1]
    path.unlink()
    assert "write it: sr-bench lock" in cli(["lock", "--check"], status=1)[1]


def test_a_changed_method_changes_the_notes_of_its_runs_alone(started, cli):
    def notes():
        cli(["work"], cwd=started)
        return {p.name: p.read_bytes() for p in (started / "build" / "work").iterdir()}

    cli(["fetch", "skimage-photos"], cwd=started)
    before = notes()
    with (started / "methods" / "mine.py").open("a") as file:
        file.write("# changed\n")
    after = notes()
    assert [n for n in before if before[n] != after[n]] == ["mine-x2.json"]


# add


def test_a_method_its_run_and_comments_stay(started, cli):
    before = (started / "params.yaml").read_text()
    out, _ = cli(["add", "method", "my_net", "--scale", 2, "--scale", 4], cwd=started)
    assert "params.yaml: my_net-x2, my_net-x4" in out
    project = Project.load(started)
    assert {"my_net-x2", "my_net-x4"} <= set(project.params.runs)
    after = (started / "params.yaml").read_text()
    new = set(after.splitlines()) - set(before.splitlines())
    assert len(new) == 2 and set(before.splitlines()) <= set(after.splitlines())
    cli(["check-method", "my_net"], cwd=started)
    cli(["add", "method", "my_net"], status=2)
    for name in ("My-Net", "1a", "../a"):
        assert "can't name a method" in cli(["add", "method", name], status=2)[1]
    assert (started / "params.yaml").read_text() == after


def test_a_dataset_of_the_catalogue(started, cli):
    cli(["add", "dataset", "Set14"], cwd=started)
    params = Project.load(started).params
    assert "Set14" in params.fetch
    assert all("Set14" in named for named in params.protocols.values())
    cli(["add", "dataset", "Set5", "--protocol", "basicsr-y"])
    cli(["add", "dataset", "Set5", "--protocol", "basicsr-y"])
    params = Project.load(started).params
    named = {p.name: d for p, d in params.protocols.items()}
    assert named["basicsr-y"] == ("Set5",) and params.fetch.count("Set5") == 1
    before = files(started)
    assert "unknown dataset" in cli(["add", "dataset", "Set55"], status=2)[1]
    assert "unknown protocol" in cli(["add", "dataset", "Set14", "--protocol", "x"], status=2)[1]
    assert "no such folder" in cli(["add", "dataset", "own", "nowhere"], status=2)[1]
    assert files(started) == before


def test_a_folder_of_ones_own(started, cli, picture):
    for name in ("a", "b"):
        images.write(started / "photos" / f"{name}.png", picture(24, 26, 3))
    cli(["add", "dataset", "photos", "photos", "--redistributable"], cwd=started)
    own = Project.load(started).params.datasets["photos"]
    assert (own.folder, own.redistributable) == ("photos", True)
    assert [p.name for p in own.protocols] == ["edsr-2017"]
    cli(["fetch", "photos"])
    out, _ = cli(["work", "--json"])
    assert "photos" in json.loads(out)["mine-x2"]["datasets"]
    assert "is there already" in cli(["add", "dataset", "photos", "photos"], status=2)[1]
    before = files(started)
    assert "Set5" in cli(["add", "dataset", "Set5", "photos"], status=1)[1]
    assert files(started) == before


def test_weights_with_size_and_hash(started, cli, tmp_path):
    import hashlib

    body = b"weights" * 100
    (tmp_path / "net_x2.pth").write_bytes(body)
    words = ["add", "weights", tmp_path / "net_x2.pth", "--licence", "MIT", "--by", "them"]
    out, _ = cli([*words, "--trained-on", "DIV2K"], cwd=started)
    digest = hashlib.sha256(body).hexdigest()
    assert f"{len(body)} bytes, sha256 {digest}" in out
    assert 'Published("net_x2", "net_x2.pth")' in out
    source = Project.load(started).source("net_x2")
    (file,) = source.files
    assert (file.size, file.sha256) == (len(body), digest)
    assert (source.licence, source.trained_on, source.by) == ("MIT", "DIV2K", "them")
    assert (started / "data" / source.folder / file.name).read_bytes() == body
    assert "# mine-weights:" in (started / "catalogue" / "sources.yaml").read_text()
    cli(["fetch", "net_x2"])
    assert "is known already" in cli(words, status=2)[1]
    (tmp_path / "net_x3.pth").write_bytes(body + b"3")
    cli(["add", "weights", tmp_path / "net_x3.pth"])
    assert {"net_x2", "net_x3"} <= set(Project.load(started).catalogue.sources)


@pytest.mark.parametrize(
    ("body", "fact"),
    [
        (b"", "is empty"),
        (b"\n <!DOCTYPE html><html>", "is a web page"),
        (None, "can't be fetched"),
    ],
)
def test_what_is_no_file_of_weights(started, cli, tmp_path, body, fact):
    if body is not None:
        (tmp_path / "a.pth").write_bytes(body)
    before = files(started)
    assert fact in cli(["add", "weights", tmp_path / "a.pth"], status=1, cwd=started)[1]
    assert files(started) == before
    assert not list(started.rglob("*.partial"))


PRINTED = [
    *("add", "published", "--source", "me2026", "--method", "mine", "--dataset"),
    *("skimage-photos", "--scale", 2, "--metric", "psnr", "--protocol", "edsr-2017", "--value"),
]


def test_a_published_number(started, cli):
    cli([*PRINTED, "30.10", "--note", "table 1, row 2"], cwd=started)
    with (started / "published.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["value"], row["run"], row["note"]) == ("30.10", "mine", "table 1, row 2")
    before = files(started)
    for words, fact in (
        ([*PRINTED, "31.2"], "published.csv:3: is the number of line 2 again"),
        ([*PRINTED, "31.2 dB"], "published.csv:3: value is '31.2 dB'"),
        ([*PRINTED, "31.2", "--protocol", "edsr-2018"], "unknown protocol 'edsr-2018'"),
        ([*PRINTED, "31.2", "--method", "other"], "other has no run in params.yaml"),
    ):
        assert fact in cli(words, status=2)[1]
    assert files(started) == before
    cli([*PRINTED, "31.2", "--method", "other", "--run", ""])
    assert (started / "published.csv").read_text().count("\n") == 3


def test_two_ledgers_with_one_number(started, cli):
    (started / "params.yaml").write_text(
        (started / "params.yaml")
        .read_text()
        .replace("ledger: [published.csv]", "ledger: [sr_bench.published, published.csv]")
    )
    first = (ROOT / "methods" / "published.csv").read_text().splitlines()[:2]
    (started / "published.csv").write_text("\n".join(first) + "\n")
    words = ["add", "published", *PRINTED[2:], "31.2"]
    _, err = cli(words, status=2, cwd=started)
    assert "is in" in err and "too; remove one of them" in err


def test_outside_a_project_the_remedy_is_init(tmp_path, cli):
    for words in (["add", "method", "a"], ["lock"], ["work"]):
        assert "or: sr-bench init" in cli(words, status=2, cwd=tmp_path)[1]


@pytest.mark.slow
def test_dvc_makes_it_and_then_has_nothing_to_do(started):
    def dvc(*words):
        done = subprocess.run(
            [sys.executable, "-m", "dvc", *words],
            cwd=started,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "Running stage 'report'" in dvc("repro")
    assert "Data and pipelines are up to date." in dvc("repro")
    with (started / "methods" / "mine.py").open("a") as file:
        file.write("# changed\n")
    again = dvc("repro")
    assert "Running stage 'upscale@mine-x2'" in again
    assert "Running stage 'upscale@bicubic-x2'" not in again
    held = (started / "sr-bench.lock").read_text()
    score = read_yaml(held)["score"]
    (started / "sr-bench.lock").write_text(held.replace(score, "0" * 16))
    stages = set(json.loads(dvc("status", "--json")))
    assert {"score@mine-x2", "score@bicubic-x2"} <= stages
    assert not any(name.startswith(("upscale", "fetch")) for name in stages)
