"""The page's data and files: what stands in it, what can't break out of it, and its images."""

import dataclasses
import json
import re
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from sr_bench.imaging import images
from sr_bench.networks.method import Method, Published
from sr_bench.project.entries import ViewerEntries, ViewerEntry
from sr_bench.project.project import Project
from sr_bench.report.figures.costs import Choice, Measured
from sr_bench.report.figures.speed import draw_plots
from sr_bench.report.names import Names
from sr_bench.report.site.payload import payload
from sr_bench.report.site.pictures import find_pictures
from sr_bench.report.site.write import Surroundings, write_page
from sr_bench.report.tables.quality import daggers, quality_tables
from sr_bench.support.errors import SrBenchError, WrongUse

SHARED = runpy.run_path(str(Path(__file__).with_name("site_report.py")))
HOSTILE, made_up = SHARED["HOSTILE"], SHARED["made_up"]


def embedded(folder):
    text = (folder / "index.html").read_text()
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])


def test_same_report_same_bytes(tmp_path):
    size = write_page(made_up(), tmp_path / "one")
    write_page(made_up(), tmp_path / "two")
    one = (tmp_path / "one/index.html").read_bytes()
    assert one == (tmp_path / "two/index.html").read_bytes() and size == len(one)


def test_hostile_names_are_data(tmp_path):
    write_page(made_up(), tmp_path)
    text = (tmp_path / "index.html").read_text()
    assert "<script>alert" not in text
    assert HOSTILE in {run["name"] for run in embedded(tmp_path)["runs"]}


def test_metrics_are_described_by_the_report_and_by_no_script(tmp_path):
    report = made_up()
    report.reproduction.loc[0, "metric"] = "lpips"  # which no run has
    facts = payload(report)["metricFacts"]
    assert facts["psnr"] == {"title": "PSNR", "decimals": 2, "unit": "dB", "higherIsBetter": True}
    assert facts["lpips"]["decimals"] == 4 and not facts["lpips"]["higherIsBetter"]
    write_page(report, tmp_path)
    script = re.search(r"<script>\n?(.*)</script>", (tmp_path / "index.html").read_text(), re.S)[1]
    assert not re.findall(r"psnr|ssim|lpips|\bdB\b", script, re.I)


def test_cells_keep_their_digits_and_images_four_decimals():
    report = made_up()
    first = payload(report)["cells"][0]
    assert first[4] == report.cells["value"].iloc[0]
    assert [v / 1e4 for v in first[5]] == report.per_image["value"].iloc[:2].round(4).tolist()


def test_the_tables_daggers_are_the_pages():
    report, key = made_up(), ("bicubic-x2", "Set5", "edsr-2017", "psnr")
    cells = payload(report, marked=frozenset({key}))["cells"]
    assert [len(cell) for cell in cells].count(7) == 1
    marks = {(run, *key[1:]): True for run in report.cells["run"].unique()}
    # The best of a scale has none; at x3 there is one run, and so no best.
    assert daggers(report.cells, marks) == {(run, *key[1:]) for run in ("bicubic-x2", HOSTILE)}


def test_identical_images_and_gaps_survive_json():
    report = made_up()
    report.per_image.loc[0, "value"] = np.inf
    report.cells.loc[0, "value"] = np.inf
    per_image = report.per_image.drop(index=1)
    gap = dataclasses.replace(report, per_image=per_image)
    assert payload(gap)["cells"][0][4:] == ["inf", ["inf", None]]


def test_two_signatures_of_a_protocol_are_refused():
    report = made_up()
    report.cells.loc[0, "signature"] = "another"
    with pytest.raises(SrBenchError, match="2 signatures"):
        payload(report)


def test_a_report_without_cells_is_a_page(tmp_path):
    report = made_up()
    empty = {f: getattr(report, f).iloc[:0] for f in ("cells", "per_image", "reproduction")}
    write_page(dataclasses.replace(report, **empty), tmp_path)
    assert embedded(tmp_path)["cells"] == []


def test_only_free_images_may_be_committed():
    entry = {"protocol": "edsr-2017", "images": {"Set5": "all"}}
    with pytest.raises(ValidationError, match="may not be redistributed"):
        ViewerEntries.model_validate({"committed": entry})
    assert ViewerEntries.model_validate({"local": entry}).local.runs == "all"


def upscaled(root, picture):
    """bicubic-x2's images as the upscale stage leaves them; the gray one is missing."""
    project = Project.load(root)
    folder = project.sr("bicubic-x2", "rgb-matlab", "Set5")
    images.write(folder / "colour.png", picture(32, 46, 3))
    tagged = project.sr("bicubic-x2", "ycbcr-float-replicate", "Set5")
    images.write(tagged / "colour.png", np.full((32, 46, 3), 128, np.uint8), colour="ycbcr")
    return project


