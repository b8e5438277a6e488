"""A published number that ``sr-bench add`` adds to a project's own ledger."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from sr_bench.analysis.ledger.ledger import COLUMNS, RUN, TRAINED_RUN, WHERE, read_ledgers
from sr_bench.project.project import Project
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.support.files import replacing

_COLUMNS = [*COLUMNS, RUN, TRAINED_RUN, WHERE]


def only_family(project: Project, method: str) -> str:
    """The run family of a method in ``params.yaml``, where it has one.

    Raises:
        WrongUse: if it has none or several.
    """
    found = {run.family for run in project.params.runs.values() if run.method == method}
    if len(found) != 1:
        said = f"has the runs {', '.join(sorted(found))}" if found else "has no run in params.yaml"
        raise WrongUse(f"{method} {said}; say with --run which one makes this number, or --run ''")
    return found.pop()


def add_published(project: Project, row: Mapping[str, str]) -> Path:
    """Append a row to the project's own ledger, if all ledgers can be read then.

    Raises:
        WrongUse: if ``params.yaml`` names no ledger of the project's own.
        SrBenchError: for a value, a protocol or a number that can't be, or is there already.
    """
    own = [path for path in project.ledgers if path.is_relative_to(project.root)]
    if not own:
        raise WrongUse("params.yaml: ledger names no file of this project; add: published.csv")
    path = own[-1]
    text = path.read_text(encoding="utf-8") if path.is_file() else ",".join(_COLUMNS)
    fresh = text.rstrip("\n") + "\n" + _line(row, text.partition("\n")[0].strip().split(","))
    with replacing(path) as beside:
        beside.write_text(fresh, encoding="utf-8")
        others = [other for other in project.ledgers if other != path]
        try:
            read_ledgers([*others, beside], project.catalogue)
        except SrBenchError as error:  # of the file as it would be
            raise WrongUse(str(error).replace(str(beside), str(path))) from error
    return path


def _line(row: Mapping[str, str], columns: Sequence[str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    writer.writerow(row)
    return out.getvalue()
