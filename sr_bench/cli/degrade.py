"""``sr-bench degrade``: LR images as a protocol makes them; needs no project."""

from __future__ import annotations

from collections.abc import Sequence
from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer

from sr_bench.cli.executing import (
    ExecutorOption,
    SchedulerOption,
    WorkersOption,
    executing,
    executor_options,
)
from sr_bench.cli.hr import HR_HELP, hr_folder
from sr_bench.cli.show import (
    JsonFlag,
    ScaleOption,
    Skipped,
    count_progress,
    failures,
    print_done,
)
from sr_bench.evaluation.degrading import LrRule, degrade_files
from sr_bench.imaging import images
from sr_bench.imaging.degrade import Degradation
from sr_bench.project.here import catalogue_here
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.support.files import write_text
from sr_bench.support.parallel import all_named

ProtocolName = Annotated[str, typer.Option(help="Protocol; see: sr-bench list protocols.")]


def degrade(
    hr: Annotated[Path, typer.Option(help=HR_HELP)],
    out: Annotated[Path, typer.Option(help="Folder for the LR images; created if missing.")],
    scale: ScaleOption,
    protocol: ProtocolName,
    executor: ExecutorOption = "local",
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    json: JsonFlag = False,
) -> None:
    """Make LR images from HR images, as a protocol does.

    8-bit LR is written as PNG. LR of a protocol that doesn't round it (srcnn-2015) is written as
    .npy: float64, 0..255, planes Y, Cb, Cr. A protocol that draws for each image (second-order-v1)
    writes its draws to manifest.json beside LR.
    """
    elsewhere = executor_options(executor, workers, scheduler)
    rule = catalogue_here().protocols.find(protocol).degradation
    skipped = Skipped()
    hr = hr_folder(hr)
    paths = images.listing(hr, skip=skipped)
    if out.resolve() == hr.resolve():
        raise WrongUse(f"{out}: is the HR folder too; LR images would replace HR: name another")

    title = f"degrade x{scale}"
    with executing(elsewhere) as pool, count_progress(title, len(paths)) as advance:
        found = degrade_files(paths, LrRule(rule, scale, out), progress=advance, executor=pool)
    made = [fact for _, fact in found.done]
    if rule.draws and made:
        _write_manifest(out, rule, scale, made)
    facts = {
        "protocol": protocol,
        "degradation": str(rule),
        "images": made,
        "failed": failures(found.failed),
        "skipped": skipped.facts,
    }
    count = f"{len(made)} of {len(paths)}" if found.failed else f"{len(made)}"
    if made:
        line = f"{count} images by {protocol} ({rule}) x{scale} in {out}"
        print_done(line, facts, json=json)
    if found.failed:
        raise SrBenchError(all_named(found.failed, len(paths), "degraded"))


def _write_manifest(
    out: Path, rule: Degradation, scale: int, made: Sequence[dict[str, Any]]
) -> None:
    """``manifest.json``: of each image every draw and the hash of lr; the same bytes everywhere."""
    entries = {Path(fact["hr"]).stem: fact["manifest"] for fact in made}
    listed = {"degradation": str(rule), "scale": scale, "images": dict(sorted(entries.items()))}
    write_text(out / "manifest.json", dumps(listed, indent=1) + "\n")
