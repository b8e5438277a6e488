"""Tables, JSON and progress on the terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock
from typing import Annotated, Any

import typer
from rich.console import Console, JustifyMethod
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from sr_bench.support.errors import printable
from sr_bench.support.parallel import Failure
from sr_bench.support.scale import SCALES

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
_SCALE = typer.Option(min=SCALES.start, max=SCALES.stop - 1, help="Upscaling factor.")
ScaleOption = Annotated[int, _SCALE]
MaybeScaleOption = Annotated[int | None, _SCALE]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device",
        help="auto, cpu, cuda, cuda:1 or mps; default: SR_BENCH_DEVICE, else auto.",
        show_default=False,
    ),
]
# How a foreign model takes and gives its planes.
RangeOption = Annotated[
    float, typer.Option("--range", help="What white is for the models: 1 or 255.")
]
BgrOption = Annotated[bool, typer.Option("--bgr", help="The models take and give B, G, R.")]
MultipleOption = Annotated[
    int, typer.Option(min=1, help="Pad LR to a multiple of this; SR is cropped.")
]
PrecisionOption = Annotated[
    str, typer.Option("--precision", help="float32; bf16 or fp16 (on a GPU) are faster and differ.")
]
# What runs that are compared have to share.
SharedProtocol = Annotated[
    str | None, typer.Option(help="Protocol; needed if the runs share several.")
]
SharedMetric = Annotated[str, typer.Option(help="A metric of the protocol.")]
SharedDataset = Annotated[
    str | None, typer.Option(help="Dataset; default: all that the runs share.")
]
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?|inf|-|")  # or none


class _PlainConsole(Console):
    """Prints a text as it is: what a terminal would obey as an escape (names come from files)."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print, as rich does; a text without what :func:`printable` escapes."""
        shown = (printable(o, lines=True) if isinstance(o, str) else o for o in objects)
        super().print(*shown, **options)


console = _PlainConsole(soft_wrap=True, markup=False, emoji=False)  # names may hold [brackets]
_errors = _PlainConsole(stderr=True)


class Skipped:
    """Files of a folder that aren't images: each is named on stderr, and listed in ``--json``."""

    def __init__(self) -> None:
        self.facts: list[dict[str, str]] = []

    def __call__(self, path: Path, reason: str) -> None:
        """Say on stderr that the file is skipped, and why."""
        self.facts.append({"file": str(path), "reason": reason})
        text = printable(f"skipped: {path}: {reason}")
        _errors.print(text, markup=False, highlight=False, soft_wrap=True)


def print_json(value: object) -> None:
    """Machine-readable output that every parser reads.

    Infinities are the strings that Python's float() reads back. Bytes of a file name that isn't
    UTF-8 are escapes, as :func:`sr_bench.support.errors.printable` writes them: JSON is Unicode.
    """
    print(json.dumps(_portable(value), indent=1, allow_nan=False))


def print_done(text: str, facts: object, *, json: bool) -> None:
    """What a command did: a line for people, or the facts for programs."""
    if json:
        print_json(facts)
    else:
        console.print(printable(text, lines=True), highlight=False)


def failures(failed: Sequence[Failure[Any]]) -> list[dict[str, str]]:
    """What failed, for ``--json``."""
    return [{"name": str(f.item), "reason": f.reason} for f in failed]


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, apart: int = 0
) -> None:
    """A table for people; numbers to the right, unbroken. The last ``apart`` rows stand apart.

    Where stdout is piped, for programs: lines with tabs, under the names of the columns, and the
    title is a comment (#).
    """
    title, columns = printable(title, lines=True), [printable(name) for name in columns]
    cells = [[f"{v:.4f}" if isinstance(v, float) else printable(str(v)) for v in r] for r in rows]
    if not console.is_terminal:
        remark(title)
        print("\n".join("\t".join(map(_cell, line)) for line in [columns, *cells]))
        return
    table = Table(title=title, title_justify="left")
    for i, column in enumerate(columns):
        numeric = bool(rows) and all(_is_number(row[i]) for row in rows)
        side: JustifyMethod = "right" if numeric else "left"
        table.add_column(column, justify=side, overflow="fold", no_wrap=numeric)
    for i, line in enumerate(cells):
        if apart and i == len(cells) - apart:
            table.add_section()
        table.add_row(*line)
    console.print(table)


def remark(text: str) -> None:
    """A sentence beside a table: where stdout is piped, a comment (#) between its lines."""
    if console.is_terminal:
        console.print(text, highlight=False)
    elif text:
        print("\n".join(f"# {line}" for line in printable(text, lines=True).splitlines()))


def _cell(text: str) -> str:
    """One line without tabs."""
    return " ".join(text.split())


def _is_number(cell: object) -> bool:
    return isinstance(cell, (int, float)) or _NUMBER.fullmatch(str(cell)) is not None


@contextmanager
def bytes_progress(title: str, total: int) -> Iterator[Any]:
    """A download bar on stderr; yields the function to call with newly arrived bytes."""
    with _bar(title, total or None, DownloadColumn(), TransferSpeedColumn()) as (progress, task):
        yield lambda n: progress.advance(task, n)


@contextmanager
def late_bytes_progress(title: str) -> Iterator[Callable[[int], None]]:
    """As :func:`bytes_progress` for a total that isn't known; shown once something comes."""
    lock = Lock()
    with ExitStack() as stack:
        bars: list[Callable[[int], None]] = []

        def advance(arrived: int) -> None:
            with lock:
                if not bars:
                    bars.append(stack.enter_context(bytes_progress(title, 0)))
            bars[0](arrived)

        yield advance


@contextmanager
def count_progress(title: str, total: int) -> Iterator[Any]:
    """A bar of items on stderr; yields the function to call with the number done."""
    with _bar(title, total, MofNCompleteColumn()) as (progress, task):
        yield lambda n: progress.advance(task, n)


@contextmanager
def position_progress(title: str, total: int) -> Iterator[Any]:
    """A bar whose function is called with how far the work has come, and how it stands in words."""
    with _bar(title, total, MofNCompleteColumn(), timed=False) as (progress, task):

        def move(completed: int, said: str) -> None:
            progress.update(task, completed=completed, description=printable(said))

        yield move


@contextmanager
def _bar(
    title: str, total: int | None, *columns: ProgressColumn, timed: bool = True
) -> Iterator[tuple[Progress, Any]]:
    named = TextColumn("{task.description}", markup=False)
    left = [TimeRemainingColumn()] if timed else []
    with Progress(named, BarColumn(), *columns, *left, console=_errors) as progress:
        yield progress, progress.add_task(printable(title), total=total)


def _portable(value: object) -> object:
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return str(value)
    if isinstance(value, str):
        return "".join(printable(c) if "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, dict):
        return {k: _portable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_portable(v) for v in value]
    return value
