"""``sr-bench all``: what can be had is made, what can't is named, and only that is made later."""

import csv
import gzip
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from sr_bench.data.datasets.fetch import MIRROR
from sr_bench.imaging import images
from sr_bench.project.project import Project
from sr_bench.project.run_weights import expected_note
from sr_bench.support.errors import WrongUse
from sr_bench.support.files import sha256

ROOT = Path(__file__).resolve().parent.parent
METHOD = """
from pathlib import Path

from sr_bench.networks.method import Method, Published


class Mine:
    colour = "any"

    def __call__(self, lr):
        return lr.repeat_interleave(2, 2).repeat_interleave(2, 3)


def load(setup):
    if setup.file is not None:
        with Path(__file__).with_name("loaded").open("a") as lines:
            lines.write(setup.weights + "\\n")
    return Mine()


METHOD = Method(
    name="mine",
    load=load,
    reference="nobody",
    published={("", w, 2): Published("theirs", f"{w}.pth") for w in ("one", "two")},
)
"""
LEDGER = """source,method,variant,dataset,scale,metric,value,protocol,note,run,trained,where
paper,mine,,here,2,psnr,11.11,edsr-2017,,mine-two,,table 1
paper,mine,,gone,2,psnr,11.11,edsr-2017,,mine-one,,table 1
"""
PARAMS = """
extends: ../base.yaml
methods: [methods]
ledger: published.csv
fetch: [here, gone, byhand]
protocols: {edsr-2017: [gone, byhand]}
runs:
  mine-two-x2: {method: mine, weights: two, scale: 2, protocols: [edsr-2017]}
"""
BASE = """
methods: [elsewhere]
ledger: null
fetch: [T91]
protocols: {edsr-2017: [here]}
runs:
  mine-one-x2:
    {method: mine, weights: one, origin: other.yaml, scale: 2, protocols: [edsr-2017]}
"""
HOST = "example.org"


@pytest.fixture
def whole(tmp_path, monkeypatch, picture):
    """A project whose files lie in a mirror: two sets, weights of two runs, a set by hand."""
    mirror, root = tmp_path / "mirror", tmp_path / "project"
    sources = {}
    for name in ("here", "gone"):
        path = mirror / HOST / name / "a.png"
        images.write(path, picture(16, 18, 3))
        sources[name] = entry("images", f"https://{HOST}/{name}/", path)
    for name in ("one", "two"):
        path = mirror / HOST / "w" / f"{name}.pth"
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    both = [mirror / HOST / "w" / f"{name}.pth" for name in ("one", "two")]
    sources["theirs"] = entry("weights", f"https://{HOST}/w/", *both)
    sources["byhand"] = {
        "kind": "by-hand", "title": "t", "licence": "on request",
        "page": f"https://{HOST}/page", "images": 1,
    }  # fmt: skip
    for folder in ("catalogue", "methods"):
        (root / folder).mkdir(parents=True)
    (root / "catalogue/sources.yaml").write_text(yaml.safe_dump(sources))
    (root / "methods/mine.py").write_text(METHOD)
    (root / "published.csv").write_text(LEDGER)
    (root / "params.yaml").write_text(PARAMS)
    (tmp_path / "base.yaml").write_text(BASE)
    monkeypatch.setenv(MIRROR, str(mirror))
    monkeypatch.setattr("sr_bench.data.datasets.fetch.transfer", from_mirror)
    return root


def entry(kind, base, *paths):
    files = {p.name: f"{p.stat().st_size} {sha256(p)}" for p in paths}
    return {"kind": kind, "title": "t", "licence": "CC0", "base": base, "files": files}


def from_mirror(file, address, staging, progress):
    """No network: a URL isn't there."""
    source = Path(address)
    if not source.is_file():
        raise FileNotFoundError(2, "not there", address)
    staging.mkdir(parents=True, exist_ok=True)
    copy = staging / source.name
    copy.write_bytes(source.read_bytes())
    return copy


def verdicts(root):
    with (root / "reports/reproduction.csv").open() as file:
        return {row["dataset"]: row for row in csv.DictReader(file)}


