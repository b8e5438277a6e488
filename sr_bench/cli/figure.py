"""``sr-bench figure``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from sr_bench.cli.show import JsonFlag, print_done
from sr_bench.project.project import Project, require_project
from sr_bench.support.errors import WrongUse, unknown

if TYPE_CHECKING:
    from sr_bench.project.entries import FigureEntry


def figure(
    image: Annotated[
        str,
        typer.Argument(
            help="<dataset>/<image>, such as Set5/butterfly; or a figure of params.yaml."
        ),
    ],
    run: Annotated[
        list[str] | None, typer.Option(help="Run of params.yaml; can be given several times.")
    ] = None,
    box: Annotated[
        str | None,
        typer.Option(
            help="Part to enlarge: x,y,w,h in pixels; default: where the runs differ most."
        ),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="Protocol of the SR images and scores; default: the first that all runs share."
        ),
    ] = None,
    errors: Annotated[
        bool, typer.Option("--errors", help="Also show the error of each run.")
    ] = False,
    no_caption: Annotated[
        bool, typer.Option("--no-caption", help="Leave the caption out of the picture.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder; default: reports/figures if the licence allows it, else build/figures."
        ),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Draw HR with a marked box and each run's SR of that box, enlarged: SVG, PDF and PNG.

    PSNR and SSIM below each are of the whole image, as in reports/per_image.csv.gz.
    """
    from sr_bench.report.figures.all_figures import COMPARE, write_comparison
    from sr_bench.report.figures.panels import PAGE, PLAIN
    from sr_bench.report.provenance.records import collect

    project = require_project()
    if "/" in image:
        name, entry = _named(project, image, tuple(run or ()), protocol, box, errors)
    elif run or box or protocol or errors:
        raise WrongUse(f"{image} is a figure of params.yaml, which says all but --out; leave it")
    else:
        name, entry = f"{COMPARE}-{image}", _of_params(project, image)
    form = PLAIN if no_caption else PAGE
    made = write_comparison(project, name, entry, out, collect(project).identify, form)
    caption = next(iter(made.captions.values()))
    licence = project.source(entry.dataset).licence
    facts = {"files": [str(f) for f in made.files], "caption": caption, "licence": licence}
    lines = [caption, *(str(file) for file in made.files)]
    print_done("\n".join([*lines, f"{entry.dataset}: {licence}"]), facts, json=json)


def _named(
    project: Project,
    image: str,
    runs: tuple[str, ...],
    protocol: str | None,
    box: str | None,
    errors: bool,
) -> tuple[str, FigureEntry]:
    """The entry that the options describe, and a name for its files."""
    from sr_bench.project.entries import FigureEntry, parse_box

    if not runs:
        raise WrongUse("figure needs --run RUN, once for each run to show: sr-bench list runs")
    content = {
        "image": image,
        "scale": project.run(runs[0]).scale,
        "protocol": protocol or _shared(project, image, runs),
        "runs": runs,
        "box": None if box is None else parse_box(box),
        "errors": errors,
    }
    try:
        entry = FigureEntry.model_validate(content)
    except ValidationError as error:
        said = "; ".join(detail["msg"].removeprefix("Value error, ") for detail in error.errors())
        raise WrongUse(f"figure {image}: {said}") from error
    return f"{entry.dataset}-{entry.name}-x{entry.scale}-{entry.protocol}", entry


def _shared(project: Project, image: str, runs: tuple[str, ...]) -> str:
    """The first protocol that all runs are scored under on the image's dataset."""
    dataset = image.partition("/")[0]
    for protocol, datasets in project.params.protocols.items():
        if dataset in datasets and all(protocol in project.run(run).protocols for run in runs):
            return protocol.name
    raise WrongUse(
        f"no protocol scores all of {', '.join(runs)} on {dataset}; see params.yaml: protocols"
    )


def _of_params(project: Project, name: str) -> FigureEntry:
    if name not in project.params.figures:
        where = "params.yaml: figures (an image is <dataset>/<image>)"
        raise unknown("figure", name, project.params.figures, where=where)
    return project.params.figures[name]
