"""`sr-bench submit`: a bundle of results, and its check, which believes nothing."""

import dataclasses
import json
import os
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sr_bench.analysis.submissions import bundle as bundles
from sr_bench.analysis.submissions.listed import SUBMITTED, submitted
from sr_bench.analysis.submissions.schema import Submission
from sr_bench.cli import submit as command
from sr_bench.data.datasets.manifest import Dataset, Entry
from sr_bench.imaging import images
from sr_bench.report.readme import reports_readme
from sr_bench.report.tables.all_tables import ReportTables
from sr_bench.support.files import sha256
from sr_bench.support.strict_yaml import read_yaml

ROOT = Path(__file__).resolve().parent.parent
made_up = runpy.run_path(str(Path(__file__).with_name("site_report.py")))["made_up"]


@pytest.fixture
def submit(cli, tmp_path, picture, monkeypatch):
    """``submit(words, status)`` where Set5 is two made-up images; sr/Set5 holds their SR at x4."""
    entries = []
    for name in ("baby", "bird"):
        hr = picture(36, 48, 3)
        images.write(tmp_path / "hr" / f"{name}.png", hr)
        images.write(tmp_path / "sr" / "Set5" / f"{name}_x4.png", hr // 2 * 2)
        path = tmp_path / "hr" / f"{name}.png"
        entries.append(Entry(path.name, hr.shape, sha256(path)))
    dataset = Dataset("Set5", tmp_path / "hr", tuple(entries))
    monkeypatch.setattr(command, "_opened", lambda name, known: dataset)
    monkeypatch.chdir(tmp_path)
    return lambda words, status=0: cli(["submit", *words], status=status)


WRITE = ["--sr", "sr/Set5", "--scale", "4", "--model", "Net", "--by", "A. Person"]


@pytest.mark.parametrize("name", ["mine", "mine.zip"])
def test_what_is_written_is_verified(submit, tmp_path, name):
    (tmp_path / "net.pth").write_bytes(b"weights")
    more = ["--weights", "net.pth", "--protocol", "edsr-2017", "--protocol", "basicsr-rgb"]
    out, _ = submit([name, *WRITE, *more, "--json"])
    made = Submission.model_validate_json(out)
    assert made.weights_sha256 == sha256(tmp_path / "net.pth")
    first = made.results[0]
    assert [i.image for i in first.images] == ["baby", "bird"]
    assert first.signature.startswith("protocol:edsr-2017|version:2|")
    assert first.images[0].sha256 == sha256(tmp_path / "sr/Set5/baby_x4.png")
    values = [i.values["psnr"] for i in first.images]
    assert first.means["psnr"] == pytest.approx(sum(values) / 2)
    checked = json.loads(submit([name, "--check", "--json"])[0])
    assert [r["status"] for r in checked["results"]] == ["verified", "verified"]
    assert "Net" in submit([name, "--check"])[0]
    assert "is there already" in submit([name, *WRITE], status=2)[1]


def test_what_a_killed_process_left_beside_a_bundle_goes(submit, tmp_path):
    before = {p.name for p in tmp_path.iterdir()}
    (tmp_path / ".mine.ab12cd34.partial" / "sr").mkdir(parents=True)
    (tmp_path / ".other.ab12cd34.partial").mkdir()
    submit(["mine", *WRITE])
    assert {p.name for p in tmp_path.iterdir()} == before | {"mine", ".other.ab12cd34.partial"}


def test_without_images_it_is_a_claim_until_they_are_given(submit):
    submit(["mine", *WRITE, "--no-attach"])
    assert json.loads(submit(["mine", "--check", "--json"])[0])["results"][0]["status"] == "claimed"
    found = json.loads(submit(["mine", "--check", "--sr", "sr/Set5", "--json"])[0])
    assert found["results"][0]["status"] == "verified"


def changed(tmp_path, change):
    """The bundle ``mine`` with its text changed."""
    path = tmp_path / "mine" / "submission.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def first_image(content):
    return content["results"][0]["images"][0]


def better(content):
    for image in content["results"][0]["images"]:
        image["values"]["psnr"] += 1
    content["results"][0]["means"]["psnr"] += 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (better, "submitted"),
        (lambda c: c["results"][0]["means"].update(psnr=50), "mean psnr is 50"),
        (lambda c: first_image(c).update(sha256="0" * 64), "sha256 of the file"),
        (lambda c: first_image(c).update(image="other"), "not the images of Set5"),
        (lambda c: first_image(c)["values"].update(lpips=0.1), "metrics are"),
        (lambda c: c["results"][0].update(protocol="mine-2026"), "protocol mine-2026 is not known"),
        (lambda c: c["results"][0].update(dataset="Set6"), "dataset Set6 is not known"),
        (lambda c: c["results"][0].update(signature="protocol:edsr-2017|version:1"), "signature"),
        (lambda c: c["results"][0].update(scale=3), "baby"),
        (lambda c: first_image(c).update(image="../../secret"), "submission.json"),
        (lambda c: c["results"][0].update(dataset="../hr"), "submission.json"),
        (lambda c: c.update(model="\x1b[2Jnice"), "can't be printed"),
        (lambda c: c.update(paper="javascript:alert(1)"), "paper"),
        (lambda c: c.update(format="sr-bench-submission/9"), "format"),
        (lambda c: c.update(more=1), "more"),
    ],
)
def test_what_a_bundle_says_is_not_believed(submit, tmp_path, change, said):
    submit(["mine", *WRITE])
    changed(tmp_path, change)
    _, err = submit(["mine", "--check"], status=1)
    assert said in err and "\x1b" not in err


