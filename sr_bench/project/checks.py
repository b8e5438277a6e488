"""What the entries of ``params.yaml`` may not say of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sr_bench.data.catalogue.entries import WHERE
from sr_bench.project.entries import FigureEntry, Run
from sr_bench.project.params import PARAMS
from sr_bench.support.errors import WrongUse, unknown

if TYPE_CHECKING:
    from sr_bench.project.project import Project


def require_consistent(project: Project) -> None:
    """Refuse runs and figures that name what no other entry has.

    Raises:
        WrongUse: naming the entry and what it could be.
    """
    for name, run in project.params.runs.items():
        for protocol in run.protocols:
            if protocol not in project.params.protocols:
                where = f"{project.root / PARAMS}: runs.{name}"
                known = map(str, project.params.protocols)
                raise unknown("protocol", protocol.name, known, where=where)
        _require_origin(project, run)
    for name, figure in project.params.figures.items():
        where = f"{project.root / PARAMS}: figures.{name}"
        for run_name in figure.runs:
            if run_name not in project.params.runs:
                raise unknown("run", run_name, project.params.runs, where=where)
        require_scored(project, figure, where=where)


def require_scored(project: Project, figure: FigureEntry, *, where: str) -> None:
    """Refuse a figure that shows a run as nothing scores it.

    Raises:
        WrongUse: naming the run, what it is scored on, and the remedy.
    """
    datasets = project.params.protocols.get(figure.protocol, ())
    for name in figure.runs:
        run = project.run(name)
        under = ", ".join(map(str, run.protocols))
        if run.scale != figure.scale:
            raise WrongUse(
                f"{where}: run {name} is of scale {run.scale}, the figure is of scale "
                f"{figure.scale}; name runs of one scale"
            )
        if figure.protocol not in run.protocols:
            raise WrongUse(
                f"{where}: {name} is not scored under {figure.protocol}, but under "
                f"{under}; name one of these, or add it to the run in "
                f"{PARAMS} and run: dvc repro score@{name}"
            )
        if figure.dataset not in datasets:
            raise WrongUse(
                f"{where}: {figure.dataset} is not among the datasets of {figure.protocol} "
                f"({', '.join(datasets) or 'none'}); show an image of one of these, or add it "
                f"to {PARAMS}: protocols.{figure.protocol} and run: dvc repro"
            )


def _require_origin(project: Project, run: Run) -> None:
    if run.origin is None:
        return
    training = project.training_of(run)
    origin = WHERE if training is None else project.origin(training)
    if run.origin != origin:
        raise WrongUse(
            f"{project.root / PARAMS}: runs.{run.name}: origin is '{run.origin}', but weights "
            f"'{run.weights}' come from {origin}; correct one of them"
        )
