"""Scoring a run of the project: its upscaled images against hr, under its protocols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd

from sr_bench.data.datasets.manifest import Dataset
from sr_bench.evaluation.scoring.record import write_record
from sr_bench.evaluation.scoring.score import read_pair, score_images
from sr_bench.evaluation.scoring.table import DECIMALS, IMAGE_COLUMNS, write_table
from sr_bench.imaging import images
from sr_bench.project.entries import Run
from sr_bench.project.project import Project, Work
from sr_bench.project.run_part import RunPart
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import sweep


def score_run(project: Project, run: Run) -> pd.DataFrame:
    """Write ``build/scores/<run>.csv``: one row per image x protocol x metric.

    Nothing is written unless every image of every dataset has its scores. Beside the table lies
    ``<run>.json``, the record of what was scored.

    Raises:
        SrBenchError: naming every upscaled image that is missing, can't be read or doesn't fit its
            hr; or if another process is upscaling or scoring the run.
    """
    with project.writing(f"run {run.name}", f"run-{run.name}"):
        path = project.scores(run.name)
        sweep(path)
        work = project.require_work(run)
        opened = {name: project.dataset(name) for name in project.datasets(run)}
        table = _scored(run, work, opened)
        write_record(path, run, write_table(path, table), work, opened)
    return table


def score_part(project: Project, run: Run, part: RunPart) -> pd.DataFrame:
    """The rows of a part of the run; ``build/scores/<run>.csv``, which is of all, stays as it is.

    Raises:
        WrongUse: for a dataset or a protocol that the run isn't scored on.
        SrBenchError: as :func:`score_run`.
    """
    with project.writing(f"run {run.name}", f"run-{run.name}"):
        work = part.of(project, run)
        return _scored(run, work, {one.dataset: project.dataset(one.dataset) for one in work})


def _scored(run: Run, work: Sequence[Work], opened: Mapping[str, Dataset]) -> pd.DataFrame:
    parts, problems = [], []
    for part in work:
        try:
            rows = _score_part(opened[part.dataset], part, run)
        except SrBenchError as error:
            problems.append(f"{part.dataset}, {part.degradation.name}: {error}")
            continue
        parts.append(rows.assign(dataset=part.dataset))
    if problems:
        raise SrBenchError("\n".join(problems))
    table = pd.concat(parts, ignore_index=True).assign(
        run=run.name, method=run.method, variant=run.variant, weights=run.weights, scale=run.scale
    )[IMAGE_COLUMNS]
    table["value"] = table["value"].round(DECIMALS)
    return table


def _score_part(dataset: Dataset, part: Work, run: Run) -> pd.DataFrame:
    folder = part.sr
    expected = {f"{e.stem}.png" for e in dataset}
    present = {p.name for p in folder.glob("*.png") if images.is_image(p)}
    if expected != present:
        missing, extra = sorted(expected - present), sorted(present - expected)
        raise SrBenchError(
            f"{folder}: has {len(present)} images, {dataset.name} has {len(expected)} "
            f"(missing: {_named(missing)}; not of the set: {_named(extra)}); "
            f"run: sr-bench upscale {run.name}"
        )
    jobs = [
        (e.stem, partial(read_pair, folder / f"{e.stem}.png", dataset.folder / e.name))
        for e in dataset
    ]
    return score_images(jobs, part.protocols, scale=run.scale)


def _named(names: list[str]) -> str:
    return ", ".join(names) or "none"
