"""An infinite PSNR: the mean is infinite, is named, and neither ranks nor breaks anything."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from sr_bench.analysis.best import not_worse
from sr_bench.analysis.drift.check import check_scores
from sr_bench.analysis.drift.render import facts, markdown
from sr_bench.analysis.drift.snapshot import Snapshot
from sr_bench.analysis.ledger.ledger import REPRODUCTION
from sr_bench.cli.show import print_json
from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.evaluation.scoring.table import IMAGE_COLUMNS, cells, identical, listed
from sr_bench.imaging import images
from sr_bench.project.project import Project
from sr_bench.report.build import build_report
from sr_bench.report.figures.costs import Choice, quality
from sr_bench.report.tables.all_tables import report_tables
from sr_bench.report.tables.headline import best_runs
from sr_bench.report.write import write_report
from sr_bench.support.errors import SrBenchError

INF = math.inf
LEDGER = (
    "source,method,variant,dataset,scale,metric,value,protocol,note,run,trained\n"
    "paper,bicubic,,Set5,2,psnr,31.00,edsr-2017,,bicubic,\n"
    "paper,ibp,,Set5,2,psnr,33.00,edsr-2017,,ibp,bicubic\n"
)
METHOD = (
    "from sr_bench.networks.method import Method\n"
    "METHOD = Method(name='{0}', load=print, reference='r')\n"
)
RUNS = ("bicubic-x2", "ibp-x2", "third-x2")


def scores(run, psnr):
    stamp = find_protocol("edsr-2017").signature
    made = [
        (run, run[:-3], "", "none", 2, "Set5", "edsr-2017", metric, f"img{i}", value, stamp)
        for metric, values in (("psnr", psnr), ("ssim", [0.9] * len(psnr)))
        for i, value in enumerate(values)
    ]
    return pd.DataFrame(made, columns=IMAGE_COLUMNS)


@pytest.fixture
def per_image():
    """Three runs; of the first one, an image is identical to its hr."""
    values = ([30.0, INF, 29.0], [31.0, 40.0, 30.0], [28.0, 39.0, 27.0])
    return pd.concat(map(scores, RUNS, values), ignore_index=True)


@pytest.fixture
def project(tmp_path, per_image):
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods/published.csv").write_text(LEDGER)
    runs = ""
    for run in RUNS:
        (tmp_path / f"methods/{run[:-3]}.py").write_text(METHOD.format(run[:-3]))
        runs += f"  {run}: {{method: {run[:-3]}, scale: 2, protocols: [edsr-2017]}}\n"
    (tmp_path / "params.yaml").write_text(
        "methods: [methods]\nledger: methods/published.csv\nfetch: []\n"
        f"protocols: {{edsr-2017: [Set5]}}\nruns:\n{runs}"
    )
    made = Project.load(tmp_path)
    made.scores(RUNS[0]).parent.mkdir(parents=True)
    for run in RUNS:
        per_image[per_image["run"] == run].to_csv(made.scores(run), index=False)
    return made


def test_the_mean_is_infinite_and_the_images_are_named(per_image):
    means = cells(per_image).set_index(["run", "metric"])["value"]
    assert means["bicubic-x2", "psnr"] == INF and means["bicubic-x2", "ssim"] == 0.9
    (sentence,) = identical(per_image[per_image["run"] == "bicubic-x2"])
    assert sentence.startswith("1 of 3 images is identical to hr: img1; the mean psnr is infinite")
    assert identical(per_image[per_image["run"] == "ibp-x2"]) == []


def test_metrics_that_share_their_identical_images_share_a_sentence(per_image):
    one = per_image[per_image["run"] == "bicubic-x2"]
    again = one[one["metric"] == "psnr"].assign(metric="psnr_y")
    (sentence,) = identical(pd.concat([one, again]))
    assert "psnr and psnr_y" in sentence
    assert listed("abcdefg") == "a, b, c, d, e and 2 more"


def test_a_report_with_an_infinite_mean_is_written_and_never_bold(project):
    report = build_report(project)
    write_report(project, report)
    table = report_tables(report, not_worse(report.per_image)).quality[0]
    psnr = [row[table.columns.index(c)] for row in table.rows for c in table.columns
            if c.key == "Set5_psnr"]  # fmt: skip
    assert [(n.text, n.grade.name, n.marked) for n in psnr] == [
        ("inf", "NONE", False),
        ("33.67", "BEST", False),
        ("31.33", "NONE", False),  # worse on every image
    ]
    assert "identical to its HR" in table.remarks[-1]
    folder = project.reports
    assert "infty" in (folder / "tables" / "edsr-2017.tex").read_text()
    assert "inf" in (folder / "scores.csv").read_text()
    reproduction = pd.read_csv(folder / "reproduction.csv", keep_default_na=False)
    assert list(reproduction.columns) == REPRODUCTION
    assert reproduction["verdict"].tolist() == ["differs", "differs"]
    assert reproduction["delta"].tolist()[0] == INF
    for path in folder.rglob("*.json"):
        json.loads(path.read_text(), parse_constant=pytest.fail)


@pytest.mark.parametrize("text", ["nan", "NaN", "", "-inf"])
def test_a_score_that_is_no_number_is_refused_with_its_file(text, project):
    path = project.scores(RUNS[0])
    path.write_text(path.read_text().replace(",inf,", f",{text},"))
    with pytest.raises(SrBenchError, match=r"bicubic-x2\.csv.*value"):
        build_report(project)


def test_without_infinite_means_nothing_is_remarked(project, per_image):
    rows = per_image[per_image["run"] == RUNS[0]]
    rows.replace({"value": {INF: 60.0}}).to_csv(project.scores(RUNS[0]), index=False)
    table = report_tables(build_report(project)).quality[0]
    assert not any("identical" in remark for remark in table.remarks)


def test_the_headline_prefers_a_finite_run_and_takes_an_infinite_one_where_it_is_alone():
    table = cells(pd.concat([scores("srcnn-a-x2", [INF, 1.0]), scores("srcnn-b-x2", [30.0, 31.0])]))
    both = table[table["metric"] == "psnr"].assign(method="srcnn")
    assert best_runs(both, 2) == ["srcnn-b-x2"]
    assert best_runs(both[both["run"] == "srcnn-a-x2"], 2) == ["srcnn-a-x2"]


@pytest.mark.parametrize("after", [[30.0, 33.0, 29.0], [INF, INF, 29.0]])
def test_drift_of_infinite_scores_is_told_and_is_json(after, capsys):
    before = scores("bicubic-x2", [30.0, INF, 29.0])
    states = [
        Snapshot(name, cells(rows), rows.assign(images=3))
        for name, rows in (("old", before), ("new", scores("bicubic-x2", after)))
    ]
    found = check_scores(*states)
    assert found.drift and "inf" in markdown(found)
    print_json(facts(found))
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail)["drift"] is True


def test_plots_leave_infinite_means_out(per_image):
    rows = quality(cells(per_image), Choice("Set5", "edsr-2017", "psnr"))
    assert rows["run"].tolist() == ["ibp-x2", "third-x2"]


@pytest.mark.parametrize("same", [["one"], ["one", "two"], ["one", "two", "three"]])
def test_score_names_identical_images(same, cli, tmp_path, picture):
    for name in ("one", "two", "three"):
        hr = picture(32, 40, 3)
        noisy = np.clip(hr.astype(int) + 3, 0, 255).astype(np.uint8)
        images.write(tmp_path / "hr" / f"{name}.png", hr)
        images.write(tmp_path / "sr" / f"{name}.png", hr if name in same else noisy)
    words = ["score", "--sr", "sr", "--hr", "hr", "--scale", "2", "--protocol", "edsr-2017"]
    said, _ = cli(words, cwd=tmp_path)
    verb = "is" if len(same) == 1 else "are"
    assert f"{len(same)} of 3 images {verb} identical to hr: " in said
    assert f"{listed(sorted(same))}; the mean psnr is infinite" in said
