"""``sr-bench all``: everything that a project names, as far as its files can be had."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from sr_bench.cli.show import DeviceOption, JsonFlag, console, print_done
from sr_bench.project.lock import require_locked
from sr_bench.project.project import require_project
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import sweep

if TYPE_CHECKING:
    from sr_bench.evaluation.everything import Outcome


def everything(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN]...",
            help="Only these runs of params.yaml, in this order; default: all.",
            show_default=False,
        ),
    ] = None,
    minutes: Annotated[
        float,
        typer.Option(
            help="Begin no run after this time; the same command goes on.",
            min=0,
            show_default=False,
        ),
    ] = math.inf,
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="Make also the runs whose scores in reports/ hold here.",
        ),
    ] = False,
    device: DeviceOption = None,
    json: JsonFlag = False,
) -> None:
    """Fetch, upscale, score and report all of params.yaml; go on where a file can't be had.

    What is made is not made again. A clone has the scores in reports/ alone: they are kept as long
    as all that decides them is the same. Files that can't be had are named at the end, with their
    addresses, and the exit status is 1; when they are there, the same command makes what needs
    them.
    """
    from sr_bench.evaluation.everything import make_everything
    from sr_bench.networks.device import Computing, choose_device, in_precision
    from sr_bench.report.build import build_report
    from sr_bench.report.provenance.held import take_held
    from sr_bench.report.write import write_report

    project = require_locked(require_project())
    computing = Computing(choose_device(device), "float32")
    in_precision(*computing)

    def say(line: str) -> None:
        if not json:
            console.print(line, highlight=False, markup=False)

    def held() -> list[str]:
        return [] if again else take_held(project, say)

    outcome = make_everything(
        project, runs or (), say=say, computing=computing, minutes=minutes, held=held
    )
    current = {*outcome.made, *outcome.kept}
    with project.writing(str(project.reports), "report"):
        sweep(project.reports)
        report = build_report(project, without=set(project.params.runs) - current)
        write_report(project, report)
    facts = {
        "report": str(project.reports / "README.md"),
        "verdicts": report.reproduction["verdict"].value_counts().to_dict(),
        **asdict(outcome),
    }
    counts = ", ".join(f"{n} {verdict}" for verdict, n in facts["verdicts"].items())
    made = f"{len(outcome.made)} runs made, {len(outcome.kept)} kept"
    if outcome.left:
        made += f", {len(outcome.left)} left: sr-bench all goes on"
    print_done(f"{made}; published numbers: {counts or 'none'}", facts, json=json)
    _require_whole(outcome)


def _require_whole(outcome: Outcome) -> None:
    lines = [f"not run: {what}: {file}" for what, file in outcome.missing.items()]
    lines += [f"failed: {what}: {error}" for what, error in outcome.failed.items()]
    if lines:
        listed = "\n".join(lines)
        raise SrBenchError(
            f"everything else is made, but\n{listed}\nPut these files where SR_BENCH_MIRROR "
            "finds them, at <host>/<path> (docs/offline.md), and run: sr-bench all"
        )
