"""``sr-bench keys`` and ``sr-bench try``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sr_bench.cli.show import JsonFlag, console, print_done, print_json, print_table
from sr_bench.project.project import method_folders_here
from sr_bench.support.errors import WrongUse
from sr_bench.support.scale import SCALES


def keys(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[METHOD VARIANT SCALE] FILE",
            help="A weights file. With a method, a variant and a scale before it, such as edsr "
            "baseline 2: how its keys are renamed.",
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
    from sr_bench.networks.weights import read_checkpoint, read_mat

    with file.open("rb") as handle:
        matlab = handle.read(6) == b"MATLAB"
    tensors = read_mat(file) if matlab else read_checkpoint(file, take=take)
    rows = [
        {"key": k, "shape": tuple(v.shape), "type": str(v.dtype).removeprefix("torch.")}
        for k, v in tensors.items()
    ]
    if json:
        print_json(rows)
        return
    print_table(str(file), ["key", "shape", "type"], [list(row.values()) for row in rows])
    console.print(f"{len(rows)} tensors")


def _map(method: str, variant: str, scale: int, file: Path, *, json: bool) -> None:
    from sr_bench.networks.method_files import find_method, load_methods

    folders = method_folders_here()
    found = find_method(method, folders)
    if found.key_map is None:
        mapped = " and ".join(n for n, m in load_methods(folders).items() if m.key_map) or "none"
        raise WrongUse(
            f"method {method} has no key_map; those that have one: {mapped}. What the file holds "
            f"shows: sr-bench keys {file}"
        )
    rows = found.key_map(file, variant, scale)
    if json:
        print_json([asdict(row) for row in rows])
        return
    columns = ["key in the file", "key in the network", "shape", "values"]
    print_table(
        f"{file}: {method} {variant} x{scale}",
        columns,
        [[r.theirs, r.ours or "left out", r.shape, _changed(r.divisor)] for r in rows],
    )
    console.print(f"{len(rows)} keys; none missing, none left over")


def try_method(
    method: Annotated[
        str, typer.Argument(help="Method, e.g. mine, or its file, e.g. methods/mine.py.")
    ],
    json: JsonFlag = False,
) -> None:
    """Check a method file against the contract, for each of its variants, weights and scales.

    Fetched weights are used. Where there are none, the method's own code makes some, or the check
    is skipped with the reason. Exit status 1 if a check fails.
    """
    from tempfile import TemporaryDirectory

    from sr_bench.conformance import method_contract
    from sr_bench.networks.method_files import find_method_file, load_method

    path = Path(method)
    if path.suffix == ".py":
        found = load_method(path)
    else:
        path, found = find_method_file(method, method_folders_here())
    outcomes = []
    with TemporaryDirectory(prefix="sr-bench-try-") as folder:
        for outcome in method_contract.try_method(path, found, Path(folder), Path("data")):
            outcomes.append(outcome)
            if not json and outcome.status != "passed":
                line = f"{outcome.status}: {outcome.what}, {outcome.check}: {outcome.why}"
                console.print(line, highlight=False)
    counts = {s: sum(o.status == s for o in outcomes) for s in ("passed", "failed", "skipped")}
    summary = f"{found.name}: " + ", ".join(f"{n} {s}" for s, n in counts.items())
    print_done(
        summary,
        {"method": found.name, "file": str(path), "checks": [asdict(o) for o in outcomes]},
        json=json,
    )
    if counts["failed"] or not counts["passed"]:
        raise typer.Exit(1)


def _changed(divisor: float) -> str:
    return "as they are" if divisor == 1 else f"divided by {divisor:g}"
