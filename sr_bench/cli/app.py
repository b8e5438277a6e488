"""The application: its commands, and how errors end.

Exit status: 0 done, 1 the work or the check failed, 2 wrong use. Commands import what they need
when they run, so that scoring a folder never loads torch.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from sr_bench.cli.lazy import LazyGroup
from sr_bench.support.errors import SrBenchError, WrongUse, printable
from sr_bench.support.version import __version__

_EXTRAS = {  # module -> the extra of sr-bench that brings it
    "distributed": "cluster",
    "dvc": "run",
    "dvclive": "run",
    "matplotlib": "run",
    "ruamel": "run",
    "safetensors": "run",
    "scikit_posthocs": "ranks",
    "skimage": "run",
    "torch": "run",
    "lpips": "metrics",
    "piq": "metrics",
    "pyiqa": "iqa",
    "torchvision": "metrics",
    "cpuinfo": "test",
    "pytest": "test",
    "pytest_benchmark": "test",
}

# What Python's threads and PyTorch raise as a plain RuntimeError.
_NO_ROOM = re.compile(r"can't start new thread|can't allocate memory|not enough memory")

app = typer.Typer(
    name="sr-bench",
    cls=LazyGroup,
    help="A benchmark and reproducibility harness for image super-resolution.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    console.print(f"[bold red]error:[/] {escape(printable(message, lines=True))}")
    sys.exit(status)


def main() -> None:
    """Run the command line; an error of the input is one message on stderr and exit status 1 or 2.

    What is a fault of sr-bench itself (a KeyError, say) still ends in a traceback.
    """
    _adapt_surroundings()
    try:
        app()
    except (SrBenchError, OSError, ImportError, MemoryError, RuntimeError, UnicodeError) as error:
        message = _message(error)
        if message is None:
            raise
        _fail(message, 2 if isinstance(error, WrongUse) else 1)
    except KeyboardInterrupt:
        sys.exit(130)


def _adapt_surroundings() -> None:
    """Print what the terminal's encoding lacks as escapes; draw without a window.

    A file name may hold what the terminal can't show. A notebook hands its backend of matplotlib on
    to the programs that it starts, where it may not exist.
    """
    _escape_unprintable()
    os.environ["MPLBACKEND"] = "agg"


def _escape_unprintable() -> None:
    """Print a character that the terminal's encoding lacks as an escape, not as an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _message(error: BaseException) -> str | None:
    """The message for a person; ``None`` for an error of sr-bench itself: a traceback."""
    if isinstance(error, SrBenchError):
        return str(error)
    if isinstance(error, OSError):  # a full disk, a folder that can't be written
        return _of_the_system(error)
    if isinstance(error, MemoryError) or _NO_ROOM.search(str(error)):
        return f"out of memory ({error or 'no more to be had'}); work on smaller or fewer images"
    if isinstance(error, RecursionError):
        return "a file is nested too deeply; correct it"
    if isinstance(error, UnicodeError):
        return f"text in another encoding than expected: {error}; save the file as UTF-8"
    return _missing(error) if isinstance(error, ModuleNotFoundError) else None


def _of_the_system(error: OSError) -> str:
    if isinstance(error, shutil.Error) and isinstance(error.args[0], list):
        parts = error.args[0]  # of a folder that was copied: from where, to where, why
        more = f", and {len(parts) - 1} more" if parts[1:] else ""
        return f"{parts[0][1]}: can't be written ({parts[0][2]}){more}"
    return f"{error.filename or 'input or output'}: {error.strerror or error}"


def _missing(error: ModuleNotFoundError) -> str | None:
    """Which package is missing, and how it comes; ``None`` for a module of sr-bench's own."""
    module = (error.name or "").partition(".")[0]
    if module in ("", "sr_bench"):
        return None
    if module not in _EXTRAS:
        return f"Python module {module} is not installed and is needed here; install it"
    extra = _EXTRAS[module]
    return (
        f"{module} is not installed; it comes with the extra [{extra}] of sr-bench: "
        f"pip install 'sr-bench[{extra}]', in a clone '.[{extra}]', of a wheel "
        f"'FILE.whl[{extra}]' (for the small CPU build of torch, see the README)"
    )
