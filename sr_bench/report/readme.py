"""Tables inside a page that people write: between markers, kept in step with the reports.

A table's place is a line ``<!-- table: NAME -->``, then the table, then ``<!-- end: NAME -->``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sr_bench.errors import SrBenchError, unknown
from sr_bench.report.formats.markdown import markdown_body
from sr_bench.report.table import Table

_PLACE = re.compile(r"(<!-- table: (?P<name>\S+) -->\n).*?(?P<end><!-- end: (?P=name) -->)", re.S)
_MARKER = re.compile(r"<!-- (?:table|end): \S+ -->")


def filled(text: str, tables: Iterable[Table], *, where: str) -> str:
    """``text`` with each marked table as it is now; text without markers stays as it is.

    Args:
        text: a page in Markdown.
        tables: those that a marker may name.
        where: the page's name, for messages.

    Raises:
        SrBenchError: for a marker without its other half, or one that names no table.
    """
    known = {table.name: table for table in tables}

    def place(found: re.Match[str]) -> str:
        if found["name"] not in known:
            raise unknown("table", found["name"], known, where=where)
        return f"{found[1]}\n{markdown_body(known[found['name']])}\n{found['end']}"

    alone = _MARKER.search(_PLACE.sub("", text))
    if alone:
        raise SrBenchError(
            f"{where}: {alone[0]} stands alone; a table needs one marker with 'table:' before it "
            "and one with 'end:' after it"
        )
    return _PLACE.sub(place, text)
