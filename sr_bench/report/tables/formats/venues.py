"""Papers of one page or two that hold the narrow tables: IEEE's class, and CVPR's geometry."""

from __future__ import annotations

from collections.abc import Sequence

from sr_bench.report.tables.formats.latex_text import escape
from sr_bench.report.tables.model import Table

_HEADS = {
    "ieee": (
        r"\documentclass[conference]{IEEEtran}",
        r"\usepackage{booktabs,graphicx}",
    ),
    "cvpr": (  # CVPR's own style file comes with its author kit: these are its measures
        r"\documentclass[10pt,twocolumn,letterpaper]{article}",
        r"\usepackage[textwidth=6.875in,textheight=8.875in,columnsep=0.3125in]{geometry}",
        r"\usepackage{times,booktabs,graphicx}",
        r"\setlength{\belowcaptionskip}{4pt}",
    ),
}
_TITLE = r"\title{Tables for one column}\author{Made by sr-bench report}\date{}"
_FIGURE = (
    r"\IfFileExists{../plots/paper/psnr-macs-column.pdf}{\begin{figure}[t]\centering"
    r"\includegraphics[width=\columnwidth]{../plots/paper/psnr-macs-column.pdf}"
    r"\caption{PSNR against multiply-adds.}\end{figure}}{}"
)


def examples(tables: Sequence[Table]) -> dict[str, str]:
    """A document for each venue; none where there are no narrow tables."""
    return {venue: _document(head, tables) for venue, head in _HEADS.items() if tables}


def _document(head: Sequence[str], tables: Sequence[Table]) -> str:
    floats = [
        rf"\begin{{table}}[t]\input{{{table.name}.narrow}}\end{{table}}\clearpage"
        if i % 4 == 3
        else rf"\begin{{table}}[t]\input{{{table.name}.narrow}}\end{{table}}"
        for i, table in enumerate(tables)
    ]
    named = ", ".join(rf"\ref{{tab:{table.name}}} ({escape(table.title)})" for table in tables)
    body = [rf"{{\raggedright Tables {named}.\par}}", _FIGURE, *floats]
    lines = [*head, _TITLE, r"\begin{document}", r"\maketitle", *body, r"\end{document}"]
    return "\n".join(lines) + "\n"
