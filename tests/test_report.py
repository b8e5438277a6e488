"""The report stage: the files' contracts, the page, and what it does with gaps."""

import gzip
import io
import json
import os

import pandas as pd
import pytest

from sr_bench.analysis.ledger.ledger import REPRODUCTION, TRAINED
from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.evaluation.scoring.table import CELL_COLUMNS, IMAGE_COLUMNS
from sr_bench.project.project import Project
from sr_bench.report.build import TRAININGS, Report, build_report
from sr_bench.report.readme import reports_readme
from sr_bench.report.tables.all_tables import report_tables, write_tables
from sr_bench.report.timings import SPEEDUPS, TIMINGS
from sr_bench.report.write import write_report
from sr_bench.support.errors import SrBenchError

LEDGER = (
    "source,method,variant,dataset,scale,metric,value,protocol,note,run,trained\n"
    "paper,bicubic,,Set5,2,psnr,31.00,edsr-2017,,bicubic,\n"
    "paper,bicubic,,Set5,2,ssim,0.9,edsr-2017,a <b>|doubt</b>,bicubic,\n"
    "paper,edsr,baseline,Set5,2,psnr,38.00,edsr-2017,,edsr-baseline-author,bicubic\n"
)


def rows(run, protocol="edsr-2017", signature=None, **values):
    """Per-image rows of one run: metric -> values of the images."""
    scale = int(run[-1])
    stamp = signature or find_protocol(protocol).signature
    return [
        (run, "bicubic", "", "none", scale, "Set5", protocol, metric, f"img{i}", value, stamp)
        for metric, listed in values.items()
        for i, value in enumerate(listed)
    ]


@pytest.fixture
def reported(tmp_path):
    """A project with two runs, of which bicubic-x2 has scores."""
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods/published.csv").write_text(LEDGER)
    (tmp_path / "methods/bicubic.py").write_text(
        "from sr_bench.networks.method import Method\n"
        "METHOD = Method(name='bicubic', load=print, reference='r', baseline=True)\n"
    )
    (tmp_path / "params.yaml").write_text(
        "methods: [methods]\nledger: methods/published.csv\nfetch: []\n"
        "protocols: {edsr-2017: [Set5]}\n"
        "runs:\n"
        "  bicubic-x2: {method: bicubic, scale: 2, protocols: [edsr-2017]}\n"
        "  bicubic-x3: {method: bicubic, scale: 3, protocols: [edsr-2017]}\n"
    )
    project = Project.load(tmp_path)
    save(project, "bicubic-x2", rows("bicubic-x2", psnr=[30.0, 32.0], ssim=[0.8, 0.85]))
    return project


def save(project, run, listed):
    project.scores(run).parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(listed, columns=IMAGE_COLUMNS).to_csv(project.scores(run), index=False)


def test_the_files_have_their_contracts(reported):
    write_report(reported, build_report(reported))
    scores = pd.read_csv(reported.reports / "scores.csv", keep_default_na=False)
    assert list(scores.columns) == CELL_COLUMNS
    assert scores["value"].tolist() == [31.0, 0.825]
    assert scores["images"].tolist() == [2, 2]
    packed = gzip.decompress((reported.reports / "per_image.csv.gz").read_bytes())
    per_image = pd.read_csv(io.BytesIO(packed), keep_default_na=False)
    assert list(per_image.columns) == [*CELL_COLUMNS, "image"]
    assert per_image["value"].tolist() == [30.0, 32.0, 0.8, 0.85]
    reproduction = pd.read_csv(reported.reports / "reproduction.csv", keep_default_na=False)
    assert list(reproduction.columns) == REPRODUCTION
    assert reproduction["verdict"].tolist() == ["reproduced", "differs", "not run"]


def test_the_same_scores_give_the_same_bytes(reported):
    contents = []
    for _ in range(2):
        write_report(reported, build_report(reported))
        found = [p for p in reported.reports.rglob("*") if p.is_file()]
        contents.append({p.relative_to(reported.reports): p.read_bytes() for p in found})
    assert contents[0] == contents[1]


def test_a_run_without_scores_is_named(reported):
    report = build_report(reported)
    reason = "build/scores/bicubic-x3.csv is missing: dvc repro score@bicubic-x3"
    assert report.not_run == {"bicubic-x3": reason}
    write_report(reported, report)
    assert f"- {reason}: `bicubic-x3`\n\n" in (reported.reports / "README.md").read_text()


