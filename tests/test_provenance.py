"""Provenance: what made a report, by content, and the stamp of one that is sent away."""

import json
import subprocess

import pytest

from sr_bench.project.dvc_lock import dvc_md5, read_lock
from sr_bench.project.project import Project
from sr_bench.report.provenance.records import collect, write_provenance
from sr_bench.report.provenance.stamp import stamp, unstamp
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.support.files import sha256

RUN = "runs/bicubic-x2"
LOCK = """schema: '2.0'
stages:
  upscale@bicubic-x2:
    cmd: sr-bench upscale bicubic-x2
    deps:
    - {path: build/manifests/Set5.json, hash: md5, md5: aaaa}
    - {path: ../methods/bicubic.py, hash: md5, md5: bbbb}
    - {path: ../sr_bench/imaging/resize.py, hash: md5, md5: cccc}
    outs:
    - {path: build/sr/bicubic-x2, hash: md5, md5: dddd.dir}
  score@bicubic-x2:
    cmd: sr-bench score bicubic-x2
    deps:
    - {path: build/sr/bicubic-x2, hash: md5, md5: dddd.dir}
    - {path: ../sr_bench/evaluation/metrics, hash: md5, md5: eeee.dir}
    outs:
    - {path: build/scores/bicubic-x2.csv, hash: md5, md5: SCORES}
"""


@pytest.fixture
def scored(project):
    loaded = Project.load(project)
    loaded.scores("bicubic-x2").parent.mkdir(parents=True)
    loaded.scores("bicubic-x2").write_text("run\n")
    return loaded


def locked(project):
    text = LOCK.replace("SCORES", dvc_md5(project.scores("bicubic-x2")))
    (project.root / "dvc.lock").write_text(text)


def test_hashes_are_those_of_dvc(tmp_path):
    (tmp_path / "d" / "sub").mkdir(parents=True)
    (tmp_path / "d" / "b.txt").write_text("b\n")
    (tmp_path / "d" / "sub" / "a.txt").write_text("a\n")
    # `dvc add d` of DVC 3.67.1 on these two files, and md5sum
    assert dvc_md5(tmp_path / "d") == "314195fee9670c7466e8c360f5199922.dir"
    assert dvc_md5(tmp_path / "d" / "b.txt") == "3b5d5c3712955042212316173ccf37be"


def test_without_a_lock_what_lies_there_is_hashed(scored):
    made = collect(scored)
    record = made.records[RUN]
    assert record["data"] == {"Set5": dvc_md5(scored.manifest("Set5"))}
    assert list(record["method"]) == ["methods/bicubic.py"]
    assert set(record["signatures"]) == {"edsr-2017", "srcnn-2015"}
    assert "sr_bench/evaluation/metrics" in made.records[record["code"]]


def test_the_lock_tells_what_its_scores_were_made_from(scored):
    locked(scored)
    made = collect(scored)
    record = made.records[RUN]
    assert record["data"] == {"Set5": "aaaa"}
    assert record["method"] == {"methods/bicubic.py": "bbbb"}
    assert made.records[record["code"]] == {
        "sr_bench/imaging/resize.py": "cccc", "sr_bench/evaluation/metrics": "eeee.dir"
    }  # fmt: skip


def test_a_lock_of_other_scores_is_not_believed(scored):
    locked(scored)
    scored.scores("bicubic-x2").write_text("made by hand\n")
    assert collect(scored).records[RUN]["data"] != {"Set5": "aaaa"}
    (scored.root / "dvc.lock").write_text("stages: [1]\n")
    with pytest.raises(SrBenchError, match=r"dvc.lock: not a lock"):
        read_lock(scored.root)


def test_an_id_changes_with_content_alone(scored):
    first = collect(scored).identify([RUN])
    assert collect(scored).identify([RUN, RUN]) == first and len(first) == 12
    scored.scores("bicubic-x2").touch()
    assert collect(scored).identify([RUN]) == first
    scored.scores("bicubic-x2").write_text("run,\n")
    assert collect(scored).identify([RUN]) != first
    with pytest.raises(WrongUse, match="unknown subject 'runs/bicubic-x3'"):
        collect(scored).identify(["runs/bicubic-x3"])


def test_the_file_is_the_same_again_and_lists_all_others(scored):
    folder = scored.reports
    folder.mkdir()
    (folder / "scores.csv").write_text("x\n")
    texts = []
    for _ in range(2):
        path = write_provenance(folder, collect(scored), {"gain": [RUN]})
        for later in ("stamp.json", "CHANGES.md"):
            (folder / later).write_text("{}")
        texts.append(path.read_text())
    content = json.loads(texts[0])
    assert texts[0] == texts[1]
    assert content["files"] == {"scores.csv": sha256(folder / "scores.csv")}
    assert content["figures"]["gain"] == {"id": collect(scored).identify([RUN]), "of": [RUN]}
    assert content["packages"]["numpy"] and RUN in content["records"]
    assert str(scored.root) not in texts[0]


def git(root, *arguments):
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(root), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_stamp_says_revision_and_dirty_state(scored):
    root = scored.root
    with pytest.raises(SrBenchError, match="write the report first"):
        stamp(scored.reports, root)
    path = write_provenance(scored.reports, collect(scored))
    git(root, "init", "-q")
    with pytest.raises(SrBenchError, match="needs a clone with a commit"):
        stamp(scored.reports, root)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "all")
    clean = stamp(scored.reports, root)
    assert clean["revision"] == git(root, "rev-parse", "HEAD")
    assert clean["dirty"] is False and clean["provenance_sha256"] == sha256(path)
    (root / "params.yaml").write_text((root / "params.yaml").read_text() + "\n")
    (root / "new file").write_text("")
    again = stamp(scored.reports, root)
    assert again["dirty"] and set(again["changed"]) == {"params.yaml", '"new file"'}
    unstamp(scored.reports)
    assert not (scored.reports / "stamp.json").exists()
