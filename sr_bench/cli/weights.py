"""``sr-bench keys`` and ``sr-bench check-method``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sr_bench.cli.show import (
    JsonFlag,
    MaybeScaleOption,
    console,
    print_done,
    print_json,
    print_table,
)
from sr_bench.project.here import catalogue_here, method_folders_here
from sr_bench.support.errors import WrongUse
from sr_bench.support.scale import SCALES

if TYPE_CHECKING:
    from sr_bench.networks.key_table import KeyRow
    from sr_bench.networks.method import Method


def keys(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[METHOD VARIANT SCALE] FILE",
            help="A weights file. With a method or its file, a variant and a scale before it, such "
            "as edsr baseline 2: how its keys are renamed.",
        ),
    ],
    take: Annotated[
        str | None,
        typer.Option(help="Which network to list if FILE holds several: params, net_g, ..."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """List the tensors of a weights file, or show how a method renames them.

    FILE is a checkpoint, a safetensors or a .mat file; names, shapes and types are printed. With a
    method: each key beside the network's key, or why the file doesn't fit.
    """
    match words:
        case [file]:
            _list(Path(file), take, json=json)
        case [method, variant, scale, file] if _is_scale(scale):
            _map(method, variant, int(scale), Path(file), json=json)
        case _:
            raise WrongUse(
                "keys takes FILE, or METHOD VARIANT SCALE FILE with SCALE from 2 to 8; "
                f"it got {len(words)} words: {' '.join(words)}"
            )


def _is_scale(text: str) -> bool:
    return text.isdigit() and int(text) in SCALES


def _list(file: Path, take: str | None, *, json: bool) -> None:
    from sr_bench.networks.key_table import tensors_of

    rows = [
        {"key": k, "shape": tuple(v.shape), "type": str(v.dtype).removeprefix("torch.")}
        for k, v in tensors_of(file, take).items()
    ]
    if json:
        print_json(rows)
        return
    print_table(str(file), ["key", "shape", "type"], [list(row.values()) for row in rows])
    console.print(f"{len(rows)} tensors")


def _map(method: str, variant: str, scale: int, file: Path, *, json: bool) -> None:
    from sr_bench.data.catalogue.protocols import load_protocols
    from sr_bench.networks.key_table import key_table

    rule = load_protocols().degradations["rgb-matlab"]
    rows = key_table(_method(method)[1], variant, scale, file, rule)
    if json:
        print_json([asdict(row) for row in rows])
        return
    print_table(
        f"{file}: {method} {variant} x{scale}",
        ["key in the file", "key in the network", "shape", "values"],
        [[r.theirs or "-", r.ours or _NOWHERE, r.shape, _changed(r)] for r in rows],
    )
    console.print(_sentence(rows))


_NOWHERE = "left out"


def _changed(row: KeyRow) -> str:
    if row.divisor is None:
        return "not in the file as they are" if row.ours else "not in the network as they are"
    return "as they are" if row.divisor == 1 else f"divided by {row.divisor:g}"


def _sentence(rows: list[KeyRow]) -> str:
    known = sum(row.divisor is not None for row in rows)
    if known == len(rows):
        return f"{known} keys; none missing, none left over"
    theirs = sum(bool(row.theirs) for row in rows)
    return (
        f"{theirs} keys, of which the network has {known} with the same values; the method changes "
        "or leaves out the others"
    )


def _method(word: str) -> tuple[Path, Method]:
    """A method's file by its name in the project, or as it is named."""
    from sr_bench.networks.method_files import find_method_file, load_method

    path = Path(word)
    if path.suffix == ".py":
        return path, load_method(path)
    return find_method_file(word, method_folders_here())


def check_method(
    method: Annotated[
        str, typer.Argument(help="Method, e.g. mine, or its file, e.g. methods/mine.py.")
    ],
    weights: Annotated[Path | None, typer.Option(help="Check with this file of weights.")] = None,
    variant: Annotated[str | None, typer.Option(help="Check this variant alone.")] = None,
    scale: MaybeScaleOption = None,
    data: Annotated[Path, typer.Option(help="Folder of fetched weights.")] = Path("data"),
    json: JsonFlag = False,
) -> None:
    """Check a method file against the contract, for each of its variants, weights and scales.

    Weights are the file that --weights names, or those that are fetched. Where there are none, the
    method's own code makes some, or nothing is checked and the reason is told. Exit status 1 if a
    check fails, or no weights are there at all.
    """
    from tempfile import TemporaryDirectory

    from sr_bench.conformance.configurations import Choice
    from sr_bench.conformance.method_contract import checks, outcomes

    path, found = _method(method)
    done = []
    with TemporaryDirectory(prefix="sr-bench-check-") as folder:
        choice = Choice(data, variant, scale, weights, catalogue_here())
        for outcome in outcomes(checks(path, found, Path(folder), choice)):
            done.append(outcome)
            if not json and outcome.status != "passed":
                line = f"{outcome.status}: {outcome.what}, {outcome.check}: {outcome.why}"
                console.print(line, highlight=False)
    counts = {s: sum(o.status == s for o in done) for s in ("passed", "failed", "skipped")}
    summary = f"{found.name}: " + ", ".join(f"{n} {s}" for s, n in counts.items())
    print_done(
        summary,
        {"method": found.name, "file": str(path), "checks": [asdict(o) for o in done]},
        json=json,
    )
    loaded = any(o.check == "weights" and o.status == "passed" for o in done)
    if counts["failed"] or not loaded:
        raise typer.Exit(1)