def sets_of(root, run):
    return sorted(p.name for p in (root / "build/sr" / run / "rgb-matlab").iterdir())


def test_what_is_missing_is_named_the_rest_is_made_and_only_that_comes_later(
    whole, cli, monkeypatch
):
    mirror = whole.parent / "mirror" / HOST
    hidden = whole.parent / "hidden"
    hidden.mkdir()
    for part in ("gone/a.png", "w/two.pth"):
        (mirror / part).rename(hidden / Path(part).name)
    out, err = cli(["all"], 1, cwd=whole)
    assert f"not run: gone: a.png at https://{HOST}/gone/a.png" in err
    assert f"not run: mine-two-x2: two.pth at https://{HOST}/w/two.pth" in err
    assert f"not run: byhand: 1 images for data/byhand at https://{HOST}/page" in err
    assert "1 runs made, 0 kept" in out
    assert sets_of(whole, "mine-one-x2") == ["here"]
    found = verdicts(whole)
    assert {row["verdict"] for row in found.values()} == {"not run"}
    assert found["here"]["note"] == f"not run: two.pth at https://{HOST}/w/two.pth"
    assert found["gone"]["note"] == f"not run: a.png at https://{HOST}/gone/a.png"

    (hidden / "two.pth").rename(mirror / "w/two.pth")
    out, _ = cli(["all", "--json"], 1, cwd=whole)
    facts = json.loads(out)
    assert (facts["made"], facts["kept"]) == (["mine-two-x2"], ["mine-one-x2"])
    assert verdicts(whole)["here"]["verdict"] == "differs"

    (hidden / "a.png").rename(mirror / "gone/a.png")
    images.write(whole / "data/byhand/b.png", images.read(mirror / "gone/a.png"))
    before = (whole / "build/sr/mine-one-x2/rgb-matlab/here/a.png").stat().st_mtime_ns
    out, err = cli(["all"], cwd=whole)
    assert "2 runs made, 0 kept" in out
    assert sets_of(whole, "mine-one-x2") == ["byhand", "gone", "here"]
    assert (whole / "build/sr/mine-one-x2/rgb-matlab/here/a.png").stat().st_mtime_ns == before
    assert json.loads((whole / "build/missing.json").read_text()) == {}
    out, _ = cli(["all"], cwd=whole)
    assert "0 runs made, 2 kept" in out


def test_after_the_time_no_run_is_begun_and_the_same_command_goes_on(whole, cli, monkeypatch):
    images.write(
        whole / "data/byhand/b.png", images.read(whole.parent / "mirror" / HOST / "gone/a.png")
    )
    now = iter([0.0, 59.0, 60.0])  # at the start, before the first run and before the second
    clock = SimpleNamespace(monotonic=lambda: next(now))
    monkeypatch.setattr("sr_bench.evaluation.everything.time", clock)
    out, _ = cli(["all", "--minutes", "1"], cwd=whole)
    assert "1 runs made, 0 kept, 1 left: sr-bench all goes on" in out
    found = verdicts(whole)
    assert found["here"]["note"] == "not run: not made yet; sr-bench all goes on"
    assert found["gone"]["verdict"] == "differs"
    monkeypatch.undo()
    monkeypatch.setenv(MIRROR, str(whole.parent / "mirror"))
    monkeypatch.setattr("sr_bench.data.datasets.fetch.transfer", from_mirror)
    out, _ = cli(["all"], cwd=whole)
    assert "1 runs made, 1 kept;" in out and verdicts(whole)["here"]["verdict"] == "differs"


def test_only_the_runs_that_are_named_are_made_and_the_others_stay(whole, cli):
    images.write(
        whole / "data/byhand/b.png", images.read(whole.parent / "mirror" / HOST / "gone/a.png")
    )
    out, _ = cli(["all", "mine-two-x2"], cwd=whole)
    assert "1 runs made, 0 kept, 1 left: sr-bench all goes on" in out
    found = verdicts(whole)
    assert found["here"]["verdict"] == "differs"
    assert found["gone"]["note"] == "not run: not made yet; sr-bench all goes on"
    out, _ = cli(["all", "mine-one-x2"], cwd=whole)
    assert "1 runs made, 1 kept;" in out  # the other one stays, though it wasn't named
    out, _ = cli(["all", "--minutes", "0"], cwd=whole)
    assert "0 runs made, 2 kept;" in out
    assert verdicts(whole)["gone"]["verdict"] == "differs"


