"""`sr-bench check`: exit statuses, baselines, --json, --markdown, --github and --accept."""

import gzip
import json
import subprocess

import numpy as np
import pandas as pd
import pytest

from sr_bench.analysis.drift.check import check_scores
from sr_bench.analysis.drift.render import changelog
from sr_bench.analysis.drift.snapshot import Snapshot
from sr_bench.evaluation.scoring.table import CELL_COLUMNS

HEADER = ",".join(CELL_COLUMNS) + "\n"
CELL = "{run},srcnn,,author,2,Set5,edsr-2017,psnr,{value},5,protocol:edsr-2017\n"
IMAGES = HEADER.strip().replace(",value,images,", ",image,value,") + "\n"
IMAGE = "{run},srcnn,,author,2,Set5,edsr-2017,psnr,im{i},{value},protocol:edsr-2017\n"


@pytest.fixture
def check(monkeypatch, cli, tmp_path):
    """``check(words, status)``: run in a bare folder, demand that status; (stdout, stderr)."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*words, status=0):
        return cli(("check", *words), status)

    return run


def scores(path, *values):
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEADER + "".join(CELL.format(run="r", value=v) for v in values))


def reports(folder, values):
    """``scores.csv`` and ``per_image.csv.gz`` of one run."""
    scores(folder / "scores.csv", np.mean(values))
    text = IMAGES + "".join(IMAGE.format(run="r", i=i, value=v) for i, v in enumerate(values))
    (folder / "per_image.csv.gz").write_bytes(gzip.compress(text.encode()))


def checking(*more):
    return ["--baseline", "old.csv", "--fresh", "new.csv", *more]


def test_scores_within_the_tolerance_agree(check, tmp_path):
    scores(tmp_path / "old.csv", 33.1234)
    scores(tmp_path / "new.csv", 33.1235)
    assert "1 cells and 0 image scores agree with old.csv" in check(*checking())[0]
    facts = json.loads(check(*checking("--json"))[0])
    assert (facts["drift"], facts["cells"]) == (False, [])


def test_a_cell_that_moved_ends_with_1(check, tmp_path):
    scores(tmp_path / "old.csv", 33.12)
    scores(tmp_path / "new.csv", 33.13)
    out, err = check(*checking(), status=1)
    assert out.startswith("# cells") and "moved" in out
    assert "drift against old.csv: 1 of 1 cells" in out
    assert "error: the scores drifted; find the change" in err
    assert "sr-bench check --accept REASON" in err
    (moved,) = json.loads(check(*checking("--json"), status=1)[0])["cells"]
    assert (moved["run"], moved["what"]) == ("r", "moved")
    assert moved["delta"] == pytest.approx(0.01)


def test_a_missing_cell_ends_with_1(check, tmp_path):
    scores(tmp_path / "old.csv", 33.12)
    scores(tmp_path / "new.csv")
    (gone,) = json.loads(check(*checking("--json"), status=1)[0])["cells"]
    assert (gone["what"], gone["after"]) == ("missing", None)


def test_images_beside_the_baseline_are_compared(check, tmp_path):
    reports(tmp_path / "committed", [30.0, 31.0])
    reports(tmp_path / "reports", [30.5, 30.5])
    out, _ = check("--baseline", "committed/scores.csv", status=1)
    assert "images" in out and "im0" in out
    assert "cells" not in out.split("images")[0]


def test_markdown_and_annotations(check, tmp_path):
    reports(tmp_path / "committed", [30.0, 31.0])
    reports(tmp_path / "reports", [30.5, 31.5])
    out, _ = check("--baseline", "committed", "--markdown", "sum.md", "--github", status=1)
    assert "::error title=sr-bench%3A drift::" in out
    text = (tmp_path / "sum.md").read_text()
    assert text.startswith("### sr-bench check: drift") and "| r | Set5 |" in text


def test_accept_shows_updates_and_writes_the_reason(check, tmp_path):
    reports(tmp_path / "committed", [30.0, 31.0])
    reports(tmp_path / "reports", [30.5, 31.5])
    out, _ = check("--baseline", "committed", "--accept", "crop  mended")
    assert "moved" in out and "accepted: crop mended; wrote " in out
    log = (tmp_path / "reports" / "CHANGES.md").read_text()
    assert (
        "\n## crop mended\n" in log
        and "| r | Set5 | edsr-2017 | psnr | 30.500000 | 31.000000 | +0.5 |" in log
    )
    assert "agree" in check("--baseline", "committed")[0]
    reports(tmp_path / "reports", [30.0, 31.0])
    check("--baseline", "committed", "--accept", "undone")
    log = (tmp_path / "reports" / "CHANGES.md").read_text()
    assert log.index("## undone") < log.index("## crop mended") and log.count("# Changes of") == 1


def test_accept_needs_a_reason_and_drift(check, tmp_path):
    reports(tmp_path / "committed", [30.0, 31.0])
    reports(tmp_path / "reports", [30.0, 31.0])
    assert "--accept is empty" in check("--baseline", "committed", "--accept", " ", status=2)[1]
    assert "nothing to accept" in check("--baseline", "committed", "--accept", "x", status=1)[1]
    assert not (tmp_path / "reports" / "CHANGES.md").exists()


def test_the_baseline_is_what_git_has_committed(check, tmp_path):
    reports(tmp_path / "reports", [30.0, 31.0])
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", tmp_path]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True)
    assert "1 cells and 2 image scores agree with HEAD:reports/scores.csv" in check()[0]
    reports(tmp_path / "reports", [30.0, 31.1])
    assert "drift against HEAD:reports/scores.csv" in check(status=1)[0]
    assert "Git revision 'HEAD~9' can't be had" in check("--baseline", "HEAD~9", status=2)[1]


def test_no_baseline_at_all_is_wrong_use(check, tmp_path):
    reports(tmp_path / "reports", [30.0])
    assert "name a revision, a scores.csv or its folder with --baseline" in check(status=2)[1]


# Fresh scores of some runs


@pytest.fixture
def scored(tmp_path):
    """``scored(run, values, name)`` writes ``build/scores/<name>.csv``; runs r and s are committed.

    Their committed images have 30, 31 and 32 dB.
    """
    folder = tmp_path / "build" / "scores"
    folder.mkdir(parents=True)
    (tmp_path / "committed").mkdir()
    whole = IMAGES + "".join(IMAGE.format(run=r, i=i, value=30 + i) for r in "rs" for i in range(3))
    means = "".join(CELL.format(run=run, value=31.0).replace(",5,", ",3,") for run in "rs")
    (tmp_path / "committed/scores.csv").write_text(HEADER + means)
    (tmp_path / "committed/per_image.csv.gz").write_bytes(gzip.compress(whole.encode()))

    def write(run, values, name=None):
        lines = (IMAGE.format(run=run, i=i, value=v) for i, v in enumerate(values))
        (folder / f"{name or run}.csv").write_text(IMAGES + "".join(lines))

    return write


SOME = ["--baseline", "committed", "--fresh", "build/scores"]


def test_runs_that_were_not_scored_anew_are_not_compared(check, scored):
    scored("s", [30.0, 31.0001, 32.0])
    out, _ = check(*SOME)
    assert "1 cells and 3 image scores agree with committed/scores.csv" in out
    assert "note: compared these runs alone: s" in out
    scored("r", [30.0, 31.0, 32.0])
    assert "2 cells and 6 image scores agree" in check(*SOME)[0]


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ([30.1, 31.0, 31.9], "moved"),  # the mean is as it was
        ([30.0, 31.0], "missing"),
        ([30.0, 31.0, 32.0, 31.0], "new"),
        ([30.0, "", 32.0], "not a number"),
    ],
)
def test_a_wrong_image_of_a_run_that_was_scored_anew_is_drift(check, scored, values, what):
    scored("s", values)
    found = json.loads(check(*SOME, "--json", status=1)[0])
    assert what in {image["what"] for image in found["images"]}
    assert {image["run"] for image in found["images"]} == {"s"}


def test_a_metric_that_some_image_lacks_is_in_no_report(check, scored, tmp_path):
    scored("s", [30.0, 31.0, 32.0])  # Cb of a gray image: the reports have no such cell
    with (tmp_path / "build/scores/s.csv").open("a") as table:
        table.write(IMAGE.format(run="s", i=0, value=50).replace("psnr", "psnr_cb"))
    assert "1 cells and 3 image scores agree" in check(*SOME)[0]


def test_a_run_that_the_baseline_does_not_have_is_new(check, scored):
    scored("t", [30.0])
    (cell,) = json.loads(check(*SOME, "--json", status=1)[0])["cells"]
    assert (cell["run"], cell["what"]) == ("t", "new")


def test_runs_can_be_chosen(check, scored):
    scored("r", [30.0, 31.0, 32.0])
    scored("s", [40.0, 41.0, 42.0])
    check(*SOME, status=1)
    assert "1 cells and 3 image scores agree" in check(*SOME, "--run", "r")[0]
    check(*SOME, "--run", "r", "--run", "s", status=1)
    reports = ["--baseline", "committed", "--fresh", "committed", "--run", "s"]
    assert "1 cells and 3 image scores agree" in check(*reports)[0]
    unknown = check(*SOME, "--run", "rr", status=2)[1]
    assert "unknown run 'rr' in build/scores; did you mean r" in unknown


def test_a_table_named_after_another_run_is_refused(check, scored):
    scored("s", [30.0, 31.0, 32.0], name="r")
    error = check(*SOME, status=1)[1]
    assert "r.csv: is named after run r, but holds scores of s; make it with: sr-bench" in error


def test_some_runs_are_not_accepted_for_all(check, scored, tmp_path):
    scored("s", [40.0, 41.0, 42.0])
    error = check(*SOME, "--accept", "better", status=2)[1]
    assert "build/scores is compared by 1 of them; make the reports" in error
    assert not list(tmp_path.rglob("CHANGES.md"))


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (None, "new.csv: no such file; make it with: dvc repro"),
        ("", "new.csv: is empty"),
        ("a,b\n1,2\n", "new.csv: columns are a, b; expected run, method"),
        (HEADER + "," * 12 + "\n" + "," * 17 + "\n", "new.csv:2: 13 fields, expected 11"),
        (HEADER + CELL.format(run="r", value="much"), "new.csv:2: value is 'much'"),
    ],
)
def test_a_file_that_is_no_table_of_scores(check, tmp_path, text, fact):
    scores(tmp_path / "old.csv", 33.12)
    if text is not None:
        (tmp_path / "new.csv").write_text(text)
    out, err = check(*checking(), status=1)
    assert out == "" and fact in err and "Traceback" not in err


def test_options_of_scores_do_not_go_with_timings(check):
    assert "are of scores" in check("--timings", "--accept", "x", status=2)[1]


def test_an_accepted_drift_lists_all_that_moved_and_counts_other_signatures():
    keys = {"method": "m", "variant": "", "weights": "w", "scale": 2, "dataset": "Set5"}
    listed = [
        keys | {"run": f"run{i}-x2", "protocol": "p", "metric": "psnr", "images": 5}
        for i in range(40)
    ]
    before = pd.DataFrame(listed).assign(value=30.0, signature="protocol:p|version:1")[CELL_COLUMNS]
    after = before.assign(signature="protocol:p|version:2")
    after.loc[:34, "value"] = 31.0
    text = changelog(check_scores(Snapshot("old", before, None), Snapshot("new", after, None)))
    assert [f"| run{i}-x2 |" in text for i in range(40)] == [True] * 35 + [False] * 5
    assert "- 5 cells have the same number under another signature" in text
