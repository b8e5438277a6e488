"""Datasets of the user's own in params.yaml: one entry adds one."""

import json
from pathlib import Path

import pandas as pd
import pytest

from sr_bench.data.catalogue.entries import CatalogueError
from sr_bench.imaging import images
from sr_bench.project.entries import ViewerEntries
from sr_bench.project.project import Project
from sr_bench.project.work_notes import note_work
from sr_bench.support.errors import SrBenchError, WrongUse

METHODS = Path(__file__).resolve().parent.parent / "methods"
TEXT = """\
methods: [{methods}]
ledger: null
fetch: [Set5]
datasets: {datasets}
protocols: {{edsr-2017: [Set5], basicsr-y: [Set5]}}
runs:
  bicubic-x2: {{method: bicubic, scale: 2, protocols: [edsr-2017, basicsr-y]}}
  bicubic-x4: {{method: bicubic, scale: 4, protocols: [edsr-2017]}}
"""
MINE = "{mine: {folder: photos, protocols: [edsr-2017]}}"
PAIRS = "{pairs: {folder: pairs, hr: HR, lr: {2: LR2}, protocols: [edsr-2017, basicsr-y]}}"


@pytest.fixture
def root(project, picture):
    """The project of conftest.py, and images of the user's own beside it."""
    for name, shape in (
        ("photos/a.png", (36, 48, 3)), ("photos/b.png", (32, 44)),
        ("pairs/HR/a.png", (37, 49, 3)), ("pairs/LR2/a.png", (18, 24, 3)),
        ("pairs/HR/b.png", (32, 40, 3)), ("pairs/LR2/b.png", (16, 20, 3)),
    ):  # fmt: skip
        images.write(project / name, picture(*shape))
    return project


def write(root, datasets):
    (root / "params.yaml").write_text(TEXT.format(methods=METHODS, datasets=datasets))


def load(root, datasets):
    write(root, datasets)
    return Project.load(root)


def test_one_entry_adds_a_dataset(root, cli):
    opened = load(root, MINE)
    assert opened.source("mine").redistributable is False
    run = opened.run("bicubic-x2")
    assert [(d, [str(p) for p in under]) for d, under in opened.datasets(run).items()] == [
        ("Set5", ["edsr-2017", "basicsr-y"]), ("mine", ["edsr-2017"])
    ]  # fmt: skip
    with pytest.raises(SrBenchError, match=r"mine\.json.*make it with: sr-bench fetch mine"):
        opened.dataset("mine")
    out, _ = cli(["fetch", "mine"], cwd=root)
    assert out == "mine: 2 files in photos\n"
    assert [e.name for e in opened.dataset("mine")] == ["a.png", "b.png"]
    assert opened.images_of(run) == 2 * 2 + 2
    cli(["upscale", "bicubic-x2"], cwd=root)
    cli(["score", "bicubic-x2"], cwd=root)
    table = pd.read_csv(root / "build/scores/bicubic-x2.csv")
    assert set(table[table["dataset"] == "mine"]["image"]) == {"a", "b"}
    assert table["signature"].str.contains("protocol:edsr-2017|", regex=False).any()


def test_a_changed_image_is_named_until_it_is_indexed_again(root, cli, picture):
    write(root, MINE)
    cli(["fetch", "mine"], cwd=root)
    images.write(root / "photos/b.png", picture(32, 44))
    _, err = cli(["upscale", "bicubic-x2"], 1, cwd=root)
    assert "changed: b.png" in err and "sr-bench fetch mine" in err
    cli(["fetch", "mine"], cwd=root)
    cli(["upscale", "bicubic-x2"], cwd=root)


