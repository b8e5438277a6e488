"""The application: its commands, and how errors end.

Exit status: 0 done, 1 the work or the check failed, 2 wrong use. Commands import what they need
when they run, so that scoring a folder never loads torch.
"""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from sr_bench import __version__
from sr_bench.cli import (
    check,
    compare,
    conformance,
    explain,
    figure,
    pipeline,
    report,
    standalone,
    timing,
    training,
    weights,
)
from sr_bench.errors import SrBenchError, WrongUse

_EXTRA = ("torch", "safetensors", "dvclive")  # what the extra [run] adds
_INSTALL = "pip install 'sr-bench[run]' (for the small CPU build of torch, see the README)"

app = typer.Typer(
    name="sr-bench",
    help="A benchmark and reproducibility harness for image super-resolution.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("fetch")(pipeline.fetch)
app.command("train")(training.train)
app.command("upscale")(pipeline.upscale)
app.command("degrade")(standalone.degrade)
app.command("score")(standalone.score)
app.command("time")(timing.time)
app.command("report")(report.report)
app.command("figure")(figure.figure)
app.command("check")(check.check)
app.command("compare")(compare.compare)
app.command("explain")(explain.explain)
app.command("conformance")(conformance.conformance)
app.command("keys")(weights.keys)
app.command("try")(weights.try_method)
app.command("list")(pipeline.list_things)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"sr-bench {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def _fail(message: str, status: int) -> NoReturn:
    console = Console(stderr=True, soft_wrap=True, emoji=False)
    console.print(f"[bold red]error:[/] {escape(message)}")
    sys.exit(status)


def main() -> None:
    """Run the command line; a known error is one message on stderr and exit status 1 or 2."""
    try:
        app()
    except SrBenchError as error:
        _fail(str(error), 2 if isinstance(error, WrongUse) else 1)
    except OSError as error:  # a full disk, a folder that can't be written
        _fail(f"{error.filename or 'input or output'}: {error.strerror or error}", 1)
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        _fail(f"{error.name} is not installed, and this command runs methods: {_INSTALL}", 1)
    except KeyboardInterrupt:
        sys.exit(130)
