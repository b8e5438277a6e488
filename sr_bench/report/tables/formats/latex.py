"""Tables in LaTeX (booktabs): a fragment to ``\\input``, and a document of all of them.

A short table's fragment goes into a float of the reader's choice::

    \\begin{table*}\\input{reports/tables/srcnn-2015}\\end{table*}

A long one is a ``longtable``, which breaks over pages and takes no float around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from sr_bench.report.tables.formats.latex_text import code, escape
from sr_bench.report.tables.formats.plain import legend, shown
from sr_bench.report.tables.model import Cell, Column, Grade, Number, Table

LONG = 45  # rows that a page holds under a caption and with notes
_GRADES = {Grade.NONE: "{}", Grade.BEST: r"\textbf{{{}}}", Grade.SECOND: r"\underline{{{}}}"}
_GAP, _NARROW_GAP = "10pt", "4pt"  # before a group of columns
_STYLE = r"\footnotesize\setlength{\tabcolsep}{3pt}"
_NARROW = r"\scriptsize\setlength{\tabcolsep}{1.25pt}"
_MADE = "% Made by sr-bench report; don't edit. Needs \\usepackage{booktabs}"


def latex(table: Table) -> str:
    """The fragment: caption, label, table, notes."""
    lines = _long(table) if is_long(table) else _short(table, _STYLE, _GAP)
    return "\n".join(lines) + "\n"


def latex_narrow(table: Table) -> str:
    """The fragment of a table that fits one column of a paper (:func:`.narrow.narrow`)."""
    return "\n".join(_short(table, _NARROW, _NARROW_GAP)) + "\n"


def latex_document(tables: Sequence[Table]) -> str:
    """A document that shows every table, beside whose fragments it lies."""
    lines = [
        r"\documentclass[10pt,a4paper]{article}",
        r"\usepackage[margin=15mm]{geometry}",
        r"\usepackage{booktabs,longtable}",
        r"\setlength{\belowcaptionskip}{6pt}",
        r"\begin{document}",
    ]
    for table in tables:
        name = rf"\input{{{table.name}}}"
        floated = rf"\begin{{table}}[!htbp]{name}\end{{table}}"
        lines.append(rf"\clearpage{name}" if is_long(table) else floated)
    return "\n".join([*lines, r"\end{document}"]) + "\n"


def is_long(table: Table) -> bool:
    """Whether the table is longer than a page."""
    return len(table.rows) + len(table.groups) > LONG


def _short(table: Table, style: str, gap: str) -> Iterator[str]:
    yield _MADE + "."
    yield _caption(table)
    yield rf"\label{{tab:{table.name}}}"
    yield rf"\centering{style}"
    yield rf"\begin{{tabular}}{{{_alignment(table, gap)}}}"
    yield r"\toprule"
    yield from _head(table)
    yield r"\midrule"
    yield from _body(table)
    yield r"\bottomrule"
    yield r"\end{tabular}"
    yield from _notes(table)


def _long(table: Table) -> Iterator[str]:
    yield _MADE + " and longtable (one column)."
    yield rf"\begingroup{_STYLE}\setlength{{\LTcapwidth}}{{\linewidth}}"
    yield rf"\begin{{longtable}}{{{_alignment(table, _GAP)}}}"
    yield _caption(table)
    yield rf"\label{{tab:{table.name}}}\\"
    yield r"\toprule"
    yield from _head(table)
    yield r"\midrule\endfirsthead"
    yield r"\toprule"
    yield from _head(table)
    yield r"\midrule\endhead"
    yield r"\bottomrule\endfoot"
    yield from _body(table)
    yield r"\end{longtable}"
    yield from _notes(table)
    yield r"\endgroup"


def _caption(table: Table) -> str:
    parts = [escape(table.caption), *(escape(text) for text in legend(table, "underlined"))]
    return rf"\caption[{{{escape(table.title)}}}]{{\raggedright {' '.join(parts)}}}"


def _columns(table: Table) -> list[Column]:
    return [table.columns[i] for i in table.shown("paper")]


def _alignment(table: Table, space: str) -> str:
    """The column letters, with more space where a group of columns begins."""
    letters, group = [], ""
    for column in _columns(table):
        gap = rf"@{{\hspace{{{space}}}}}" if column.group not in ("", group) else ""
        letters.append(gap + ("r" if column.numeric else "l"))
        group = column.group
    return f"@{{}}{''.join(letters)}@{{}}"


def _head(table: Table) -> Iterator[str]:
    """The headings, with one line of group headings over them where there are any."""
    columns = _columns(table)
    spans, rules, at = [], [], 1
    for name, members in groupby(columns, key=lambda c: c.group):
        width = len(list(members))
        heading = escape(name)
        spans.append(rf"\multicolumn{{{width}}}{{c}}{{{heading}}}" if name else " & " * (width - 1))
        if name:
            rules.append(rf"\cmidrule(lr){{{at}-{at + width - 1}}}")
        at += width
    if rules:
        yield " & ".join(spans) + r" \\"
        yield "".join(rules)
    yield " & ".join(escape(c.heading) for c in columns) + r" \\"


def _body(table: Table) -> Iterator[str]:
    places, notes = table.shown("paper"), table.notes("paper")
    for i, group in enumerate(table.groups):
        if i:
            yield r"\addlinespace"
        if group.label:
            label = rf"\multicolumn{{{len(places)}}}{{@{{}}l}}{{\textit{{{escape(group.label)}}}}}"
            yield label + r" \\*"
        for row in group.rows:
            yield " & ".join(_cell(row[j], table.columns[j], notes) for j in places) + r" \\"


def _cell(cell: Cell, column: Column, notes: dict[str, str]) -> str:
    found = shown(cell, notes)
    letter = found.letter
    if isinstance(cell, Number):
        above = (r"\dagger" if found.mark else "") + (rf"\mathrm{{{letter}}}" if letter else "")
        mark = rf"\rlap{{$^{{{above}}}$}}" if above else ""
        return _GRADES[found.grade].format(number(found.text)) + mark
    text = found.text and (code if column.code else escape)(found.text)
    raised = rf"\textsuperscript{{{letter}}}" if letter else ""
    return ("--" if found.missing else text) + raised


def number(text: str) -> str:
    """Digits with a minus that is one, and infinity."""
    shown = text.replace("inf", r"$\infty$")
    return shown.replace("-", "$-$").replace("+", "$+$")


def _notes(table: Table) -> Iterator[str]:
    texts = [rf"\textsuperscript{{{k}}}~{escape(t)}." for t, k in table.notes("paper").items()]
    texts += [escape(text) for text in table.remarks]
    texts += [f"Signature: {code(signature)}" for signature in table.signatures]
    if texts:
        small = r"\normalfont\scriptsize\raggedright"  # some venues set floats in small capitals
        yield rf"\par\smallskip\noindent\begin{{minipage}}{{\linewidth}}{small}"
        yield "\\\\\n".join(texts)
        yield r"\end{minipage}"
