"""Tables of scores: their one reader, their one writer, and the mean over the images of a cell.

``build/scores/<run>.csv`` is read by :func:`read_run`, ``reports/scores.csv`` by
:func:`read_scores`, ``reports/per_image.csv.gz`` by :func:`read_per_image`: one reader with
different columns.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sr_bench.data.catalogue.protocols import Protocol, Protocols, load_protocols
from sr_bench.evaluation.scoring.record import require_recorded
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import replacing
from sr_bench.support.text_files import Rows, decoded, parsed, read_bytes, read_rows

CELL = ["run", "method", "variant", "weights", "scale", "dataset", "protocol", "metric"]
IMAGE_COLUMNS = [*CELL, "image", "value", "signature"]  # build/scores/<run>.csv
CELL_COLUMNS = [*CELL, "value", "images", "signature"]  # reports/scores.csv
PER_IMAGE_COLUMNS = [*CELL_COLUMNS, "image"]  # reports/per_image.csv.gz

# What another processor, numpy or Python changes is below 1e-14; what is written is the same then.
DECIMALS, DIGITS = 10, 12
_REMEDY = "make it with: dvc repro"
_IMAGE = ["run", "dataset", "protocol", "metric", "image"]
_FILLED = ["run", "method", "weights", "dataset", "protocol", "metric", "signature"]


def read_scores(path: Path) -> pd.DataFrame:
    """Read a ``scores.csv``; empty variants stay empty text, an empty value is NaN.

    Raises:
        SrBenchError: if it is missing or damaged, has other columns, or a cell twice.
    """
    return _typed(read_rows(path, CELL_COLUMNS, remedy=_REMEDY), _IMAGE[:-1], _REMEDY)


def read_per_image(path: Path) -> pd.DataFrame:
    """Read a ``per_image.csv.gz``: the columns of ``build/scores/<run>.csv``.

    Raises:
        SrBenchError: as :func:`read_scores`, and where an image is listed twice in a cell.
    """
    rows = read_rows(path, PER_IMAGE_COLUMNS, IMAGE_COLUMNS, remedy=_REMEDY)
    return _typed(rows, _IMAGE, _REMEDY)[IMAGE_COLUMNS]


def read_run(path: Path, protocols: Protocols | None = None) -> pd.DataFrame:
    """Read ``build/scores/<run>.csv``, the table that ``sr-bench score RUN`` wrote.

    Args:
        path: the table.
        protocols: those of its project; by default the installed ones.

    Raises:
        SrBenchError: as :func:`read_per_image`; where it isn't the table that the record beside it
            is about; for rows of another run, unknown protocols or metrics, and values that are no
            numbers.
    """
    remedy = f"score the run again: sr-bench score {path.stem}"
    content = read_bytes(path, remedy=remedy)
    require_recorded(path, content)
    rows = parsed(path, decoded(path, content, remedy=remedy), [IMAGE_COLUMNS], remedy)
    table = _typed(rows, _IMAGE, remedy)
    if table.empty:
        raise SrBenchError(f"{path}: has a header and no rows; {remedy}")
    known = (protocols or load_protocols()).protocols
    _require_scores_of(path.stem, table, known, rows, remedy)
    return table


def write_table(path: Path, table: pd.DataFrame) -> str:
    """Write a table as CSV, packed where ``path`` ends in ``.gz``; returns the text.

    The same table gives the same bytes everywhere: numbers of twelve digits, no date.
    """
    text = csv_text(table)
    content = text.encode("utf-8", "backslashreplace")  # a file name that isn't UTF-8
    with replacing(path) as temporary:
        temporary.write_bytes(_packed(content) if path.suffix == ".gz" else content)
    return text


def csv_text(table: pd.DataFrame) -> str:
    """The table as CSV: numbers with twelve significant digits, a missing one as an empty field."""
    shown = table.copy()
    for name in table.columns:
        if table[name].dtype.kind in "fO":
            shown[name] = [
                digits(value) if isinstance(value, float) else value for value in table[name]
            ]
    out = io.StringIO()
    shown.to_csv(out, index=False, lineterminator="\n")
    return out.getvalue()


def digits(value: float) -> str:
    """The number as tables for programs have it: twelve significant digits, empty if it is none."""
    return "" if value != value else format(value, f".{DIGITS}g")


def require_one_signature(rows: pd.DataFrame, what: str) -> None:
    """Refuse to put numbers with different signatures into one table.

    Raises:
        SrBenchError: naming the signatures and the remedy.
    """
    signatures = sorted(rows["signature"].unique())
    if len(signatures) > 1:
        raise SrBenchError(
            f"{what} would mix {len(signatures)} signatures: {' and '.join(signatures)}; "
            "numbers made in different ways don't compare: score all of them again the same way"
        )


def cells(per_image: pd.DataFrame) -> pd.DataFrame:
    """Mean over the images of each cell, to ten decimals.

    A metric that some image of a set lacks (chroma of a gray image) makes no cell: a mean over
    fewer images would be another test set. For the same reason the mean is infinite where an image
    is identical to its hr: :func:`identical` says which.
    """
    for protocol, rows in per_image.groupby("protocol"):
        require_one_signature(rows, f"the table of {protocol}")
    grouped = per_image.groupby([*CELL, "signature"], sort=False, dropna=False)
    table = grouped["value"].agg(value="mean", images="size").reset_index()
    table["value"] = table["value"].round(DECIMALS)
    whole = table.groupby(["run", "dataset", "protocol"], dropna=False)["images"].transform("max")
    return table.loc[table["images"] == whole, CELL_COLUMNS].reset_index(drop=True)


def identical(rows: pd.DataFrame) -> list[str]:
    """Which images make a mean infinite: one sentence for each set of them.

    Args:
        rows: ``image``, ``metric`` and ``value`` of one run, dataset and protocol.
    """
    found: dict[tuple[str, ...], list[str]] = {}
    for metric, of in rows.groupby("metric", sort=False):
        names = tuple(of.loc[np.isinf(of["value"]), "image"])
        if names:
            found.setdefault(names, []).append(str(metric))
    count = rows["image"].nunique()
    return [
        f"{len(names)} of {count} images {'is' if len(names) == 1 else 'are'} identical to hr: "
        f"{listed(names)}; the mean {' and '.join(metrics)} is infinite and does not compare"
        for names, metrics in found.items()
    ]


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _packed(content: bytes) -> bytes:
    """gzip whose header has no date, no name and no system: the same of every Python."""
    out = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, out, mtime=0) as packed:
        packed.write(content)
    return out.getvalue()


def _typed(rows: Rows, keys: Sequence[str], remedy: str) -> pd.DataFrame:
    """The rows with numbers where numbers belong."""
    table = rows.frame()
    for name in [*_FILLED, *(["image"] if "image" in table else [])]:
        _converted(rows, name, _text, remedy)
    table["scale"] = _converted(rows, "scale", _whole, remedy)
    table["value"] = pd.Series(_converted(rows, "value", _number, remedy), dtype=float)
    if "images" in table:
        table["images"] = _converted(rows, "images", _whole, remedy)
    whole = {name: int for name in ("scale", "images") if name in table}
    table = table.astype(whole)
    twice = table.duplicated(keys)
    if twice.any():
        at = int(twice.argmax())
        named = ", ".join(str(table[key].iloc[at]) for key in keys)
        raise SrBenchError(f"{rows.path}:{rows.lines[at]}: {named} is listed twice; {remedy}")
    return table


def _converted(
    rows: Rows, name: str, convert: Callable[[str], object], remedy: str
) -> list[object]:
    """A column's values, or an error with the line of the first that isn't one."""
    index = rows.columns.index(name)
    made = []
    for row, line in zip(rows.fields, rows.lines):
        try:
            made.append(convert(row[index]))
        except ValueError as error:
            shown = repr(row[index])
            shown = shown if len(shown) < 60 else f"{shown[:56]}..."
            raise SrBenchError(
                f"{rows.path}:{line}: {name} is {shown}, expected {error}; {remedy}"
            ) from error
    return made


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("a name")
    return text


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise ValueError("a whole number above 0")
    return int(text)


def _number(text: str) -> float:
    """A float as Python writes it; an empty field is NaN."""
    try:
        if not text.isascii() or "_" in text:
            raise ValueError
        return float(text) if text else float("nan")
    except ValueError as error:
        raise ValueError("a number") from error


def _require_scores_of(
    run: str, table: pd.DataFrame, known: Mapping[str, Protocol], rows: Rows, remedy: str
) -> None:
    """Every row is a score of that run, by a metric that its protocol has, and a number."""
    for at, row in enumerate(table.itertuples(index=False)):
        where = f"{rows.path}:{rows.lines[at]}"
        if row.run != run:
            raise SrBenchError(
                f"{where}: is of run {row.run!r}, the file's name says {run!r}; {remedy}"
            )
        if row.protocol not in known:
            raise SrBenchError(f"{where}: there is no protocol {row.protocol!r}; {remedy}")
        if row.metric not in known[str(row.protocol)].metrics:
            raise SrBenchError(f"{where}: {row.protocol} has no metric {row.metric!r}; {remedy}")
        if not row.value > -np.inf:  # NaN is not; identical images have +inf
            raise SrBenchError(
                f"{where}: value of {row.dataset}/{row.image} is no number; {remedy}"
            )
