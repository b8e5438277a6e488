"""Tables and progress on the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

console = Console(soft_wrap=True, markup=False, emoji=False)  # file names may hold [brackets]
_errors = Console(stderr=True)


def print_json(value: object) -> None:
    """Machine-readable output; infinities are the strings that Python's float() reads back."""
    print(json.dumps(_finite(value), indent=1, allow_nan=False))


def print_done(text: str, facts: object, *, json: bool) -> None:
    """What a command did: a line for people, or the facts for programs."""
    if json:
        print_json(facts)
    else:
        console.print(text, highlight=False)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table for people; numbers to the right."""
    table = Table(title=title, title_justify="left")
    for i, column in enumerate(columns):
        numeric = bool(rows) and isinstance(rows[0][i], (int, float))
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(f"{v:.4f}" if isinstance(v, float) else str(v) for v in row))
    console.print(table)


@contextmanager
def bytes_progress(title: str, total: int) -> Iterator[Any]:
    """A download bar on stderr; yields the function to call with newly arrived bytes."""
    columns = (_title(), BarColumn(), DownloadColumn())
    with Progress(
        *columns, TransferSpeedColumn(), TimeRemainingColumn(), console=_errors
    ) as progress:
        task = progress.add_task(title, total=total or None)
        yield lambda n: progress.advance(task, n)


@contextmanager
def count_progress(title: str, total: int) -> Iterator[Any]:
    """A bar of items on stderr; yields the function to call with the number done."""
    columns = (_title(), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=_errors) as progress:
        task = progress.add_task(title, total=total)
        yield lambda n: progress.advance(task, n)


@contextmanager
def position_progress(title: str, total: int) -> Iterator[Any]:
    """As :func:`count_progress`, but the function is called with how far the work has come."""
    columns = (_title(), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=_errors) as progress:
        task = progress.add_task(title, total=total)
        yield lambda n: progress.update(task, completed=n)


def _title() -> TextColumn:
    return TextColumn("{task.description}", markup=False)


def _finite(value: object) -> object:
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return str(value)
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return value