def test_the_page_escapes_what_comes_from_outside(reported):
    write_report(reported, build_report(reported))
    page = (reported.reports / "README.md").read_text()
    assert r"- a: a &lt;b&gt;\|doubt&lt;/b&gt;" in page
    assert "<b>" not in page


def test_every_row_of_every_table_has_its_columns(reported):
    write_report(reported, build_report(reported))
    width = 0
    for line in (reported.reports / "README.md").read_text().splitlines():
        cells = line.replace(r"\|", "").count("|")
        assert not line.startswith("|") or width in (0, cells), line
        width = cells if line.startswith("|") else 0


def test_at_a_glance(reported):
    write_report(reported, build_report(reported))
    page = (reported.reports / "README.md").read_text()
    assert "1 reproduced, 0 close, 1 differs, 1 not run." in page
    assert "| paper | 1 | 0 | 1 | 1 |" in page


def test_scores_of_another_version_are_not_mixed_in(reported):
    stale = rows("bicubic-x3", signature="protocol:edsr-2017|version:0", psnr=[1.0], ssim=[0.1])
    save(reported, "bicubic-x3", stale)
    with pytest.raises(SrBenchError, match="would mix 2 signatures"):
        build_report(reported)


def test_no_scores_at_all(reported):
    reported.scores("bicubic-x2").unlink()
    with pytest.raises(SrBenchError, match="no scores; run: dvc repro"):
        build_report(reported)


def table(*runs):
    listed = [row for run, psnr in runs for row in rows(run, psnr=[psnr], ssim=[0.9])]
    frame = pd.DataFrame(listed, columns=IMAGE_COLUMNS)
    return frame.drop(columns="image").assign(images=1)[CELL_COLUMNS]


def test_what_trained_weights_reach_stands_beside_the_number_they_aim_at(reported):
    made = build_report(reported)
    assert made.trained.to_dict("records") == [
        {
            "source": "paper",
            "method": "edsr",
            "variant": "baseline",
            "dataset": "Set5",
            "scale": 2,
            "metric": "psnr",
            "protocol": "edsr-2017",
            "published": "38.00",
            "run": "bicubic-x2",
            "measured": 31.0,
            "delta": -7.0,
        }
    ]
    assert "| 38.00 | bicubic | 31.0000 | -7.0000 |" in reports_readme(
        made, report_tables(made), {}
    )


def test_a_page_without_a_ledger_has_no_verdicts():
    cells = table(("a-x2", 31.0))
    nothing = [
        pd.DataFrame(columns=c) for c in (REPRODUCTION, TRAINED, TRAININGS, TIMINGS, SPEEDUPS)
    ]
    report = Report(cells, cells, *nothing, not_run={})
    page = reports_readme(report, report_tables(report), {})
    assert "At a glance" not in page
    assert "Published against measured" not in page


