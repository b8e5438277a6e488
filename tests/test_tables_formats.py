"""The same table in every format: same digits, nothing that breaks out of a cell."""

import csv
import io
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pandas as pd
import pytest

from sr_bench.analysis.ledger.ledger import REPRODUCTION, TRAINED
from sr_bench.evaluation.scoring.table import CELL_COLUMNS
from sr_bench.report.build import TRAININGS, Report
from sr_bench.report.tables.all_tables import report_tables, write_tables
from sr_bench.report.tables.formats.html import html
from sr_bench.report.tables.formats.latex import is_long, latex
from sr_bench.report.tables.formats.latex_text import escape
from sr_bench.report.tables.formats.markdown import markdown
from sr_bench.report.tables.formats.plain import csv_text, plain
from sr_bench.report.tables.model import Column, Grade, Group, Missing, Note, Number, Table
from sr_bench.report.timings import SPEEDUPS, TIMINGS

NASTY = 'a_b%c&d#e$f~g^h\\i{j}<script>alert(1)</script>|`*[x]\n× ± µ é Đ 超 "q"'


def table(rows=1):
    numbers = (Number(30.12345, 2, grade=Grade.BEST), Number(0.98765, 4, grade=Grade.SECOND))
    row = (NASTY, *numbers, Number(-0.5, 1, marked=True), Missing("no %"), Note("b <b>"))
    columns = (
        Column("run", NASTY, code=True),
        Column("psnr", "PSNR", "Set5", numeric=True),
        Column("ssim", "SSIM", "Set5", numeric=True),
        Column("delta", "delta", numeric=True),
        Column("gap", "gap", numeric=True),
        Column("note", "note"),
    )
    groups = (Group("2", "×2", (row,) * rows),)
    signatures = ("protocol:x_y|lr:a+b",)
    return Table("nasty", NASTY, NASTY, columns, groups, Column("scale", "scale"), signatures)


def test_markdown():
    text = markdown(table())
    assert "**30.12** | *0.9877* | -0.5† | - a | b |" in text
    assert "- a: no %\n- b: b &lt;b&gt;\n" in text
    assert "<script>" not in text
    assert "Signature: `protocol:x_y|lr:a+b`" in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.sub(r"\\.", "", line).split("|")) for line in lines} == {8}
    assert any(line.startswith("| **") for line in lines)  # what a group's rows share, over them


def test_csv_has_every_digit():
    header, row = csv.reader(io.StringIO(csv_text(table())))
    assert header == ["scale", "run", "psnr", "ssim", "delta", "gap", "note"]
    assert row == ["2", NASTY, "30.12345", "0.98765", "-0.5", "", "b <b>"]


def test_a_terminal_gets_the_shown_digits():
    headings, ((label, (row,)),) = plain(table())
    assert headings[1:3] == ["Set5 PSNR", "Set5 SSIM"]
    assert label and row == [NASTY, "30.12", "0.9877", "-0.5", "-", "b <b>"]


class Tags(HTMLParser):
    """Counts the elements and keeps the texts."""

    def __init__(self, text):
        super().__init__()
        self.open, self.scopes, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.scopes += [value for name, value in attributes if name == "scope"]

    def handle_data(self, data):
        self.text += data


def test_html_is_semantic_and_escaped():
    page = html(table())
    tags = Tags(page)
    assert "script" not in tags.open
    assert NASTY in tags.text
    assert tags.open.count("caption") == 1
    assert set(tags.scopes) == {"col", "colgroup", "rowgroup", "row"}
    assert "<strong>30.12</strong>" in page and "<u>0.9877</u>" in page
    assert "-0.5<sup>†</sup>" in page and "-<sup>a</sup>" in page
    assert "http" not in page


def test_latex():
    text = latex(table())
    assert r"\textbf{30.12} & \underline{0.9877} & $-$0.5\rlap{$^{\dagger}$}" in text
    assert r"--\textsuperscript{a} & \textsuperscript{b} \\" in text
    assert r"\multicolumn{2}{c}{Set5}" in text and r"\cmidrule(lr){2-3}" in text
    assert r"Bold: best of its scale, underlined: second." in text
    assert text.isascii()


def test_every_format_shows_the_same_digits():
    for text in (markdown(table()), html(table()), latex(table())):
        assert {"30.12", "0.9877"} <= set(re.findall(r"\d+\.\d+", text))


def test_latex_says_which_character_it_lacks():
    assert escape("é 超 × |") == r"\'{e} [U+8D85] $\times$ \textbar{}"


def test_a_table_longer_than_a_page_breaks_over_pages():
    assert not is_long(table()) and r"\begin{tabular}" in latex(table())
    assert is_long(table(60)) and r"\begin{longtable}" in latex(table(60))


@pytest.fixture
def report():
    """Names that break things, a gap, one image, an infinite cell, no timings."""
    named = {"method": "<script>", "variant": "a_%", "weights": "w&#", "signature": "s_|"}
    rows = [
        named
        | {"run": f"<script>-a_%-w&#-x{scale}", "scale": scale, "dataset": dataset}
        | {"protocol": "edsr-2017", "metric": "psnr", "value": value, "images": 1}
        for scale, dataset, value in ((2, "Set5", float("inf")), (2, "Set14", 30.0), (3, "Set5", 1))
    ]
    rows.append(rows[1] | {"run": "second_x2"})
    cells = pd.DataFrame(rows)[CELL_COLUMNS]
    waiting = dict.fromkeys(REPRODUCTION, "a_%<b>") | {"scale": 2, "measured": None}
    waiting["verdict"] = "not run"
    published = waiting | {"verdict": "close", "measured": 30.0, "delta": -0.1, "published": "30.1"}
    return Report(
        cells.assign(image="one"),
        cells,
        pd.DataFrame([waiting] * 60 + [published], columns=REPRODUCTION),
        pd.DataFrame(columns=TRAINED),
        pd.DataFrame(columns=TRAININGS),
        pd.DataFrame(columns=TIMINGS),
        pd.DataFrame(columns=SPEEDUPS),
        {"third_%": "its <file> is missing"},
    )


def test_every_table_is_written_in_every_format_and_old_ones_go(report, tmp_path):
    old = tmp_path / "tables" / "gone.md"
    old.parent.mkdir()
    old.write_text("old")
    files = write_tables(report_tables(report), old.parent)
    names = {t.name for t in report_tables(report)}
    made = {f.name for f in files if not f.name.endswith(".narrow.tex")}
    assert made == {
        *(f"{name}.{suffix}" for name in names for suffix in ("md", "csv", "tex", "html")),
        *("all.tex", "example-ieee.tex", "example-cvpr.tex"),
    }
    assert "edsr-2017-x2.narrow.tex" in {f.name for f in files}
    again = {f.name: f.read_bytes() for f in files}
    assert again == {
        f.name: f.read_bytes() for f in write_tables(report_tables(report), old.parent)
    }


def test_the_latex_compiles(report, tmp_path):
    if not shutil.which("pdflatex"):
        pytest.skip("no pdflatex: apt-get install texlive-latex-recommended")
    write_tables(report_tables(report), tmp_path / "tables")
    folder = tmp_path / "tables"
    for name, text in (("nasty", latex(table())), ("long", latex(table(60)))):
        (folder / f"{name}.tex").write_text(text)
    document = (folder / "all.tex").read_text()
    more = "\\begin{table}\\input{nasty}\\end{table}\\input{long}\n\\end{document}"
    (folder / "all.tex").write_text(document.replace(r"\end{document}", more))
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert (folder / "all.pdf").stat().st_size > 10_000
