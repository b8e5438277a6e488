"""Scores in ``reports/`` that hold here: all that decides them is as it was when they were made.

A clone has ``reports/`` and no ``build/``. What took another machine hours is taken from there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from sr_bench.analysis.drift.snapshot import PER_IMAGE, PROVENANCE
from sr_bench.evaluation.scoring.record import record_of
from sr_bench.evaluation.scoring.table import IMAGE_COLUMNS, csv_text, listed, read_per_image
from sr_bench.project.dvc_lock import dvc_md5
from sr_bench.project.layout import COMPUTED
from sr_bench.project.project import Project
from sr_bench.project.run_weights import expected_note
from sr_bench.report.provenance.records import held_note, read_reported, recorded_now
from sr_bench.support.files import sha256, write_text

_WHAT = {
    "run": "its entry in params.yaml",
    "signatures": "its protocols",
    "code": "sr-bench's code between hr and the scores",
}


def take_held(project: Project, say: Callable[[str], None]) -> list[str]:
    """Write ``build/scores/<run>.csv`` of each run whose scores in ``reports/`` hold here.

    They hold if the run's record in ``provenance.json`` is what would be recorded now: its entry,
    method, protocols and weights, the hr of each dataset that is here, and the code. A dataset that
    isn't here is taken as it was, and so is the processor. SR images needn't be there. A run with
    scores of this machine is left alone. ``build/held.json`` notes which tables these are.

    Args:
        project: whose datasets are fetched as far as can be had.
        say: gets a line for each run whose scores in ``reports/`` don't hold, with the reason.

    Returns:
        The runs whose scores are those of ``reports/``.

    Raises:
        SrBenchError: if ``provenance.json`` or ``per_image.csv.gz`` is damaged.
    """
    reported, provenance = project.reports / PER_IMAGE, read_reported(project)
    if not (provenance and reported.is_file()):
        return []
    if sha256(reported) != provenance["files"].get(PER_IMAGE):
        say(f"{reported}: not the file that {PROVENANCE} is about: no scores are taken from it")
        return []
    records = provenance["records"]
    asked = [
        run
        for run in project.params.runs
        if f"runs/{run}" in records and not record_of(project.scores(run)).is_file()
    ]
    tables = _tables(reported) if asked else {}
    now = cache(dvc_md5)  # most runs share code and datasets
    held: dict[str, str] = {}
    for run in asked:
        if run not in tables:
            continue
        then = records[f"runs/{run}"]
        if reason := next(_changes(project, run, then, now), None):
            say(f"{run}: the scores in {project.reports.name}/ don't hold: {reason}")
        else:
            _write(project, run, then, csv_text(tables[run][IMAGE_COLUMNS]))
            held[run] = sha256(project.scores(run))
    write_text(held_note(project), json.dumps(held, indent=1) + "\n")
    return list(held)


def _tables(reported: Path) -> dict[str, pd.DataFrame]:
    return {str(run): rows for run, rows in read_per_image(reported).groupby("run", sort=False)}


def _changes(
    project: Project,
    run: str,
    then: Mapping[str, Any],
    now: Callable[[Path], str],
) -> Iterator[str]:
    """What is otherwise than when the scores were made."""
    today = json.loads(json.dumps(recorded_now(project, run, now)))
    for key, what in _WHAT.items():
        if then[key] != today[key]:
            yield f"{what} changed"
    if any(today["method"].get(path) != md5 for path, md5 in then["method"].items()):
        yield "its method's code changed"
    if set(then["data"]) != set(project.datasets(project.run(run))):
        yield "its datasets are others"
    others = [d for d, md5 in today["data"].items() if md5 != then["data"].get(d)]
    if others:
        yield f"{listed(others)} is here, and was not there or was another"
    if then["weights"] != expected_note(project, project.run(run)):
        yield "its weights are another file"


def _write(project: Project, run: str, then: Mapping[str, Any], text: str) -> None:
    write_text(project.scores(run), text)
    write_text(project.weights_note(run), json.dumps(then["weights"], indent=1) + "\n")
    if computed := then.get("computed"):
        write_text(project.sr_of(run) / COMPUTED, json.dumps(computed, indent=1) + "\n")