def test_another_version_of_the_software_is_no_fault(submit, tmp_path):
    submit(["mine", *WRITE])

    def older(content):
        result = content["results"][0]
        result["signature"] = result["signature"].rpartition("|")[0] + "|sr-bench:0.0.1"

    changed(tmp_path, older)
    submit(["mine", "--check"])


def test_an_image_that_was_exchanged_is_seen(submit, tmp_path, picture):
    submit(["mine", *WRITE])
    images.write(tmp_path / "mine/sr/Set5/baby.png", picture(36, 48, 3))
    assert "baby: sha256 of the file" in submit(["mine", "--check"], status=1)[1]


def test_nothing_leaves_a_bundle_and_no_link_leads_out(submit, tmp_path):
    submit(["mine.zip", *WRITE])
    with zipfile.ZipFile("mine.zip", "a") as packed:
        packed.writestr("../../escaped.txt", "x")
        packed.writestr("/absolute.txt", "x")
    before = sorted(tmp_path.rglob("*"))
    submit(["mine.zip", "--check"])
    assert sorted(tmp_path.rglob("*")) == before and not (tmp_path.parent / "escaped.txt").exists()
    submit(["mine", *WRITE])
    link = tmp_path / "mine/sr/Set5/baby.png"
    link.unlink()
    link.symlink_to(tmp_path / "sr/Set5/baby_x4.png")
    assert "leads out of the bundle" in submit(["mine", "--check"], status=1)[1]


