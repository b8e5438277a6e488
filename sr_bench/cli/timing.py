"""``sr-bench time``."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sr_bench.cli.show import JsonFlag, console, count_progress, print_json
from sr_bench.project.project import require_project
from sr_bench.support.errors import SrBenchError

if TYPE_CHECKING:
    from sr_bench.timing.results import TimingRow
    from sr_bench.timing.session import Session
    from sr_bench.timing.setting import Setting

Several = list[str] | None


def time(
    runs: Annotated[Several, typer.Argument(help="Runs of params.yaml; default: all.")] = None,
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
    input: Annotated[
        Several,
        typer.Option(
            help="720p (network only), 720p-png (from file to file) or a dataset; default: all of "
            "these. Also 180p, 360p, 1080p, 2160p, and sizes for all five."
        ),
    ] = None,
    missing: Annotated[
        bool, typer.Option("--missing", help="Time only what this machine's file doesn't have yet.")
    ] = False,
    results: Annotated[
        Path | None, typer.Option(help="Folder of results; default: benchmarks/results.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Time inference of runs, each setting in its own process: benchmarks/results/<machine>.json.

    It can be stopped at any moment: finished rows are kept, and --missing continues. Options can be
    given several times.
    """
    from sr_bench.timing.fingerprint import fingerprint
    from sr_bench.timing.plan import Selection, make_plan
    from sr_bench.timing.results import Results, results_folder
    from sr_bench.timing.session import Session

    # An exception, unlike the default, also ends the process that is timing.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    project = require_project()
    selection = Selection(*(tuple(names or ()) for names in (runs, device, precision, input)))
    plan = make_plan(project, selection)
    held, path = Results.of(fingerprint(), results or results_folder(project))
    session = Session(project.root, held, path, plan.weights)
    settings = session.missing(plan.settings) if missing else plan.settings
    rows, failed = _time(session, settings, quiet=json)
    failures = plan.failed | {str(setting): why for setting, why in failed.items()}
    if json:
        facts = [row.model_dump(exclude={"times_s", "pixels"}) for row in rows]
        print_json({"file": str(path), "rows": facts, "failed": failures})
    else:
        console.print(f"{len(rows)} of {len(settings)} settings timed: {path}", highlight=False)
    if failures:
        listed = "\n".join(failures.values())
        raise SrBenchError(f"{len(failures)} could not be timed, all else was:\n{listed}")


def _time(
    session: Session, settings: list[Setting], *, quiet: bool
) -> tuple[list[TimingRow], dict[Setting, str]]:
    rows: list[TimingRow] = []
    with count_progress("time", len(settings)) as advance:

        def show(setting: Setting, said: TimingRow | str) -> None:
            advance(1)
            if not isinstance(said, str):
                rows.append(said)
            if not quiet:
                text = said if isinstance(said, str) else _line(said)
                console.print(f"{setting}: {text}", highlight=False)

        failed = session.time(settings, show)
    return rows, failed


def _line(row: TimingRow) -> str:
    share = f", {row.of_matrix_rate:.0%} of matrix rate" if row.of_matrix_rate else ""
    psnr = "" if row.psnr is None else f", {row.psnr:.3f} dB"
    unknown = "".join(f"; {name} not known: {why}" for name, why in row.not_known.items())
    return (
        f"median {row.median_s * 1e3:.1f} ms, IQR {row.iqr_s * 1e3:.1f}, "
        f"{row.rounds} rounds, {row.peak_memory_mb:.0f} MB{share}{psnr}{unknown}"
    )