def test_report_command_says_what_is_missing(reported, monkeypatch):
    from typer.testing import CliRunner

    from sr_bench.cli.app import app

    monkeypatch.chdir(reported.root)
    done = CliRunner().invoke(app, ["report"])
    assert isinstance(done.exception, SrBenchError)
    assert "1 runs have no scores and stand as not run: bicubic-x3" in str(done.exception)
    done = CliRunner().invoke(app, ["report", "--allow-missing", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["verdicts"] == {"reproduced": 1, "differs": 1, "not run": 1}


def snapshot(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    "step", ["write_table", "write_tables", "write_figures", "write_page", "write_provenance"]
)
def test_a_report_that_fails_keeps_the_old_one_whole(reported, monkeypatch, step):
    write_report(reported, build_report(reported))
    (reported.reports / "CHANGES.md").write_text("why\n")
    before = snapshot(reported.root)
    save(reported, "bicubic-x2", rows("bicubic-x2", psnr=[40.0, 42.0], ssim=[0.8, 0.85]))
    before[reported.scores("bicubic-x2").relative_to(reported.root)] = reported.scores(
        "bicubic-x2"
    ).read_bytes()

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(f"sr_bench.report.write.{step}", fail)
        with pytest.raises(OSError, match="No space"):
            write_report(reported, build_report(reported))
    assert snapshot(reported.root) == before
    write_report(reported, build_report(reported))
    assert "41" in (reported.reports / "scores.csv").read_text()
    assert (reported.reports / "CHANGES.md").read_text() == "why\n"


def test_a_readme_with_a_wrong_marker_stops_the_report_before_it_writes(reported):
    write_report(reported, build_report(reported))
    (reported.root / "README.md").write_text("<!-- table: headline-edsr-2017 -->\n")
    before = snapshot(reported.root)
    with pytest.raises(SrBenchError, match="stands alone"):
        write_report(reported, build_report(reported))
    assert snapshot(reported.root) == before


def test_what_a_killed_report_left_behind_is_removed(reported):
    gone = reported.root / "build" / ".report-4194304999-x"
    running = reported.root / "build" / f".report-{os.getpid()}-x"
    for folder in (gone, running):
        (folder / "reports").mkdir(parents=True)
    write_report(reported, build_report(reported))
    assert not gone.exists() and running.is_dir()


def test_the_metrics_that_dvc_shows(reported):
    write_report(reported, build_report(reported))
    assert json.loads((reported.reports / "metrics.json").read_text()) == {
        "runs": 1,
        "cells": 2,
        "published": {"reproduced": 1, "close": 0, "differs": 1, "not run": 1},
        "known": 3,
        "verifiable": 2,
    }


def test_packed_scores_have_neither_a_date_nor_a_name(reported):
    write_report(reported, build_report(reported))
    packed = (reported.reports / "per_image.csv.gz").read_bytes()
    assert packed[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"


def test_numbers_have_twelve_digits(reported):
    save(
        reported,
        "bicubic-x2",
        rows("bicubic-x2", psnr=[30.123456789012345, 31.0], ssim=[0.8, 1 / 3]),
    )
    write_report(reported, build_report(reported))
    text = (reported.reports / "scores.csv").read_text()
    assert ",30.5617283945," in text and ",0.5666666667," in text
    assert (
        ",30.123456789,"
        in gzip.decompress((reported.reports / "per_image.csv.gz").read_bytes()).decode()
    )
    assert ",-7.4382716055" in (reported.reports / "trained.csv").read_text()


MINE = """
from sr_bench.networks.method import Method, Published
METHOD = Method(
    name="mine", load=print, reference="r", variants=("small", "large"), {more}
    published={{
        ("small", "author", 2): Published("SRCNN-author-weights", "a"{facts}),
        ("large", "author", 2): Published("SRCNN-author-weights", "b"),
    }},
)
"""


@pytest.mark.parametrize(
    ("more", "facts", "expected"),
    [
        ("title='Mine',", ", trained_on='Flickr2K'", "Mine small,Flickr2K,authors"),
        ("title='Mine',", "", "Mine small,not stated,authors"),
        ("", ", trained_on='Flickr2K', by='a friend'", "mine small,Flickr2K,a friend"),
    ],
)
def test_a_method_of_ones_own_has_its_own_names(tmp_path, more, facts, expected):
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods/mine.py").write_text(MINE.format(more=more, facts=facts))
    runs = ("mine-small-author-x2", "mine-large-author-x2", "mine-small+-author-x2")
    entries = [
        f"  {r}: {{method: mine, variant: {r.split('-')[1]}, weights: author, scale: 2,"
        " protocols: [edsr-2017]}\n"
        for r in runs
    ]
    (tmp_path / "params.yaml").write_text(
        "methods: [methods]\nledger: null\nfetch: []\nprotocols: {edsr-2017: [Set5]}\nruns:\n"
        + "".join(entries)
    )
    project = Project.load(tmp_path)
    for i, run in enumerate(runs):
        own = (run, "mine", run.split("-")[1], "author")
        save(project, run, [own + row[4:] for row in rows(run, psnr=[30.0 + i, 32.0], ssim=[1, 1])])
    made = build_report(project)
    write_tables(report_tables(made), tmp_path / "tables")
    table = (tmp_path / "tables/edsr-2017.csv").read_text()
    assert f",{expected}," in table
    assert f",{expected.replace(' small', ' small+')}," in table
    assert f",{expected.split(' ')[0]} large,not stated,authors," in table
    assert "DIV2K" not in table