def test_a_note_of_other_weights_stops_no_report_that_has_no_such_run(whole, cli):
    images.write(
        whole / "data/byhand/b.png", images.read(whole.parent / "mirror" / HOST / "gone/a.png")
    )
    note = whole / "build/weights/mine-two-x2.json"
    note.parent.mkdir(parents=True)
    note.write_text('{"weights": "two", "file": "elsewhere.pth", "sha256": "00"}')
    out, _ = cli(["all", "mine-one-x2"], cwd=whole)
    assert "1 runs made, 0 kept, 1 left" in out
    out, _ = cli(["all"], cwd=whole)  # a run that is made writes its note anew
    assert "1 runs made, 1 kept;" in out


def test_a_run_that_is_not_there_is_refused_before_anything_is_made(whole, cli):
    _, err = cli(["all", "mine-three-x2"], 2, cwd=whole)
    assert "mine-three-x2" in err and not (whole / "build").exists()


def test_a_run_that_fails_does_not_stop_the_others(whole, cli):
    path = whole / "methods/mine.py"
    path.write_text(
        path.read_text().replace(
            "return Mine()", "return Mine() if 'one' in str(setup.weights) else 1 / 0"
        )
    )
    images.write(
        whole / "data/byhand/b.png", images.read(whole.parent / "mirror" / HOST / "gone/a.png")
    )
    _, err = cli(["all"], 1, cwd=whole)
    assert "failed: mine-two-x2: " in err and "mine-one-x2:" not in err
    assert (whole / "build/scores/mine-one-x2.csv").is_file()


def test_scores_of_other_code_are_made_again(whole, cli, monkeypatch):
    images.write(
        whole / "data/byhand/b.png", images.read(whole.parent / "mirror" / HOST / "gone/a.png")
    )
    cli(["all"], cwd=whole)
    monkeypatch.setattr("sr_bench.evaluation.everything.code_hash", lambda parts: "other")
    out, _ = cli(["all"], cwd=whole)
    assert "2 runs made, 0 kept" in out


@pytest.fixture
def clone(whole, cli):
    """What a clone of the whole project has: reports and datasets, and nothing that was made."""
    images.write(
        whole / "data/byhand/b.png", images.read(whole.parent / "mirror" / HOST / "gone/a.png")
    )
    (whole / "methods/helpers").mkdir()
    (whole / "methods/helpers/new.py").write_text("TWO = 2\n")
    cli(["all"], cwd=whole)
    (whole / "build").rename(whole.parent / "made")
    return whole


def two_under(params, protocols, dataset):
    """Score the run mine-two-x2 under these protocols, mmediting-2020 on this dataset."""
    text = params.read_text().replace("byhand]}", f"byhand], mmediting-2020: [{dataset}]}}")
    head, entry, tail = text.partition("weights: two")
    params.write_text(head + entry + tail.replace("[edsr-2017]", f"[{protocols}]"))


def tables(root):
    """All but the page, which has pictures of SR images, and its hash."""
    paths = [p for p in (root / "reports").rglob("*") if p.is_file()]
    return {p: p.read_bytes() for p in paths if p.name not in ("index.html", "provenance.json")}


def test_scores_in_reports_hold_in_a_clone_without_weights_or_sr(clone, cli):
    shutil.rmtree(clone.parent / "mirror" / HOST / "w")
    shutil.rmtree(clone / "data/theirs")
    before = tables(clone)
    for _ in range(2):
        out, _ = cli(["all"], cwd=clone)
        assert "0 runs made, 2 kept;" in out
        assert tables(clone) == before
        assert not (clone / "build/sr").exists()
        for run in ("mine-one-x2", "mine-two-x2"):
            made = clone.parent / f"made/scores/{run}.csv"
            assert (clone / f"build/scores/{run}.csv").read_bytes() == made.read_bytes()