def test_lr_that_is_given_is_another_protocol(root, cli):
    write(root, PAIRS)
    cli(["fetch", "pairs"], cwd=root)
    for command in ("upscale", "score"):
        cli([command, "bicubic-x2"], cwd=root)
    opened = Project.load(root)
    given = opened.dataset("pairs").given
    table = pd.read_csv(root / "build/scores/bicubic-x2.csv")
    rows = table[table["dataset"] == "pairs"]
    assert set(rows["protocol"]) == {"edsr-2017-on-pairs", "basicsr-y-on-pairs"}
    assert rows["signature"].str.contains(f"|lr:given.{given}|", regex=False).all()
    assert not table[table["dataset"] == "Set5"]["signature"].str.contains("given").any()
    assert len(list((root / "build/sr/bicubic-x2/given/pairs").iterdir())) == 2
    sr = images.read(root / "build/sr/bicubic-x2/given/pairs/a.png")
    assert sr.shape == (36, 48, 3)  # HR of 37 x 49, cut to a multiple of the scale
    assert opened.datasets(opened.run("bicubic-x4")).keys() == {"Set5"}  # no LR at x4


def test_other_lr_is_upscaled_again_alone(root, cli, picture):
    write(root, PAIRS)
    cli(["fetch", "pairs"], cwd=root)
    cli(["upscale", "bicubic-x2"], cwd=root)
    for name in ("HR/a.png", "LR2/b.png"):  # of hr SR doesn't depend
        old = images.read(root / "pairs" / name)
        images.write(root / "pairs" / name, picture(*old.shape))
    cli(["fetch", "pairs"], cwd=root)
    out, _ = cli(["upscale", "bicubic-x2", "--json"], cwd=root)
    assert json.loads(out)["upscaled"] == {"given/pairs": 1}


def test_a_report_has_both(root, cli):
    write(root, MINE[:-1] + ", " + PAIRS[1:])
    (root / "params.yaml").write_text(
        (root / "params.yaml").read_text().replace("  bicubic-x4", "  #")
    )
    for command in (["fetch", "mine", "pairs"], ["upscale", "bicubic-x2"], ["score", "bicubic-x2"]):
        cli(command, cwd=root)
    cli(["report"], cwd=root)
    scores = pd.read_csv(root / "reports/scores.csv")
    assert {"mine", "pairs", "Set5"} == set(scores["dataset"])
    text = (root / "reports/README.md").read_text()
    assert "edsr-2017-on-pairs" in text + "".join(
        p.name + p.read_text() for p in (root / "reports/tables").glob("*.md")
    )


def test_a_run_without_any_lr_says_so(root, cli):
    write(root, PAIRS)
    text = (root / "params.yaml").read_text()
    (root / "params.yaml").write_text(text.replace("edsr-2017: [Set5], basicsr-y: [Set5]", ""))
    cli(["fetch", "pairs"], cwd=root)
    _, err = cli(["upscale", "bicubic-x4"], 1, cwd=root)
    assert "runs.bicubic-x4: pairs bring no LR at scale 4" in err


def test_explain_refuses_lr_that_is_given(root, cli):
    write(root, PAIRS)
    cli(["fetch", "pairs"], cwd=root)
    _, err = cli(
        ["explain", "bicubic-x2", "--hr", "pairs", "--claim", "30"],
        1, cwd=root,
    )  # fmt: skip
    assert "pairs: its LR is given" in err
    for words in (["bicubic", "--scale", "2", "--claim", "30"], ["--costs"]):
        _, err = cli(["explain", *words, "--hr", "pairs"], 1, cwd=root)
        assert "pairs: its LR is given" in err and "--sr FOLDER --hr FOLDER" in err


def test_list_shows_it(root, cli):
    write(root, PAIRS)
    out, _ = cli(["list", "sources", "--json", "--origin"], cwd=root)
    (row,) = [r for r in json.loads(out) if r["name"] == "pairs"]
    assert row["kind"] == "images" and row["origin"] == "this project"
    cli(["fetch", "pairs"], cwd=root)
    out, _ = cli(["list", "protocols", "--json"], cwd=root)
    assert "basicsr-y-on-pairs" in out
    (root / "params.yaml").write_text("broken: true")
    out, _ = cli(["list", "sources", "--json"], cwd=root)
    assert "Set5" in out and '"pairs"' not in out


