"""``sr-bench upscale RUN``: the SR images of runs of a project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sr_bench.cli.executing import executing
from sr_bench.cli.show import console, count_progress, print_json
from sr_bench.project.lock import require_locked
from sr_bench.project.project import Project, require_project
from sr_bench.project.run_part import RunPart
from sr_bench.support.errors import SrBenchError, printable
from sr_bench.support.executors import Executor, ExecutorOptions
from sr_bench.support.notices import notice

if TYPE_CHECKING:
    from sr_bench.networks.device import Computing


@dataclass(frozen=True)
class RunsAsked:
    """What the command line says about runs.

    Args:
        names: of runs of ``params.yaml``; empty stands for all.
        part: which of their datasets and protocols.
        computing: where, and in what precision.
        executor: who computes.
    """

    names: Sequence[str]
    part: RunPart
    computing: Computing
    executor: ExecutorOptions


def upscale_runs(asked: RunsAsked, *, json: bool) -> None:
    """Make the SR images of each run; one that fails doesn't keep the others from theirs.

    Raises:
        SrBenchError: at the end, with the reason of each run that failed.
    """
    project = require_locked(require_project())
    runs = [project.run(name).name for name in asked.names or project.params.runs]
    facts, failed = [], []
    with executing(asked.executor) as executor:
        for name in runs:
            try:
                facts.append(_upscale_run(project, name, asked, executor))
            except SrBenchError as error:
                if len(runs) == 1:
                    raise
                failed.append(str(error))
                continue
            if not json:
                _print(facts[-1])
    if json:
        print_json(facts if len(runs) > 1 else facts[0])
    if failed:
        reasons = "".join(f"\n  {reason}" for reason in failed)
        raise SrBenchError(f"{len(failed)} of {len(runs)} runs failed:{reasons}")


def _upscale_run(
    project: Project, name: str, asked: RunsAsked, executor: Executor | None
) -> dict[str, object]:
    from sr_bench.evaluation.upscaling.upscale import upscale_run

    run, computing, part = project.run(name), asked.computing, asked.part
    total = project.images_of_work(part.of(project, run))
    with count_progress(f"upscale {name}", total) as advance:
        done = upscale_run(
            project, run, progress=advance, computing=computing, part=part, executor=executor
        )
    for folder in done.stale:
        what = f"is of other inputs; make it again before you score: sr-bench upscale {name}"
        notice(folder, what)
    return {
        "run": name,
        "folders": [str(f) for f in done.folders],
        "upscaled": {name: count for name, count in done.made.items() if count},
        "kept": sum(done.kept.values()),
        **computed(computing),
    }


def computed(computing: Computing) -> dict[str, str]:
    """Where and in what precision something was computed, for ``--json``."""
    return {"device": computing.device.type, "precision": computing.precision, **computing.facts}


def _print(facts: Mapping[str, object]) -> None:
    made = facts["upscaled"]
    assert isinstance(made, dict)
    parts = ", ".join(f"{count} of {name}" for name, count in made.items())
    done = f"upscaled {sum(made.values())} images ({parts})" if made else "nothing to upscale"
    text = f"{facts['run']}: {done}; {facts['kept']} images were there"
    console.print(printable(text, lines=True), highlight=False)