def test_a_large_or_damaged_file_ends_in_an_error(submit, tmp_path, monkeypatch):
    submit(["mine.zip", *WRITE])
    content = Path("mine.zip").read_bytes()
    Path("cut.zip").write_bytes(content[: len(content) // 2])
    assert "cut.zip" in submit(["cut.zip", "--check"], status=1)[1]
    Path("text.zip").write_text("no zip")
    assert "neither a folder nor a zip" in submit(["text.zip", "--check"], status=1)[1]
    (tmp_path / "empty").mkdir()
    assert "has no submission.json" in submit(["empty", "--check"], status=1)[1]
    assert "no such bundle" in submit(["nowhere", "--check"], status=2)[1]
    monkeypatch.setattr(bundles, "_LARGEST", 100)
    assert "more than 100 bytes" in submit(["mine.zip", "--check"], status=1)[1]


def test_wrong_use_is_told(submit, tmp_path):
    assert "needs the bundle" in submit([], status=2)[1]
    assert "needs --sr" in submit(["mine"], status=2)[1]
    assert "no such folder" in submit(["mine", "--sr", "Set5=no", "--scale", "4"], status=2)[1]
    assert "model" in submit(["mine", "--sr", "sr/Set5", "--scale", "4"], status=2)[1]
    assert "no such file" in submit(["mine", *WRITE, "--weights", "no.pth"], status=2)[1]
    (tmp_path / "sr/Set5/baby_x4.png").unlink()
    assert "baby.png has no sr image" in submit(["mine", *WRITE], status=1)[1]
    assert not (tmp_path / "mine").exists()


def test_the_schema_in_the_documents_is_that_of_the_command(cli):
    out, _ = cli(["submit", "--schema"])
    assert json.loads(out) == json.loads((ROOT / "docs/schemas/submission.json").read_text()), (
        "write it anew: sr-bench submit --schema > docs/schemas/submission.json"
    )


def test_checking_needs_no_torch():
    code = (
        "import sys; sys.modules['torch'] = None; sys.modules['matplotlib'] = None; "
        "import sr_bench.analysis.submissions.check, sr_bench.analysis.submissions.make"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=os.environ)


def test_the_workflow_checks_each_bundle_with_the_code_of_the_base_branch():
    flow = read_yaml((ROOT / ".github/workflows/submission.yml").read_text())
    assert flow["permissions"] == {"contents": "read"}
    assert list(flow[True] if True in flow else flow["on"]) == ["pull_request"]
    steps = flow["jobs"]["check"]["steps"]
    checkouts = [s["with"] for s in steps if s.get("uses", "").startswith("actions/checkout")]
    assert [checkout["path"] for checkout in checkouts] == ["base", "theirs"]
    assert "base.sha" in checkouts[0]["ref"] and "ref" not in checkouts[1]
    (install,) = [s["run"] for s in steps if "pip install" in s.get("run", "")]
    assert "base" in install and "theirs" not in install
    assert all("${{" not in s.get("run", "") for s in steps)  # no text of a stranger in a shell


def test_the_workflows_script_fails_where_a_bundle_differs(submit, tmp_path):
    """Its own shell code, with a stand-in for the command."""
    flow = read_yaml((ROOT / ".github/workflows/submission.yml").read_text())
    (step,) = [s for s in flow["jobs"]["check"]["steps"] if "--check" in s.get("run", "")]
    (tmp_path / "step.sh").write_text(step["run"])
    for name in ("one", "two words"):
        folder = tmp_path / "theirs/submissions" / name
        folder.mkdir(parents=True)
        (folder / "submission.json").write_text("{}")
    (tmp_path / "theirs/submissions/three.zip").write_text("")
    tool = tmp_path / "bin/sr-bench"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\necho "$2" >> seen\ncase "$2" in *two*) exit 1;; esac\n')
    tool.chmod(0o755)
    env = os.environ | {
        "PATH": f"{tool.parent}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    shell = step["shell"].replace("{0}", "step.sh").split()
    done = subprocess.run(shell, cwd=tmp_path, env=env, check=False)
    seen = (tmp_path / "seen").read_text().splitlines()
    assert done.returncode == 1 and len(seen) == 3


def test_the_issue_form_asks_for_what_a_submission_says():
    form = read_yaml((ROOT / ".github/ISSUE_TEMPLATE/result.yml").read_text())
    asked = {part["id"] for part in form["body"] if "id" in part}
    assert {"model", "trained_on", "paper", "code", "bundle"} <= asked


def test_the_report_shows_submissions_apart_from_our_numbers(submit, tmp_path):
    submit(["submissions/theirs", *WRITE[:-3], "Net | <b>", "--by", "A. Person"])
    table = submitted(tmp_path / "submissions")
    assert list(table.columns) == SUBMITTED and len(table) == 1
    report = dataclasses.replace(made_up(), submitted=table)
    tables = ReportTables(**{f.name: () for f in dataclasses.fields(ReportTables)})
    page = reports_readme(report, tables, {})
    head, told, apart = page.partition("## Submitted by others")
    assert told and "Net" not in head and "| <b>" not in apart and "| x4 | edsr-2017 |" in apart
    assert f"{table['psnr'][0]:.2f}" in apart
    without = dataclasses.replace(report, submitted=submitted(tmp_path / "none"))
    assert "Submitted by others" not in reports_readme(without, tables, {})


def test_every_submission_of_this_repository_is_by_the_schema():
    for path in (ROOT / "submissions").glob("*/submission.json"):
        Submission.model_validate_json(path.read_text())
    assert "apart" in (ROOT / "submissions/README.md").read_text()
