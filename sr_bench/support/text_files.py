"""Reading text, JSON and CSV: every defect of a file is one error with its name and the remedy.

Files that other programs write or people edit arrive cut, empty, compressed, in another encoding or
with other separators. Readers of tables and notes go through here, so none of them ends in a
traceback.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sr_bench.support.errors import SrBenchError

if TYPE_CHECKING:
    import pandas as pd

_GZIP = b"\x1f\x8b"
_LARGEST = 1 << 30  # bytes of an unpacked .gz: a million times what a table here has


@dataclass(frozen=True)
class Rows:
    """A CSV file as text."""

    path: Path  # the file
    columns: list[str]  # its header
    fields: list[list[str]]  # the fields of each row, as many as there are columns
    lines: list[int]  # the line on which each row ends, for messages

    def frame(self) -> pd.DataFrame:
        """The rows as a table of texts."""
        import pandas as pd  # half a second, which most commands have no use for

        columns = zip(*self.fields) if self.fields else [()] * len(self.columns)
        return pd.DataFrame(
            {name: pd.Series(list(texts), dtype=str) for name, texts in zip(self.columns, columns)}
        )


def read_bytes(path: Path, *, remedy: str) -> bytes:
    """The file's content, a ``.gz`` unpacked.

    Raises:
        SrBenchError: if it is missing, no file, not readable or not the gzip its name says.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise SrBenchError(f"{path}: no such file; {remedy}") from error
    except IsADirectoryError as error:
        raise SrBenchError(f"{path}: is a folder, expected a file; {remedy}") from error
    except OSError as error:
        raise SrBenchError(
            f"{path}: can't be read ({error.strerror or error}); {remedy}"
        ) from error
    return _unpacked(path, content, remedy) if path.suffix == ".gz" else content


def read_text(path: Path, *, remedy: str) -> str:
    """The file's text, which is UTF-8; the mark that some editors put at its start is dropped.

    Raises:
        SrBenchError: as :func:`read_bytes`, and where it isn't text in UTF-8.
    """
    return decoded(path, read_bytes(path, remedy=remedy), remedy=remedy)


def decoded(path: Path, content: bytes, *, remedy: str) -> str:
    """``content`` of ``path`` as text; see :func:`read_text`."""
    if content.startswith(_GZIP):
        raise SrBenchError(f"{path}: is packed with gzip, its name doesn't end in .gz; {remedy}")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SrBenchError(f"{path}: is UTF-16, expected UTF-8; save it as UTF-8, or {remedy}")
    if b"\0" in content:
        at = content.index(b"\0")
        raise SrBenchError(f"{path}: byte {at} is NUL, which no text holds; {remedy}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SrBenchError(
            f"{path}: byte {error.start} is {content[error.start]:#04x}, which isn't UTF-8 (a "
            f"spreadsheet may have saved it in another encoding); save it as UTF-8, or {remedy}"
        ) from error


def read_json(path: Path, *, remedy: str) -> Any:
    """The file's JSON.

    Raises:
        SrBenchError: as :func:`read_text`, and where it isn't JSON.
    """
    text = read_text(path, remedy=remedy)
    try:
        return json.loads(text)
    except RecursionError as error:
        raise SrBenchError(f"{path}: its JSON is nested too deeply; {remedy}") from error
    except ValueError as error:
        raise SrBenchError(f"{path}: not JSON ({error}); {remedy}") from error


def read_object(path: Path, *, remedy: str) -> dict[str, Any]:
    """The file's JSON, an object."""
    content = read_json(path, remedy=remedy)
    if not isinstance(content, dict):
        raise SrBenchError(
            f"{path}: holds a {type(content).__name__}, expected an object (JSON); {remedy}"
        )
    return content


def read_rows(path: Path, *expected: Sequence[str], remedy: str, separator: str = ",") -> Rows:
    """The rows of a CSV file.

    Args:
        expected: the headers that it may have; any where none is given.
        remedy: what to do if it is damaged, for messages.

    Raises:
        SrBenchError: as :func:`read_text`; for an empty file, another header, a row with another
            number of fields, or quotes that don't close.
    """
    return parsed(path, read_text(path, remedy=remedy), expected, remedy, separator)


def parsed(
    path: Path, text: str, expected: Sequence[Sequence[str]], remedy: str, separator: str = ","
) -> Rows:
    """The rows of the CSV ``text`` of ``path``; see :func:`read_rows`."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    fields, lines = [], []
    try:
        for row in reader:
            if row:
                fields.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise SrBenchError(f"{path}:{reader.line_num}: not CSV ({error}); {remedy}") from error
    if not fields:
        raise SrBenchError(f"{path}: is empty, expected a header and rows; {remedy}")
    _require_header(path, fields[0], expected, remedy)
    for row, line in zip(fields, lines):
        if len(row) != len(fields[0]):
            raise SrBenchError(
                f"{path}:{line}: {len(row)} fields, expected {len(fields[0])} as in the header (a "
                f"field that holds {separator!r} stands in quotes); {remedy}"
            )
    return Rows(path, fields[0], fields[1:], lines[1:])


def _unpacked(path: Path, content: bytes, remedy: str) -> bytes:
    if not content.startswith(_GZIP):
        raise SrBenchError(f"{path}: isn't packed with gzip, as its name says; {remedy}")
    try:
        with gzip.open(io.BytesIO(content)) as packed:
            unpacked = packed.read(_LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise SrBenchError(f"{path}: its gzip is cut or damaged ({error}); {remedy}") from error
    if len(unpacked) > _LARGEST:
        raise SrBenchError(f"{path}: unpacks to more than {_LARGEST} bytes: no table; {remedy}")
    return unpacked


def _require_header(
    path: Path, header: list[str], expected: Sequence[Sequence[str]], remedy: str
) -> None:
    if not expected or header in [list(columns) for columns in expected]:
        return
    wanted = list(expected[0])
    if len(header) == 1 and len(wanted) > 1:
        for separator in (";", "\t"):
            if header[0].split(separator) in [list(columns) for columns in expected]:
                raise SrBenchError(
                    f"{path}: its fields are separated by {separator!r}, expected ','; save it "
                    f"with commas, or {remedy}"
                )
    missing = [name for name in wanted if name not in header]
    lacking = f" (missing: {', '.join(missing)})" if missing else ""
    raise SrBenchError(
        f"{path}: columns are {', '.join(header)[:400]}; expected {', '.join(wanted)}{lacking}: "
        f"the file is of another version of sr-bench, or another table; {remedy}"
    )
