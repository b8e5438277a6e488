"""Runs are called by name, trained on, and by whom: no face but CSV prints an id."""

import re
from collections import Counter
from pathlib import Path

import pytest

from sr_bench.analysis.ledger.ledger import Context, compare_trained, judge, read_ledgers
from sr_bench.evaluation.scoring.table import read_per_image, read_scores
from sr_bench.project.project import Project
from sr_bench.report.build import Report, trainings
from sr_bench.report.names import Names
from sr_bench.report.readme import Picture, anchor, reports_readme
from sr_bench.report.tables.all_tables import report_tables
from sr_bench.report.tables.formats.markdown import markdown
from sr_bench.report.tables.formats.plain import csv_text, plain, shown_text
from sr_bench.report.timings import speedups, timings

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def report():
    """This repository's, of the committed scores."""
    project = Project.load(ROOT)
    scores = read_scores(ROOT / "reports/scores.csv")
    ledger = read_ledgers(project.ledgers, project.catalogue)
    return Report(
        read_per_image(ROOT / "reports/per_image.csv.gz"),
        scores,
        judge(ledger, scores, Context.of(project)),
        compare_trained(ledger, scores, project.catalogue),
        trainings(project),
        timings(project),
        speedups(project),
        {},
        Names.of(project),
    )


@pytest.fixture(scope="module")
def tables(report):
    return report_tables(report)


def test_no_two_rows_of_a_table_look_equal(tables):
    """What names a row is told by its texts and its group, never by its results."""
    for table in tables:
        shown = table.shown("screen")
        named = [i for i in shown if not table.columns[i].numeric] + [
            i for i in shown if table.columns[i].key in ("scale", "published")
        ]
        keys = [
            (group.label, group.where, *(shown_text(row[i]) for i in named))
            for group in table.groups
            for row in group.rows
        ]
        equal = [key for key, count in Counter(keys).items() if count > 1]
        assert not equal, f"{table.name}: {equal}"


def test_ids_are_in_csv_alone(tables, report):
    ids = set(report.cells["run"]) | set(report.trainings["training"])
    word = re.compile(r"[a-z0-9]+(?:-[a-z0-9.+]+)+-x[2-8]\b")
    for table in tables:
        headings, groups = plain(table)
        terminal = [text for _, rows in groups for row in rows for text in [*headings, *row]]
        for face in (markdown(table), " ".join(terminal)):
            assert not ids & set(word.findall(face)), table.name
    (some,) = [table for table in tables if table.name == "edsr-2017"]
    assert ids & set(word.findall(csv_text(some)))


def test_every_scale_is_a_block(tables):
    for table in [*tables.headline, *tables.quality]:
        assert [group.label for group in table.groups] == sorted({g.label for g in table.groups})
        assert all(group.label.startswith("×") for group in table.groups)


def test_the_report_has_contents_figures_and_what_was_not_run(report, tables):
    picture = {"gain-x": Picture("plots/gain-x.png", "Gain [dB]")}
    page = reports_readme(report, tables, picture)
    headings = {anchor(h) for h in re.findall(r"^#+ (.*)$", page, re.M)}
    links = re.findall(r"\]\(#([^)]+)\)", page)
    assert len(links) > 20 and set(links) <= headings
    assert "![Gain \\[dB\\]](plots/gain-x.png)" in page
    waiting = page.partition("### Not run")[2]
    lines = re.findall(r"^  - .*$", waiting, re.M)
    rows = report.reproduction[report.reproduction["verdict"] == "not run"]
    assert len(lines) == len(rows[["source", "method"]].drop_duplicates())
    assert any("`sr-bench reproduce lim2017edsr --dataset" in line for line in lines)


def test_published_numbers_have_their_place_their_address_and_their_command(tables):
    (dong,) = [t for t in tables.reproduction if t.name == "reproduction-dong2016srcnn"]
    text = markdown(dong)
    command = "`sr-bench reproduce dong2016srcnn --dataset Set5 --scale 2 --method bicubic`"
    assert f"[table 2](https://doi.org/10.1109/TPAMI.2015.2439281), {command}" in text