def test_scores_of_a_dataset_that_is_not_here_hold_too(clone, cli):
    shutil.rmtree(clone / "data/byhand")
    out, err = cli(["all"], 1, cwd=clone)
    assert "0 runs made, 2 kept;" in out
    assert "not run: byhand: 1 images for data/byhand at" in err
    assert "byhand" in (clone / "reports/scores.csv").read_text()
    images.write(
        clone / "data/byhand/b.png", images.read(clone.parent / "mirror" / HOST / "gone/a.png")
    )
    out, _ = cli(["all"], cwd=clone)  # what its hr was is still known
    assert "0 runs made, 2 kept;" in out


def test_again_makes_what_holds(clone, cli):
    out, _ = cli(["all", "--again"], cwd=clone)
    assert "2 runs made, 0 kept;" in out


def another_method(root, monkeypatch):
    """its method's code changed"""
    with (root / "methods/mine.py").open("a") as file:
        file.write("# another line\n")


def another_entry(root, monkeypatch):
    """its entry in params.yaml changed"""
    two_under(root / "params.yaml", "edsr-2017, mmediting-2020", "here")


def fewer_datasets(root, monkeypatch):
    """its datasets are others"""
    path = root / "params.yaml"
    path.write_text(path.read_text().replace("[gone, byhand]", "[gone]"))


def another_helper(root, monkeypatch):
    """its method's code changed"""
    (root / "methods/helpers/new.py").write_text("THREE = 3\n")


def another_image(root, monkeypatch):
    """byhand is here, and was not there or was another"""
    images.write(root / "data/byhand/b.png", 255 - images.read(root / "data/byhand/b.png"))


def other_code(root, monkeypatch):
    """sr-bench's code between hr and the scores changed"""
    monkeypatch.setattr("sr_bench.report.provenance.records._CODE", ("support/version.py",))


def other_weights(root, monkeypatch):
    """its weights are another file"""
    path = root.parent / "mirror" / HOST / "w/two.pth"
    path.write_text("new")
    catalogue = root / "catalogue/sources.yaml"
    sources = yaml.safe_load(catalogue.read_text())
    sources["theirs"]["files"]["two.pth"] = f"3 {sha256(path)}"
    catalogue.write_text(yaml.safe_dump(sources))


@pytest.mark.parametrize(
    "change",
    [
        another_method,
        another_helper,
        another_entry,
        fewer_datasets,
        another_image,
        other_code,
        other_weights,
    ],
)
def test_scores_in_reports_that_do_not_hold_are_made_again(clone, cli, monkeypatch, change):
    change(clone, monkeypatch)
    out, _ = cli(["all", "mine-two-x2"], 0, cwd=clone)
    assert f"mine-two-x2: the scores in reports/ don't hold: {change.__doc__}" in out
    assert "1 runs made" in out


def test_scores_without_a_mean_do_not_keep_the_others_from_holding(whole, cli, picture):
    params = whole / "params.yaml"
    text = params.read_text().replace("byhand]}", "byhand], srcnn-2015: [byhand]}")
    params.write_text(text.replace("[edsr-2017]", "[edsr-2017, srcnn-2015]"))
    images.write(whole / "data/byhand/b.png", picture(32, 36))  # gray: it has no chroma
    catalogue = whole / "catalogue/sources.yaml"
    catalogue.write_text(catalogue.read_text().replace("images: 1", "images: 2"))
    images.write(whole / "data/byhand/c.png", picture(32, 36, 3))
    cli(["all"], cwd=whole)
    assert "psnr_cb" in (whole / "build/scores/mine-two-x2.csv").read_text()
    assert "psnr_cb" not in (whole / "reports/scores.csv").read_text()
    before = tables(whole)
    (whole / "build").rename(whole.parent / "made")
    out, _ = cli(["all"], cwd=whole)
    assert "0 runs made, 2 kept;" in out
    assert tables(whole) == before


