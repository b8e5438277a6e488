"""The README's headline numbers are those of the reports and of the ledger."""

import re
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from sr_bench.evaluation.scoring.table import read_per_image, read_scores
from sr_bench.project.project import Project
from sr_bench.report.names import NO_NAMES, Names
from sr_bench.report.readme import Picture, filled
from sr_bench.report.readme_texts import counts, protocols_differ, readme_texts
from sr_bench.report.tables.front_page import against_authors_tables, cited_table
from sr_bench.report.tables.headline import headline_tables

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def report():
    """What the committed report was made from, without what only its plots need."""
    texts = {"dtype": {"published": str}, "keep_default_na": False, "na_values": {"measured": [""]}}
    reproduction = pd.read_csv(ROOT / "reports/reproduction.csv", **texts)
    trained = pd.read_csv(ROOT / "reports/trained.csv", **texts)
    project = Project.load(ROOT)
    names, scores = Names.of(project), read_scores(ROOT / "reports/scores.csv")
    per_image = read_per_image(ROOT / "reports/per_image.csv.gz")
    tables = [
        cited_table(reproduction, names),
        *against_authors_tables(per_image, names),
        *headline_tables(scores, reproduction, trained, names),
    ]
    return project, scores, reproduction, names, tables


def test_all_that_is_generated_is_of_the_committed_report(report):
    """If this fails: ``sr-bench report`` puts what is of today between the README's markers."""
    project, scores, reproduction, names, tables = report
    reports = ROOT / "reports"
    pictures = {
        path.stem: Picture(
            path.relative_to(reports).as_posix(), Image.open(path).info["Description"]
        )
        for path in [*reports.glob("plots/*.png"), *reports.glob("figures/*.png")]
    }
    texts = readme_texts(project, scores, reproduction, names)
    page = (ROOT / "README.md").read_text()
    assert page == filled(page, tables, pictures, texts, where="README.md")
    for marker in ("table: cited", "table: headline-edsr-2017", "plot: compare-", "text: counts"):
        assert f"<!-- {marker}" in page
    assert "<!-- plot: psnr-time-" in page


def test_no_sentence_by_hand_has_a_result():
    """Numbers of results come from the reports: a score, a count or a size isn't typed."""
    page = (ROOT / "README.md").read_text()
    by_hand = re.sub(r"<!-- \w+: (\S+) -->\n.*?<!-- end: \1 -->", "", page, flags=re.S)
    by_hand = re.sub(r"```.*?```|`[^`]*`", "", by_hand, flags=re.S)
    assert re.findall(r"(?<!Python )\d+\.\d{2}|\d+ (?:MB|runs|dB|minutes)", by_hand) == []


def test_the_set_up_stands_at_the_top():
    page = (ROOT / "README.md").read_text()
    assert page.index("make demo") < page.index("make test") < page.index("<!-- plot") < 2000


def test_texts_of_a_project_with_little():
    cells = pd.DataFrame({"run": ["a"], "dataset": ["Set5"], "metric": ["psnr"], "value": [1.0]})
    empty = pd.DataFrame(columns=["verdict"])
    assert counts(cells, empty).startswith("1 runs on Set5; of 0 published numbers: 0 reproduced")
    assert protocols_differ(cells, NO_NAMES) == ""


def test_links_lead_somewhere():
    folders = [ROOT, ROOT / "docs", ROOT / "methods", ROOT / "benchmarks"]
    for page in (page for folder in folders for page in folder.glob("*.md")):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), f"{page}: {link}"
