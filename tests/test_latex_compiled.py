"""LaTeX as a publisher's class sets it: compiled, no box too wide, the signature searchable."""

import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

from sr_bench.report.tables.all_tables import write_tables
from sr_bench.report.tables.formats.latex import latex
from sr_bench.report.tables.narrow import narrow
from sr_bench.report.tables.quality import quality_tables

made_up = runpy.run_path(str(Path(__file__).with_name("site_report.py")))["made_up"]
WHY = (
    "no pdflatex with IEEEtran: apt-get install texlive-latex-extra texlive-publishers "
    "texlive-fonts-recommended"
)


def compiles():
    """Whether this machine has what the examples need."""
    if not shutil.which("pdflatex"):
        return False
    needed = ("IEEEtran.cls", "booktabs.sty", "ptmr7t.tfm")
    return all(
        subprocess.run(["kpsewhich", name], capture_output=True).returncode == 0 for name in needed
    )


@pytest.fixture(scope="module")
def tables():
    report = made_up()
    return quality_tables(report.cells, names=report.names)


def test_a_narrow_table_has_psnr_alone_and_one_scale(tables):
    small = list(narrow(tables[0]))
    assert [table.name for table in small] == ["srcnn-2015-x2", "srcnn-2015-x3"]
    assert [c.heading for c in small[0].columns] == ["name", "trained on", "Set5"]
    assert ("SRCNN 9-1-5", "T91") in [row[:2] for row in small[0].rows]


def test_the_signature_is_a_note_and_not_in_the_caption(tables):
    caption, _, rest = latex(tables[0]).partition(r"\begin{tabular}")
    assert "protocol:" not in caption
    assert r"\normalfont" in rest and "Signature: \\texttt{protocol:srcnn-2015" in rest


@pytest.mark.skipif(not compiles(), reason=WHY)
@pytest.mark.parametrize("venue", ["ieee", "cvpr"])
def test_examples_compile_without_a_box_too_wide(tables, venue, tmp_path):
    class Only:
        headline, quality = (), tables

        def __iter__(self):
            return iter(tables)

    write_tables(Only(), tmp_path / "tables")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"example-{venue}"]
    done = subprocess.run(command, cwd=tmp_path / "tables", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    if shutil.which("pdftotext"):
        pdf = tmp_path / "tables" / f"example-{venue}.pdf"
        text = subprocess.run(["pdftotext", str(pdf), "-"], capture_output=True, text=True).stdout
        assert "protocol:srcnn-2015|version:" in text
