"""The README's headline numbers are those of the reports and of the ledger."""

import re
from pathlib import Path

import pandas as pd

from sr_bench.drift import read_scores

ROOT = Path(__file__).resolve().parent.parent
RUNS = {"bicubic": "bicubic", "SRCNN": "srcnn-9-5-5-author-imagenet"}


def test_headline_table():
    scores = read_scores(ROOT / "reports/scores.csv")
    ledger = pd.read_csv(ROOT / "methods/published.csv", dtype=str, keep_default_na=False)
    values = scores.set_index(["run", "dataset", "protocol", "metric"])["value"].sort_index()
    rows = re.findall(
        r"^\| (bicubic|SRCNN) \| (\d) \| (.+) \|$", (ROOT / "README.md").read_text(), re.M
    )
    assert len(rows) == 6
    for method, scale, text in rows:
        numbers = text.split(" | ")
        for i, dataset in enumerate(("Set5", "Set14", "BSD100")):
            measured, published = numbers[2 * i], numbers[2 * i + 1]
            run = f"{RUNS[method]}-x{scale}"
            assert f"{values[run, dataset, 'srcnn-2015', 'psnr']:.4f}" == measured
            printed = ledger.query(
                "run == @RUNS[@method] and dataset == @dataset and scale == @scale "
                "and metric == 'psnr' and protocol == 'srcnn-2015' "
                "and source in ('dong2016srcnn', 'kim2016vdsr')"
            )
            assert published in set(printed["value"])


def test_trained_here_table():
    scores = read_scores(ROOT / "reports/scores.csv")
    rows = scores[(scores["dataset"] == "Set5") & (scores["protocol"] == "srcnn-2015")]
    values = rows[rows["metric"] == "psnr"].set_index("run")["value"]
    families = {
        "9-1-5, authors, 91 images": "srcnn-9-1-5-author-t91",
        "9-1-5, trained here, T91": "srcnn-9-1-5-sr-bench-t91",
        "9-5-5, trained here, T91": "srcnn-9-5-5-sr-bench-t91",
        "9-5-5, authors, ImageNet": "srcnn-9-5-5-author-imagenet",
    }
    text = (ROOT / "README.md").read_text()
    for label, family in families.items():
        numbers = " | ".join(f"{values[f'{family}-x{s}']:.2f}" for s in (2, 3, 4))
        assert f"| {label} | {numbers} |" in text


def test_links_lead_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "methods/README.md"]:
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), f"{page}: {link}"