def test_a_new_dataset_changes_the_notes_of_the_runs_that_score_it(root, cli):
    before = note_work(load(root, "{}"))
    write(root, MINE.replace("edsr-2017", "basicsr-y"))
    cli(["fetch", "mine"], cwd=root)
    cli(["work"], cwd=root)
    after = {p.stem: json.loads(p.read_text()) for p in (root / "build/work").iterdir()}
    assert after["bicubic-x4"] == before["bicubic-x4"]
    assert after["bicubic-x2"] != before["bicubic-x2"]
    assert after["bicubic-x2"]["datasets"]["mine"]["protocols"] == ["basicsr-y"]


def test_a_run_whose_note_lacks_a_manifest(root):
    with pytest.raises(SrBenchError, match=r"mine\.json: no such file; make it with: sr-bench fet"):
        note_work(load(root, MINE))


@pytest.mark.parametrize(
    ("entry", "fact"),
    [
        ("{}", "'datasets.mine.folder' is missing"),
        ("{folder: a, globb: x}", "unknown key 'datasets.mine.globb'"),
        ("{folder: ~/photos}", "DVC knows no ~"),
        ("{folder: data/mine}", "data is what the pipeline itself writes"),
        ("{folder: .}", "the project folder is what"),
        ("{folder: a, glob: ../*}", "leaves the folder"),
        ("{folder: a, hr: HR}", "hr and lr go together"),
        ("{folder: a, lr: {2: LR}}", "hr and lr go together"),
        ("{folder: a, glob: x, hr: HR, lr: {2: LR}}", "take out glob"),
        ("{folder: a, hr: HR, lr: LR}", "write it with {scale}"),
        ("{folder: a, hr: HR, lr: 'LR{scale}{x}'}", "write it with {scale}"),
        ("{folder: a, hr: HR, lr: {9: LR}}", "datasets.mine.lr"),
        ("{folder: a, protocols: [edsr-2018]}", "did you mean edsr-2017"),
        ("{folder: a, protocols: [edsr-2017, edsr-2017]}", "named 2 times"),
    ],
)
def test_a_wrong_entry(root, entry, fact):
    with pytest.raises(WrongUse) as caught:
        load(root, f"{{mine: {entry}}}")
    assert fact in str(caught.value) and "params.yaml" in str(caught.value)


def test_names_that_are_taken_or_cannot_be(root):
    with pytest.raises(CatalogueError, match=r"params\.yaml: datasets: 'Set14' is in .*sources"):
        load(root, "{Set14: {folder: photos}}")
    with pytest.raises(WrongUse, match=r"datasets\.a\.b: a name without a dot"):
        load(root, "{a.b: {folder: photos}}")
    with pytest.raises(CatalogueError, match="a name is a word"):
        load(root, "{'a b': {folder: photos}}")
    write(root, MINE)
    text = (root / "params.yaml").read_text()
    (root / "params.yaml").write_text(text.replace("fetch: [Set5]", "fetch: [Set5, mine]"))
    with pytest.raises(WrongUse, match="take it out of fetch"):
        Project.load(root)


def test_an_empty_viewer_is_none(root):
    (root / "params.yaml").write_text(TEXT.format(methods=METHODS, datasets=MINE) + "viewer:\n")
    assert Project.load(root).params.viewer == ViewerEntries()


def test_may_be_shown_only_if_it_says_so(root):
    text = TEXT + "viewer: {{committed: {{protocol: edsr-2017, images: {{mine: all}}}}}}\n"
    for datasets, allowed in (
        (MINE, False),
        (MINE.replace("s,", "s, redistributable: true,"), True),
    ):
        (root / "params.yaml").write_text(text.format(methods=METHODS, datasets=datasets))
        if allowed:
            assert Project.load(root).source("mine").redistributable
        else:
            with pytest.raises(WrongUse, match="images of mine may not be redistributed"):
                Project.load(root)
