"""The README's headline numbers are those of the reports and of the ledger."""

import re
from pathlib import Path

import pandas as pd
from PIL import Image

from sr_bench.evaluation.scoring.table import read_scores
from sr_bench.networks.method_files import load_methods
from sr_bench.report.names import Names
from sr_bench.report.readme import filled
from sr_bench.report.tables.headline import headline_tables

ROOT = Path(__file__).resolve().parent.parent


def test_tables_and_plots():
    """If this fails: ``sr-bench report`` puts those of today between the README's markers."""
    texts = {"dtype": {"published": str}, "keep_default_na": False, "na_values": {"measured": [""]}}
    reproduction = pd.read_csv(ROOT / "reports/reproduction.csv", **texts)
    trained = pd.read_csv(ROOT / "reports/trained.csv", **texts)
    names = Names(load_methods([ROOT / "methods"]))
    scores = read_scores(ROOT / "reports/scores.csv")
    tables = headline_tables(scores, reproduction, trained, names)
    plots = {p.stem: Image.open(p).info["Description"] for p in ROOT.glob("reports/plots/*.png")}
    page = (ROOT / "README.md").read_text()
    assert page == filled(page, tables, plots, where="README.md")
    assert all(f"<!-- table: {table.name} -->" in page for table in tables)
    assert "<!-- plot: psnr-time-" in page


def test_trained_here_table():
    scores = read_scores(ROOT / "reports/scores.csv")
    rows = scores[(scores["dataset"] == "Set5") & (scores["protocol"] == "srcnn-2015")]
    values = rows[rows["metric"] == "psnr"].set_index("run")["value"]
    families = {
        "9-1-5, authors, 91 images": "srcnn-9-1-5-author-t91",
        "9-1-5, trained here, T91": "srcnn-9-1-5-sr-bench-t91",
        "9-5-5, trained here, T91": "srcnn-9-5-5-sr-bench-t91",
        "9-5-5, trained here, Open591": "srcnn-9-5-5-sr-bench-open591",
        "9-5-5, authors, ImageNet": "srcnn-9-5-5-author-imagenet",
    }
    text = (ROOT / "README.md").read_text()
    for label, family in families.items():
        numbers = " | ".join(f"{values[f'{family}-x{s}']:.2f}" for s in (2, 3, 4))
        assert f"| {label} | {numbers} |" in text


def test_links_lead_somewhere():
    folders = [ROOT, ROOT / "docs", ROOT / "methods", ROOT / "benchmarks"]
    for page in (page for folder in folders for page in folder.glob("*.md")):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), f"{page}: {link}"
