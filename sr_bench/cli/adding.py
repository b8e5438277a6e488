"""``sr-bench add``: a dataset, weights, a method or a published number for this project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sr_bench.cli.show import JsonFlag, bytes_progress, print_done
from sr_bench.project.project import require_project
from sr_bench.support.errors import WrongUse
from sr_bench.support.files import write_text

app = typer.Typer(
    help="Add a dataset, weights, a method or a published number to this project; comments stay.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def dataset(
    name: Annotated[str, typer.Argument(help="One of sr-bench list sources, or a new name.")],
    folder: Annotated[
        Path | None, typer.Argument(help="The folder of your own images, for a new name.")
    ] = None,
    protocol: Annotated[
        list[str] | None, typer.Option(help="Score it under this protocol; default: under all.")
    ] = None,
    redistributable: Annotated[
        bool, typer.Option("--redistributable", help="A report may show your images to everybody.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Add a dataset to params.yaml: to be fetched, or a folder of your own.

    Then: dvc repro. It upscales and scores what is new, and nothing that is there.
    """
    from sr_bench.project.edits import add_dataset, add_folder, edit_params

    project = require_project()
    if folder is None:
        project.catalogue.sources.require(name)
        edit_params(project.root, lambda content: add_dataset(content, name, protocol or ()))
    else:
        facts = _folder_facts(project.root, folder, protocol, redistributable)
        edit_params(project.root, lambda content: add_folder(content, name, facts))
    told = {"dataset": name, "folder": None if folder is None else str(folder)}
    print_done(f"params.yaml: {name}; next: dvc repro", told, json=json)


def _folder_facts(
    root: Path, folder: Path, protocols: list[str] | None, redistributable: bool
) -> dict[str, Any]:
    if not (root / folder).is_dir():
        raise WrongUse(f"{folder}: no such folder; name the one that holds the images")
    facts: dict[str, Any] = {"folder": folder.as_posix()}
    if redistributable:
        facts["redistributable"] = True
    return facts | {"protocols": protocols or []}


@app.command()
def weights(
    address: Annotated[str, typer.Argument(metavar="URL|FILE", help="The file of the weights.")],
    name: Annotated[
        str | None, typer.Option(help="What to call them; default: the file's name.")
    ] = None,
    licence: Annotated[str, typer.Option(help="Their licence.")] = "not stated",
    trained_on: Annotated[str | None, typer.Option(help="The training set.")] = None,
    by: Annotated[str | None, typer.Option(help="Who trained them.")] = None,
    json: JsonFlag = False,
) -> None:
    """Download weights and add them to catalogue/sources.yaml with their size and sha256.

    A method file names them in `published`; the line to put there is printed.
    """
    from sr_bench.data.datasets.single import fetch_unpinned
    from sr_bench.project.edits import add_source

    project = require_project()
    file = fetch_name(address)
    group = name or Path(file).stem
    folder = f"weights/{group}"
    with bytes_progress(file, 0) as advance:
        got = fetch_unpinned(address, project.data / folder / file, progress=advance)
    facts = {"trained_on": trained_on, "by": by}
    entry: dict[str, Any] = {
        "kind": "weights",
        "title": group,
        "licence": licence,
        **{key: value for key, value in facts.items() if value},
        "folder": folder,
        "urls": {file: got.address},
        "files": {file: f"{got.size} {got.sha256}"},
    }
    path = add_source(project.root, group, entry)
    line = f'published={{("VARIANT", "author", SCALE): Published("{group}", "{file}")}}'
    told = f"{path.relative_to(project.root)}: {group}, {got.size} bytes, sha256 {got.sha256}"
    said = f"{told}\nin the method's file: {line}"
    print_done(said, {"name": group, "file": file, **entry}, json=json)


def fetch_name(address: str) -> str:
    """The file's own name, from the end of an address."""
    name = address.split("?")[0].rstrip("/").rpartition("/")[2]
    if not name:
        raise WrongUse(f"'{address}' names no file; give the address of one")
    return name


@app.command()
def method(
    name: Annotated[str, typer.Argument(help="Its name: a word in small letters.")],
    scale: Annotated[
        list[int] | None, typer.Option(min=2, max=8, help="A run at this scale; default: 2.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Write methods/NAME.py, an example to start from, and a run of it in params.yaml."""
    from sr_bench.project.edits import add_runs, edit_params
    from sr_bench.project.start import example_method

    project = require_project()
    folder = project.own_methods
    path = folder / f"{name}.py"
    if path.exists():
        raise WrongUse(f"{path}: is there already, and add replaces nothing; name another method")
    text = example_method(name)
    made: list[str] = []
    edit_params(project.root, lambda c: made.extend(add_runs(c, name, scale or (2,))))
    write_text(path, text)
    file = path.relative_to(project.root).as_posix()
    then = f"next: sr-bench check-method {name}, then dvc repro"
    print_done(
        f"{file}; params.yaml: {', '.join(made)}; {then}", {"file": file, "runs": made}, json=json
    )


@app.command()
def published(
    source: Annotated[str, typer.Option(help="Where it is printed: lim2017edsr, an arXiv number.")],
    method: Annotated[str, typer.Option(help="The method, as its file calls it.")],
    dataset: Annotated[str, typer.Option(help="The dataset.")],
    scale: Annotated[int, typer.Option(min=2, max=8, help="Upscaling factor.")],
    metric: Annotated[str, typer.Option(help="psnr or ssim.")],
    value: Annotated[str, typer.Option(help="Exactly as printed: 32.10 has four digits.")],
    protocol: Annotated[str, typer.Option(help="How it was made.")],
    variant: Annotated[str, typer.Option(help="The variant, as the source calls it.")] = "",
    run: Annotated[
        str | None,
        typer.Option(
            help="The run without its scale that makes this number; default: the method's "
            "only one in params.yaml. '' where nobody published the weights."
        ),
    ] = None,
    where: Annotated[str, typer.Option(help="Where in the source: table 2.")] = "",
    note: Annotated[str, typer.Option(help="A remark, which the report shows.")] = "",
    json: JsonFlag = False,
) -> None:
    """Add a published number to the project's own ledger, published.csv."""
    from sr_bench.analysis.ledger.additions import add_published, only_family

    project = require_project()
    family = only_family(project, method) if run is None else run
    row = {
        **{"source": source, "method": method, "variant": variant, "dataset": dataset},
        **{"scale": str(scale), "metric": metric, "value": value, "protocol": protocol},
        **{"note": note, "run": family, "trained": "", "where": where},
    }
    path = add_published(project, row)
    told = f"{path.relative_to(project.root)}: {method} on {dataset} x{scale}, {metric} {value}"
    print_done(f"{told}, made by {family or 'no run'}; next: dvc repro", row, json=json)