def test_a_table_that_provenance_is_not_about_gives_no_scores(clone, cli):
    path = clone / "reports/per_image.csv.gz"
    text = gzip.decompress(path.read_bytes()).decode()
    path.write_bytes(gzip.compress(text.replace("mine-two-x2", "mine-six-x2", 1).encode()))
    out, _ = cli(["all"], cwd=clone)
    assert "per_image.csv.gz: not the file that provenance.json is about" in out
    assert "2 runs made, 0 kept;" in out


def test_scores_that_are_out_of_date_are_not_reported(whole, cli, monkeypatch):
    images.write(
        whole / "data/byhand/b.png", images.read(whole.parent / "mirror" / HOST / "gone/a.png")
    )
    cli(["all"], cwd=whole)
    monkeypatch.setattr("sr_bench.evaluation.everything.code_hash", lambda parts: "other")
    out, _ = cli(["all", "mine-two-x2"], cwd=whole)
    assert "1 runs made, 0 kept, 1 left" in out
    assert "mine-one-x2" not in (whole / "reports/scores.csv").read_text()
    records = json.loads((whole / "reports/provenance.json").read_text())["records"]
    assert records["runs/mine-one-x2"]["scores"] is None
    assert verdicts(whole)["gone"]["note"] == "not run: not made yet; sr-bench all goes on"


def test_a_run_none_of_whose_datasets_is_there_is_named(whole, cli):
    two_under(whole / "params.yaml", "mmediting-2020", "byhand")
    out, err = cli(["all"], 1, cwd=whole)
    assert "1 runs made, 0 kept;" in out
    assert "not run: mine-two-x2: 1 images for data/byhand at" in err


@pytest.mark.parametrize(
    ("base", "fact"),
    [(None, "no such file"), ("extends: x\n", "extends another one itself"), ("[1]", "no project")],
)
def test_what_cannot_be_extended_is_said(whole, base, fact):
    path = whole.parent / "base.yaml"
    path.unlink() if base is None else path.write_text(base)
    with pytest.raises(WrongUse, match=fact):
        Project.load(whole)


def test_full_has_all_runs_of_the_root_on_more_sets():
    full, root = Project.load(ROOT / "full"), Project.load(ROOT)
    assert set(root.params.runs) < set(full.params.runs)
    for name, run in root.params.runs.items():
        assert set(root.datasets(run)) <= set(full.datasets(full.run(name)))
        assert run.protocols == full.run(name).protocols
    assert "Urban100" in full.datasets(full.run("imdn-author-x4"))
    families = {run.family for run in full.params.runs.values()}
    assert families >= {"edsr-full-author", "edsr-full+-author", "mdsr-full+-author"}
    stages = yaml.safe_load((ROOT / "full/dvc.yaml").read_text())["stages"]
    assert list(stages) == ["all"]


def test_the_scores_of_full_hold_for_the_weights_that_its_runs_have_now():
    project = Project.load(ROOT / "full")
    records = json.loads((ROOT / "full/reports/provenance.json").read_text())["records"]
    noted = {run: records[f"runs/{run}"]["weights"] for run in project.params.runs}
    scored = {run: note for run, note in noted.items() if note is not None}
    assert {"srcnn-9-1-5-sr-bench-t91-x2", "imdn-author-x2", "bicubic-x2"} <= {*scored}
    for run, note in scored.items():  # nothing is fetched for it
        assert expected_note(project, project.run(run)) == note, run


def test_a_run_is_also_scored_on_its_own_datasets(project):
    text = (
        (project / "params.yaml")
        .read_text()
        .replace("srcnn-2015]}", "srcnn-2015], also: [BSD100]}")
    )
    (project / "params.yaml").write_text(text)
    loaded = Project.load(project)
    assert list(loaded.datasets(loaded.run("bicubic-x2"))) == ["Set5", "BSD100"]
    assert loaded.without({"Set5"}).run("bicubic-x2").also == ("BSD100",)
    assert loaded.without({"Set5", "BSD100"}).params.runs == {}
    (project / "params.yaml").write_text(text.replace("BSD100", "SRCNN-author-weights"))
    with pytest.raises(WrongUse, match="SRCNN-author-weights holds weights"):
        Project.load(project)
