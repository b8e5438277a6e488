"""``sr-bench train``."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from sr_bench.cli.show import DeviceOption, JsonFlag, console, position_progress, print_done
from sr_bench.project.lock import require_locked
from sr_bench.project.project import require_project

if TYPE_CHECKING:
    from sr_bench.training.run import Progress


def train(
    name: Annotated[
        str, typer.Argument(help="Entry of train, train_warm or train_joined in params.yaml.")
    ],
    minutes: Annotated[
        float | None,
        typer.Option(help="Stop after this time; the same command continues.", min=0),
    ] = None,
    device: DeviceOption = None,
    json: JsonFlag = False,
) -> None:
    """Train weights: methods/weights/<name>.safetensors, and the record in methods/logs/<name>/.

    It can be stopped at any moment: the same command continues from the checkpoint under
    methods/checkpoints/ and ends with the same weights. torchrun starts several processes:
    torchrun --no-python --nproc-per-node 2 sr-bench train NAME
    """
    import dvclive  # noqa: F401  # before the bar: it wraps stdout, and at the end resets its colour

    from sr_bench.training.job import Job
    from sr_bench.training.run import train

    project = require_locked(require_project())
    steps = Job.find(project, name).recipe.steps
    shown: int | None = None  # rows printed; those of an earlier sitting count as printed
    with position_progress(f"train {name}", steps) as move:

        def report(progress: Progress) -> None:
            nonlocal shown
            move(progress.step, _standing(progress, steps))
            if not json:
                for row in progress.rows[progress.before if shown is None else shown :]:
                    console.print(_line(row, steps), highlight=False)
            shown = len(progress.rows)

        done = train(project, name, minutes=minutes, report=report, device=device)
    if os.environ.get("RANK", "0") != "0":
        return  # the first of several processes speaks for all
    state = "done" if done.step == steps else f"stopped at step {done.step} of {steps}"
    words = f"{name}: {state}, {done.minutes:.1f} min"
    if done.step < steps:
        words += f"; go on with: sr-bench train {name}"
    facts = {"training": name, "step": done.step, "steps": steps, "minutes": done.minutes}
    print_done(words, facts | {"last": done.last}, json=json)


def _standing(progress: Progress, steps: int) -> str:
    """The newest loss, the speed of this sitting, and the time that the rest will take."""
    said = [f"loss {progress.loss:.4g}"]
    if progress.rate:
        left = round((steps - progress.step) / progress.rate)
        said += [f"{progress.rate:.3g} steps/s", f"{timedelta(seconds=left)} left"]
    return ", ".join(said)


def _line(row: dict[str, float], steps: int) -> str:
    values = [f"{k.rpartition('/')[2]} {v:.5g}" for k, v in row.items() if k != "step"]
    return f"step {row['step']:.0f} of {steps}: {', '.join(values)}"
