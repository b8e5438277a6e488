"""What was scored is what is reported: the record beside a table, and who refuses what."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from sr_bench.data.catalogue.protocols import Protocols, load_protocols
from sr_bench.evaluation.scoring.kept import Kept
from sr_bench.evaluation.scoring.record import record_of
from sr_bench.evaluation.scoring.run import score_run
from sr_bench.evaluation.scoring.table import csv_text, read_run
from sr_bench.project.project import Project
from sr_bench.report.build import build_report
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import sha256

RUN = "bicubic-x2"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return tmp_path_factory.mktemp("scored") / "project"


@pytest.fixture
def scored(made, project, tmp_path):
    """The project with its run scored; made once, copied for each test."""
    from sr_bench.evaluation.upscaling.upscale import upscale_run

    if not made.is_dir():
        opened = Project.load(project)
        upscale_run(opened, opened.run(RUN), progress=lambda _: None)
        score_run(opened, opened.run(RUN))
        shutil.copytree(project, made)
    shutil.copytree(made, tmp_path / "scored")
    return Project.load(tmp_path / "scored")


def rewritten(path, old, new):
    """Change a file and put its time back, as a copying tool may."""
    times = path.stat()
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def refuses(project, fact):
    with pytest.raises(SrBenchError, match=fact):
        build_report(project)


def test_the_record_has_the_hash_of_all_that_was_read(scored):
    table = scored.scores(RUN)
    record = json.loads(record_of(table).read_text())
    sr = scored.sr(RUN, "rgb-matlab", "Set5")
    assert record["table"] == sha256(table)
    assert record["sr"]["rgb-matlab/Set5"]["colour.png"] == sha256(sr / "colour.png")
    assert set(record["sr"]) == {"rgb-matlab/Set5", "ycbcr-float-replicate/Set5"}
    assert set(record["protocols"]) == {"edsr-2017", "srcnn-2015"}
    first = record_of(table).read_bytes()
    score_run(scored, scored.run(RUN))
    assert record_of(table).read_bytes() == first
    assert len(build_report(scored).cells) == 5


def digit(scored):
    rewritten(scored.scores(RUN), b"psnr,colour,1", b"psnr,colour,9")


def row(scored):
    lines = scored.scores(RUN).read_bytes().splitlines(keepends=True)
    scored.scores(RUN).write_bytes(b"".join(lines[:-1]))


def line_ends(scored):
    path = scored.scores(RUN)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


@pytest.mark.parametrize("change", [digit, row, line_ends])
def test_a_table_that_is_not_the_recorded_one_is_refused_by_all_who_read_it(scored, cli, change):
    change(scored)
    fact = "isn't the table that was scored: its sha256"
    refuses(scored, fact)
    with pytest.raises(SrBenchError, match=fact):
        read_run(scored.scores(RUN))
    for words in (["report"], ["compare", RUN, RUN + "x"]):
        assert fact in cli(words, 1, cwd=scored.root)[1]
    score_run(scored, scored.run(RUN))  # the remedy that the message names
    build_report(scored)


def test_an_sr_image_that_was_changed_after_scoring_is_named(scored):
    folder = scored.sr(RUN, "rgb-matlab", "Set5")
    shutil.copy(folder / "gray.png", folder / "colour.png")
    refuses(
        scored, r"colour\.png: isn't the picture that was scored \(1 of 2 in .*sr-bench upscale"
    )


def test_a_table_without_its_images_is_reported(scored):
    shutil.rmtree(scored.root / "build" / "sr")
    shutil.rmtree(scored.root / "build" / "manifests")
    assert len(build_report(scored).cells) == 5


def test_scores_with_another_hr_are_refused(scored):
    rewritten(scored.manifest("Set5"), b'"sha256": "', b'"sha256": "0')
    refuses(scored, r"was scored with other hr than .*Set5\.json lists now")


def test_scores_under_another_definition_of_a_protocol_are_refused(scored):
    """The definition changed, its version didn't."""
    known = load_protocols()
    other = known.protocols["edsr-2017"].model_copy(update={"y": "uint8"})
    changed = Protocols.model_construct(
        degradations=known.degradations, protocols=known.protocols | {"edsr-2017": other}
    )
    scored = replace(scored, catalogue=replace(scored.catalogue, protocols=changed))
    refuses(scored, "was scored under edsr-2017, which has another definition now")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": 2}', '{"schema": 1, "run": "bicubic-x2"}', "{" * 9999]
)
def test_a_damaged_record_is_refused(scored, text):
    record_of(scored.scores(RUN)).write_text(text)
    refuses(scored, r"bicubic-x2\.json: .*sr-bench score bicubic-x2")


@pytest.mark.parametrize("key", ["hr", "sr", "protocols", "table"])
@pytest.mark.parametrize("value", [None, [1], "x", {"Set5": 1}, {"Set5": "x"}])
def test_a_record_whose_parts_are_of_another_kind_is_refused(scored, key, value):
    path = record_of(scored.scores(RUN))
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(SrBenchError):
        build_report(scored)


def test_a_table_without_a_record_is_read(scored):
    """Of an older version, or written by another program."""
    record_of(scored.scores(RUN)).unlink()
    assert len(build_report(scored).cells) == 5


def test_the_check_refuses_a_table_that_was_changed(scored, cli):
    cli(["report"], cwd=scored.root)
    shutil.copytree(scored.reports, scored.root / "old")
    words = ["check", "--baseline", "old"]
    cli(words, cwd=scored.root)
    digit(scored)
    assert "isn't the table that was scored" in cli(words, 1, cwd=scored.root)[1]


@pytest.mark.parametrize("name", ["scores.csv", "per_image.csv.gz"])
@pytest.mark.parametrize("folder", ["reports", "old"])
def test_the_check_refuses_a_report_that_was_edited_by_hand(scored, cli, name, folder):
    from sr_bench.evaluation.scoring.table import read_per_image, read_scores, write_table

    cli(["report"], cwd=scored.root)
    shutil.copytree(scored.reports, scored.root / "old")
    path = scored.root / folder / name
    if name == "scores.csv":
        table = read_scores(path)
    else:
        counts = read_per_image(path)
        table = counts.assign(images=2)[[*counts.columns, "images"]]
        table = table[["run", "method", "variant", "weights", "scale", "dataset", "protocol",
                       "metric", "value", "images", "signature", "image"]]  # fmt: skip
    table.loc[0, "value"] += 1
    write_table(path, table)
    _, err = cli(["check", "--baseline", "old"], 1, cwd=scored.root)
    assert f"{name}: isn't the table that the report wrote: its sha256" in err


def test_what_is_written_is_the_same_where_only_the_last_bits_differ(scored):
    table = read_run(scored.scores(RUN))
    other = table.assign(value=table["value"] * (1 + 3e-16))
    assert (other["value"] != table["value"]).any()
    assert csv_text(other.round(10)) == csv_text(table)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, as on Linux")
def test_a_full_disk_names_the_journal_of_scores():
    with pytest.raises(OSError, match="No space") as caught:
        Kept(Path("/dev/full")).note("key", [])
    assert caught.value.filename == "/dev/full"
