"""``reports/README.md``, and what is generated inside the project's own README.

There a table stands between the lines ``<!-- table: NAME -->`` and ``<!-- end: NAME -->``, a
picture between ``<!-- plot: NAME -->`` and ``<!-- end: NAME -->``, and sentences with numbers
between ``<!-- text: NAME -->`` and ``<!-- end: NAME -->``. All else is written by people.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sr_bench.analysis.ledger.ledger import VERIFIABLE
from sr_bench.report.build import Report
from sr_bench.report.tables.all_tables import ReportTables
from sr_bench.report.tables.formats.markdown import code, escape, markdown_body
from sr_bench.report.tables.formats.templates import template
from sr_bench.report.tables.model import Table
from sr_bench.report.tables.published import VERDICTS
from sr_bench.report.tables.quality import by_reason
from sr_bench.support.errors import SrBenchError, unknown

_KINDS = "table|plot|text"
_MARKED = re.compile(
    rf"(<!-- (?P<kind>{_KINDS}): (?P<name>\S+) -->\n).*?(?P<end><!-- end: (?P=name) -->)", re.S
)
SPEED = ("psnr-time-", "psnr-macs", "time-size-")  # how names of plots of speed begin
_MARKER = re.compile(rf"<!-- (?:{_KINDS}|end): \S+ -->")


@dataclass(frozen=True)
class Picture:
    """A figure of the report: its PNG below ``reports/``, and what it shows."""

    path: str
    caption: str


Pictures = Mapping[str, Picture]  # by their file names without suffix


def reports_readme(report: Report, tables: ReportTables, pictures: Pictures) -> str:
    """``reports/README.md``: contents, a table for each protocol, figures, published numbers.

    Args:
        pictures: those below ``reports/``; the plots of speed stand among the tables of speed.
    """
    counts = report.reproduction["verdict"].value_counts()
    without = by_reason(report.not_run)
    speed = {name: p for name, p in pictures.items() if name.startswith(SPEED)}
    return template("README.md.j2").render(
        text=escape,
        code=code,
        anchor=anchor,
        body=lambda table: markdown_body(replace(table, remarks=())),
        tables=tables,
        totals=", ".join(f"{int(counts.get(verdict, 0))} {verdict}" for verdict in VERDICTS),
        submitted=report.submitted.to_dict("records"),
        known=len(report.reproduction),
        verifiable=int((report.reproduction[VERIFIABLE] == "yes").sum()),
        not_run={why: ", ".join(map(code, runs)) for why, runs in without.items()},
        speed=speed,
        figures={name: p for name, p in pictures.items() if name not in speed},
    )


def anchor(heading: str) -> str:
    """The fragment that GitHub gives a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.replace(" ", "-")


def filled(
    text: str,
    tables: Iterable[Table],
    pictures: Pictures | None = None,
    texts: Mapping[str, str] | None = None,
    *,
    where: str,
) -> str:
    """``text`` with each marked table, picture and text as it is now.

    Args:
        text: the page; one without markers stays as it is.
        tables: those that a marker may name.
        pictures: likewise.
        texts: likewise: name to sentences.
        where: what errors call the page.

    Raises:
        SrBenchError: for a marker without its other half, or one that names nothing that is there.
    """
    bodies: dict[str, Mapping[str, str]] = {
        "table": {table.name: markdown_body(table) for table in tables},
        "plot": {
            name: f"![{escape(picture.caption)}](reports/{picture.path})\n"
            for name, picture in (pictures or {}).items()
        },
        "text": texts or {},
    }

    def content(found: re.Match[str]) -> str:
        known, name = bodies[found["kind"]], found["name"]
        if name not in known:
            raise unknown(found["kind"], name, known, where=where)
        return f"{found[1]}\n{known[name]}\n{found['end']}"

    alone = _MARKER.search(_MARKED.sub("", text))
    if alone:
        raise SrBenchError(
            f"{where}: {alone[0]} stands alone; a table needs one marker with 'table:' before it "
            "('plot:' for a picture, 'text:' for sentences) and one with 'end:' after it"
        )
    return _MARKED.sub(content, text)
