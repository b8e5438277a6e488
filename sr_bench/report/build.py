"""What a report holds, gathered from the project's scores, ledger, timings and trainings."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial

import pandas as pd

from sr_bench.analysis.learning_curve import promise_of, read_log
from sr_bench.analysis.ledger.ledger import (
    REPRODUCTION,
    TRAINED,
    Context,
    compare_trained,
    judge,
    read_ledgers,
)
from sr_bench.analysis.ledger.published_costs import PublishedCost, published_costs
from sr_bench.analysis.submissions.listed import submitted
from sr_bench.evaluation.scoring.record import require_unchanged
from sr_bench.evaluation.scoring.table import cells, read_run
from sr_bench.networks.checkpoint import load
from sr_bench.project.project import Project
from sr_bench.report.names import Names
from sr_bench.report.timings import NETWORKS, networks, speedups, timings
from sr_bench.support.errors import SrBenchError

# Under which the README's tables and the plots show results, where a project scores them.
HEADLINE_PROTOCOLS = ("srcnn-2015", "edsr-2017")
TRAININGS = [
    "training", "data", "images", "recipe", "step", "steps", "minutes", "machine", "precision",
    "start", "val_psnr", "method", "variant", "scales", "tag", "gain_of_twice_db", "fit_error_db",
]  # fmt: skip


@dataclass(frozen=True)
class Report:
    """The tables of a report."""

    per_image: pd.DataFrame  # one row an image and cell
    cells: pd.DataFrame  # the rows of `scores.csv`
    reproduction: pd.DataFrame  # every published number with what was measured
    trained: pd.DataFrame  # what weights trained here reach, and the published numbers they aim at
    trainings: pd.DataFrame  # how those weights were made
    timings: pd.DataFrame  # every machine's timings of inference
    speedups: pd.DataFrame  # what they gain over a plain call of PyTorch
    not_run: dict[str, str]  # run to the reason why it has no scores
    names: Names = field(default_factory=Names)  # what its methods and weights are called
    submitted: pd.DataFrame = field(default_factory=pd.DataFrame)  # what others measured
    # what each run's network costs, and what was published of that
    networks: pd.DataFrame = field(default_factory=partial(pd.DataFrame, columns=NETWORKS))
    published_costs: tuple[PublishedCost, ...] = ()


def build_report(project: Project, without: Collection[str] = ()) -> Report:
    """Gather all scores of the project's runs and judge the ledger.

    Args:
        project: the project folder.
        without: runs whose scores, if there are any, are out of date.

    Raises:
        SrBenchError: if scores with different signatures meet in one table, or a file is damaged.
    """
    parts, not_run, missing = [], {}, project.missing_files()
    for run in project.params.runs:
        path = project.scores(run)
        if path.is_file() and run not in without:
            require_unchanged(project, run)
            parts.append(read_run(path, project.catalogue.protocols))
        else:
            said = f"{path.relative_to(project.root)} is missing: dvc repro score@{run}"
            not_run[run] = missing.get(run, said)
    if not parts:
        raise SrBenchError(f"{project.root / 'build' / 'scores'}: no scores; run: dvc repro")
    per_image = pd.concat(parts, ignore_index=True)
    means = cells(per_image)
    return Report(
        per_image,
        means,
        *_against_ledger(project, means),
        trainings(project),
        timings(project),
        speedups(project),
        not_run,
        Names.of(project),
        submitted(project.root / "submissions"),
        networks(project, means["run"].unique()),
        published_costs(project.ledgers),
    )


def _against_ledger(project: Project, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The verdict on each published number, and what weights trained here reach of it."""
    if not project.ledgers:
        return pd.DataFrame(columns=REPRODUCTION), pd.DataFrame(columns=TRAINED)
    ledger = read_ledgers(project.ledgers, project.catalogue)
    judged = judge(ledger, table, Context.of(project))
    return judged, compare_trained(ledger, table, project.catalogue)


def trainings(project: Project) -> pd.DataFrame:
    """How weights trained here were made: a row for each of ``params.yaml`` that has weights.

    ``images`` are those trained on, without the held-out ones, of which ``val_psnr`` is the PSNR in
    dB (on Y, a mean over the scales); ``step`` of ``steps`` says how far it got. What twice the
    time would bring is of a fit (:func:`~sr_bench.analysis.learning_curve.promise`).
    """
    made = [name for name in project.trainings if project.trained(name).is_file()]
    return pd.DataFrame([_training(project, name) for name in made], columns=TRAININGS)


def _training(project: Project, name: str) -> dict[str, object]:
    facts, entry = load(project.trained(name))[1], project.training(name)
    scores = [value for key, value in facts["last"].items() if key.startswith("val/psnr")]
    same = {key: facts[key] for key in ("data", "step", "minutes", "machine", "precision")}
    log = project.training_log(name)
    fit = promise_of(read_log(log)) if log.is_dir() else None
    return same | {
        "training": name,
        "images": max(facts["images"].values()),
        "recipe": entry.recipe,
        "steps": facts["recipe"]["steps"],
        "start": " ".join(entry.starts),
        "val_psnr": round(sum(scores) / len(scores), 3) if scores else None,
        "method": entry.method,
        "variant": entry.variant,
        "scales": " ".join(map(str, entry.scales)),
        "tag": entry.tag or "",
        "gain_of_twice_db": None if fit is None else round(fit.gain_of_twice(facts["minutes"]), 4),
        "fit_error_db": None if fit is None else round(fit.error, 4),
    }
