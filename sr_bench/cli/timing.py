"""``sr-bench time``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from sr_bench.cli.show import (
    BgrOption,
    JsonFlag,
    MaybeScaleOption,
    MultipleOption,
    RangeOption,
    console,
    count_progress,
    print_json,
    print_table,
)
from sr_bench.project.here import method_folders_here
from sr_bench.project.project import require_project
from sr_bench.support.errors import SrBenchError, WrongUse

if TYPE_CHECKING:
    from sr_bench.timing.plan import Selection, TimingPlan
    from sr_bench.timing.results import TimingRow
    from sr_bench.timing.session import Session
    from sr_bench.timing.setting import Setting

Several = list[str] | None
_BACKENDS = "eager (PyTorch as it is), compile (torch.compile), onnxruntime, openvino"


def time(
    runs: Annotated[Several, typer.Argument(help="Runs of params.yaml; default: all.")] = None,
    model: Annotated[
        Several,
        typer.Option(
            help="Time this model instead of runs, in any folder: a file of weights or of a whole "
            "model, METHOD=FILE, a method without weights, file.py:function."
        ),
    ] = None,
    device: Annotated[
        Several,
        typer.Option(help="cpu-1, cpu-all, cpu (both), cuda, or all that this machine has."),
    ] = None,
    precision: Annotated[
        Several,
        typer.Option(
            help="float32, bf16, fp16 (CUDA), float32-nchw, or one of them with -compile; default: "
            "those of the first three that the device is fast in."
        ),
    ] = None,
    backend: Annotated[
        Several, typer.Option(help=f"What runs the network: {_BACKENDS}; default: eager.")
    ] = None,
    input: Annotated[
        Several,
        typer.Option(
            help="720p (network only), 720p-png (from file to file) or a dataset; default: all of "
            "these, of models 720p. Also 180p, 360p, 1080p, 2160p, and sizes for all five."
        ),
    ] = None,
    size: Annotated[
        Several, typer.Option(help="LR of this height x width, such as 180x320 (network only).")
    ] = None,
    scale: MaybeScaleOption = None,
    value_range: RangeOption = 1.0,
    bgr: BgrOption = False,
    multiple_of: MultipleOption = 1,
    missing: Annotated[
        bool,
        typer.Option(
            "--missing",
            help="Time only what this machine's file doesn't have yet: settings, and processes.",
        ),
    ] = False,
    processes: Annotated[
        int,
        typer.Option(
            min=1,
            help="Time each setting in this many processes, one pass over all settings after the "
            "other: rounds of one process don't show how processes differ.",
        ),
    ] = 1,
    results: Annotated[
        Path | None,
        typer.Option(help="Folder of results; default: benchmarks/results, of models none."),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Also write the rows to this file, as timings.csv has them.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Time inference of runs, each setting in its own process: benchmarks/results/<machine>.json.

    It can be stopped at any moment: finished rows are kept, and --missing continues. Options can be
    given several times, or with commas. --model needs no project; its table has the PSNR that each
    backend gives on photographs beside its time.
    """
    from sr_bench.timing.plan import Selection

    # An exception, unlike the default, also ends the process that is timing.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    inputs = [*(input or ()), *(size or ())]
    selection = Selection(*(_words(each) for each in (runs, device, precision, inputs, backend)))
    options = {"scale": scale, "value_range": value_range, "bgr": bgr, "multiple_of": multiple_of}
    if model:
        session, plan = _of_models(list(dict.fromkeys(model)), selection, options, results)
    else:
        if options != _DEFAULTS:
            raise WrongUse("--scale, --range, --bgr and --multiple-of say how --model is opened")
        session, plan = _of_runs(selection, results)
    session.processes, session.keep = processes, missing
    settings = session.missing(plan.settings) if missing else plan.settings
    rows, failed = _time(session, settings, quiet=json)
    failures = plan.failed | {str(setting): why for setting, why in failed.items()}
    _report(session, rows, Told(len(settings), plan.left_out, failures), csv=csv, json=json)


_DEFAULTS = {"scale": None, "value_range": 1.0, "bgr": False, "multiple_of": 1}


def _words(given: Several) -> tuple[str, ...]:
    """Options given several times, or with commas."""
    return tuple(word for each in given or () for word in each.split(",") if word)


def _of_runs(selection: Selection, results: Path | None) -> tuple[Session, TimingPlan]:
    from sr_bench.timing.fingerprint import fingerprint
    from sr_bench.timing.plan import make_plan
    from sr_bench.timing.results import Results, results_folder
    from sr_bench.timing.session import Session

    project = require_project()
    plan = make_plan(project, selection)
    held, path = Results.of(fingerprint(), results or results_folder(project))
    return Session(project.root, held, path, plan.weights), plan


