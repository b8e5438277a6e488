"""``sr-bench submit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sr_bench.cli.show import (
    JsonFlag,
    MaybeScaleOption,
    console,
    late_bytes_progress,
    print_done,
    print_json,
    print_table,
)
from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.data.datasets.manifest import Dataset
from sr_bench.project.here import catalogue_here
from sr_bench.support.errors import SrBenchError, WrongUse, printable

Several = list[str] | None


def submit(
    bundle: Annotated[
        Path | None, typer.Argument(help="Folder or .zip to write; with --check, to read.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Score again what a bundle attaches, and compare.")
    ] = False,
    sr: Annotated[
        Several,
        typer.Option(
            help="SR images of a whole dataset: DATASET=FOLDER, or a folder called like the "
            "dataset. Can be given several times."
        ),
    ] = None,
    scale: MaybeScaleOption = None,
    protocol: Annotated[Several, typer.Option(help="Protocol; default: edsr-2017.")] = None,
    model: Annotated[str, typer.Option(help="What the model is called.")] = "",
    by: Annotated[str, typer.Option(help="Who submits.")] = "",
    trained_on: Annotated[str, typer.Option(help="What it was trained on.")] = "",
    weights: Annotated[Path | None, typer.Option(help="Its weights: their hash is noted.")] = None,
    paper: Annotated[str, typer.Option(help="https address of the paper.")] = "",
    code: Annotated[str, typer.Option(help="https address of the code.")] = "",
    note: Annotated[str, typer.Option(help="What else there is to know.")] = "",
    attach: Annotated[
        bool, typer.Option("--attach/--no-attach", help="Attach the SR images, to be verified.")
    ] = True,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema.")] = False,
    json: JsonFlag = False,
) -> None:
    """Write results as a bundle that others can check; or check one (docs/submit.md).

    A bundle has the values of each image, the hash of each SR file, the protocol's signature and
    the environment. --check takes nothing in it for true: exit status 1 if anything differs.
    """
    if schema:
        from sr_bench.analysis.submissions.schema import Submission

        print_json(Submission.model_json_schema())
    elif bundle is None:
        raise WrongUse("submit needs the bundle's folder or zip file")
    elif check:
        _check(bundle, sr or [], json=json)
    else:
        told = {"model": model, "by": by, "trained_on": trained_on, "paper": paper, "code": code}
        facts = told | {"note": note, "weights_sha256": _digest(weights)}
        _write(bundle, _Asked(facts, sr or [], scale, protocol or ["edsr-2017"], attach), json=json)


class _Asked:
    """What is submitted.

    Args:
        facts: what people tell.
        sr: folders of SR images.
        scale: theirs.
        protocols: names.
        attach: whether the images go with it.
    """

    def __init__(
        self, facts: dict[str, Any], sr: list[str], scale: int | None, protocols: list[str],
        attach: bool,
    ) -> None:  # fmt: skip
        if not sr or scale is None:
            raise WrongUse("submit needs --sr DATASET=FOLDER and --scale; or --check")
        self.facts, self.sr, self.scale = facts, sr, scale
        self.protocols, self.attach = list(dict.fromkeys(protocols)), attach


def _digest(weights: Path | None) -> str | None:
    from sr_bench.support.files import sha256

    if weights is not None and not weights.is_file():
        raise WrongUse(f"--weights {weights}: no such file")
    return None if weights is None else sha256(weights)


def _write(bundle: Path, asked: _Asked, *, json: bool) -> None:
    from sr_bench.analysis.submissions.bundle import write_bundle
    from sr_bench.analysis.submissions.make import Scoring, make
    from sr_bench.analysis.submissions.scored import SrFolder

    known = catalogue_here()
    protocols = [known.protocols.find(name) for name in asked.protocols]
    folders = [SrFolder.parse(text) for text in asked.sr]
    scoring = Scoring(protocols, asked.scale, lambda name: _opened(name, known))
    made, attached = make(asked.facts, folders, scoring)
    write_bundle(bundle, made, attached if asked.attach else {})
    count = sum(len(result.images) for result in made.results)
    line = f"{bundle}: {len(made.results)} results, {count} values of images"
    print_done(line, made.model_dump(mode="json"), json=json)


def _check(path: Path, sr: list[str], *, json: bool) -> None:
    from sr_bench.analysis.submissions.bundle import open_bundle
    from sr_bench.analysis.submissions.check import Against, check
    from sr_bench.analysis.submissions.scored import SrFolder

    known = catalogue_here()
    folders = tuple(SrFolder.parse(text) for text in sr)
    against = Against(known, lambda name: _opened(name, known), folders)
    with open_bundle(path) as bundle:
        said, found = bundle.submission, check(bundle, against)
    rows = [
        {
            "dataset": c.result.dataset,
            "protocol": c.result.protocol,
            "scale": c.result.scale,
            "images": len(c.result.images),
            "scored again": c.scored,
            "status": c.status,
        }
        for c in found
    ]
    faults = [f"{c.result.dataset} ({c.result.protocol}): {f}" for c in found for f in c.faults]
    if json:
        print_json({"model": said.model, "by": said.by, "results": rows, "faults": faults})
    else:
        print_table(printable(said.model), list(rows[0]), [list(row.values()) for row in rows])
        console.print(f"submitted by {printable(said.by)}", highlight=False)
    if faults:
        listed = "\n  ".join(map(printable, faults[:50]))
        raise SrBenchError(f"{path}: {len(faults)} things differ:\n  {listed}")


def _opened(name: str, known: Catalogue) -> Dataset:
    from sr_bench.data.datasets.cache import open_source

    with late_bytes_progress("fetch") as advance:
        return open_source(known.sources.find(name), progress=advance)
