"""``--executor``, ``--workers``, ``--scheduler``: who computes; one group for all commands."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Annotated, cast

import typer

from sr_bench.support.executors import Executor, ExecutorOptions, Kind
from sr_bench.support.notices import notice_about

ExecutorOption = Annotated[
    str,
    typer.Option("--executor", help="local (threads), processes, or dask (the extra cluster)."),
]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="How many worker processes; default: one a core."),
]
SchedulerOption = Annotated[
    str | None,
    typer.Option("--scheduler", help="A Dask scheduler's address; default: one of its own, here."),
]
LOCAL = ExecutorOptions()


def executor_options(executor: str, workers: int | None, scheduler: str | None) -> ExecutorOptions:
    """What the three options say together.

    Raises:
        WrongUse: for options that don't go together.
    """
    return ExecutorOptions(cast(Kind, executor), workers, scheduler)


def executing(options: ExecutorOptions) -> AbstractContextManager[Executor | None]:
    """The executor, ``None`` for threads of this process; what it tells goes to stderr."""
    return options.opened(lambda text: notice_about("workers", text))