def _of_models(
    specs: list[str], selection: Selection, options: dict[str, Any], results: Path | None
) -> tuple[Session, TimingPlan]:
    from sr_bench.timing.fingerprint import fingerprint
    from sr_bench.timing.plan_models import make_model_plan
    from sr_bench.timing.results import Results
    from sr_bench.timing.session import Session
    from sr_bench.timing.tasks import ModelChoice

    if selection.runs:
        raise WrongUse(
            f"time takes runs ({', '.join(selection.runs)}) or --model, not both; leave one out"
        )
    folders = tuple(str(folder.resolve()) for folder in method_folders_here())
    plan = make_model_plan([ModelChoice(spec, options, folders) for spec in specs], selection)
    machine = fingerprint()
    held, path = (Results(machine), None) if results is None else Results.of(machine, results)
    return Session(Path(), held, path, plan.weights, models=plan.models), plan


class Told(NamedTuple):
    """How many settings there were, what was left out, and what failed."""

    settings: int
    left_out: list[str]
    failures: dict[str, str]


def _report(
    session: Session, rows: list[TimingRow], told: Told, *, csv: Path | None, json: bool
) -> None:
    """Print the rows, and write them to a file.

    Raises:
        SrBenchError: if a setting could not be timed.
    """
    if csv is not None:
        from sr_bench.evaluation.scoring.table import write_table
        from sr_bench.report.timings import rows_table

        write_table(csv, rows_table(session.results.machine.name, rows))
    path = None if session.path is None else str(session.path)
    if json:
        facts = [row.model_dump(exclude={"times_s", "pixels"}) for row in rows]
        print_json(
            {"file": path, "rows": facts, "left_out": told.left_out, "failed": told.failures}
        )
    else:
        if session.models and rows:
            _print_table(rows)
        for why in told.left_out:
            console.print(f"left out: {why}", highlight=False)
        where = f": {path}" if path else ""
        console.print(f"{len(rows)} of {told.settings} settings timed{where}", highlight=False)
    if told.failures:
        listed = "\n".join(told.failures.values())
        raise SrBenchError(f"{len(told.failures)} could not be timed, all else was:\n{listed}")


def _time(
    session: Session, settings: list[Setting], *, quiet: bool
) -> tuple[list[TimingRow], dict[Setting, str]]:
    rows: dict[Setting, TimingRow] = {}
    with count_progress("time", session.turns(settings)) as advance:

        def show(setting: Setting, said: TimingRow | str) -> None:
            advance(1)
            if not isinstance(said, str):
                rows[setting] = said
            if not quiet:
                text = said if isinstance(said, str) else _line(said)
                console.print(f"{setting}: {text}", highlight=False)

        failed = session.time(settings, show)
    return list(rows.values()), failed


def _line(row: TimingRow) -> str:
    share = f", {row.of_matrix_rate:.0%} of matrix rate" if row.of_matrix_rate else ""
    memory = "" if row.peak_memory_mb is None else f", {row.peak_memory_mb:.0f} MB"
    psnr = "" if row.psnr is None else f", {row.psnr:.3f} dB"
    unknown = "".join(f"; {name} not known: {why}" for name, why in row.not_known.items())
    processes = f" of {row.processes} processes" if row.processes > 1 else ""
    return (
        f"median {row.median_s * 1e3:.1f} ms, IQR {row.iqr_s * 1e3:.1f}, "
        f"{row.rounds} rounds{processes}{memory}{share}{psnr}{unknown}"
    )


def _print_table(rows: list[TimingRow]) -> None:
    """The rows side by side; below, what they share, and what isn't known."""
    columns = ["model", "device", "precision", "input", "ms", "MB", "PSNR"]
    print_table("", columns, [
        [
            *(row.run, row.device, row.precision, row.input, f"{row.median_s * 1e3:.1f}"),
            *(_cell(row.peak_memory_mb, 1, 0), _cell(row.psnr, 1, 4)),
        ]
        for row in rows
    ])  # fmt: skip
    console.print(f"PSNR in dB of {rows[0].psnr_of}", highlight=False)
    for note in dict.fromkeys(note for row in rows for note in _notes(row)):
        console.print(note, highlight=False)


def _notes(row: TimingRow) -> Iterator[str]:
    """What the row shares with others of its model and input, and what isn't known."""
    costs = {"k parameters": (row.params, 1e3, 1), "G multiply-adds": (row.macs, 1e9, 2)}
    known = [f"{_cell(*cost)} {unit}" for unit, cost in costs.items() if cost[0] is not None]
    if known:
        yield f"{row.run}, {row.input}: {', '.join(known)}"
    for why in dict.fromkeys(row.not_known.values()):
        names = ", ".join(name for name, reason in row.not_known.items() if reason == why)
        yield f"{row.run}: {names} not known: {why}"


def _cell(value: float | None, unit: float, decimals: int) -> str:
    return "" if value is None else f"{value / unit:.{decimals}f}"