def test_pictures_keep_every_pixel_and_leave_gaps(project, picture, tmp_path):
    made = upscaled(project, picture)
    viewer = find_pictures(made, ViewerEntry(protocol="edsr-2017", images={"Set5": "all"}))
    write_page(made_up(), tmp_path / "page", Surroundings(viewer))
    source = made.sr("bicubic-x2", "rgb-matlab", "Set5") / "colour.png"
    target = tmp_path / "page/images/Set5/colour/bicubic-x2.png"
    np.testing.assert_array_equal(images.read(source), images.read(target))
    shown = embedded(tmp_path / "page")["viewer"]["pictures"]
    assert [(p["image"], p["width"], p["height"]) for p in shown] == [
        ("colour", 46, 32),
        ("gray", 45, 34),
    ]
    assert not (tmp_path / "page/images/Set5/gray/bicubic-x2.png").exists()


def test_ycbcr_is_shown_as_rgb(project, picture, tmp_path):
    made = upscaled(project, picture)
    entry = ViewerEntry(protocol="srcnn-2015", images={"Set5": ["colour"]})
    write_page(made_up(), tmp_path, Surroundings(find_pictures(made, entry)))
    shown = images.read(tmp_path / "images/Set5/colour/bicubic-x2.png")
    np.testing.assert_array_equal(np.unique(shown), [130])  # (128 - 16) * 255 / 219: gray


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": {"Set5": ["color"]}}, "did you mean colour"),
        ({"runs": ["bicubic-x3"]}, "did you mean bicubic-x2"),
    ],
)
def test_names_that_are_not_there(project, change, message):
    entry = {"protocol": "edsr-2017", "images": {"Set5": "all"}, **change}
    with pytest.raises(WrongUse, match=message):
        find_pictures(Project.load(project), ViewerEntry.model_validate(entry))


def test_a_run_not_scored_there_is_refused(project):
    entry = ViewerEntry(protocol="basicsr-y", images={"Set5": "all"}, runs=("bicubic-x2",))
    with pytest.raises(SrBenchError, match="isn't scored on Set5 under basicsr-y"):
        find_pictures(Project.load(project), entry)


def test_numbers_of_timings_are_plain_json(tmp_path):
    report = made_up(timed=True)
    report.networks["params"] = pd.array([None] * len(report.networks), dtype="Int64")
    write_page(report, tmp_path)
    assert {row["params"] for row in embedded(tmp_path)["networks"]} == {None}


def test_a_method_of_ones_own_is_told_by_its_file_alone(tmp_path):
    published = {("", "author", 2): Published("of-others", "a", trained_on="Set14", by="them")}
    facts = {"title": "MineNet", "colour": "#123456", "marker": "P", "published": published}
    mine = Method(name="mine", load=print, reference="r", **facts)
    report = made_up(timed=True)
    known = Names({**report.names.methods, "mine": mine})
    report = renamed(dataclasses.replace(report, names=known), "edsr-x2", "mine", "author")

    table = quality_tables(report.cells, names=known)[-1]
    row = next(row for row in table.rows if row[0] == "edsr-x2")
    assert row[1:4] == ("MineNet", "Set14", "them")

    plots = draw_plots(Measured(report.cells, report.timings, report.networks), Choice(), [], known)
    (axes,) = next(plot for plot in plots if plot.stem == "psnr-time-one-cpu-1").figure.axes
    drawn = [line for line in axes.lines if line.get_color() == "#123456"]
    assert [line.get_marker() for line in drawn] == ["P"]
    assert "MineNet them" in {text.get_text() for text in axes.texts}

    page = payload(report)
    told = page["methods"]["mine"]
    assert (told["title"], told["colour"], told["marker"]) == ("MineNet", "#123456", "P")
    assert told["reference"] == "r"
    run = next(run for run in page["runs"] if run["name"] == "edsr-x2")
    assert (run["short"], run["data"], run["maker"]) == ("MineNet", "Set14", "them")


def renamed(report, run, method, weights):
    """The report with another method under the name of a run."""
    changed = {}
    for name in ("cells", "per_image"):
        rows = getattr(report, name)
        fresh = {"method": method, "variant": "", "weights": weights}
        own = rows["run"] == run
        changed[name] = rows.assign(**{k: rows[k].mask(own, v) for k, v in fresh.items()})
    return dataclasses.replace(report, **changed)
