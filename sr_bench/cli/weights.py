"""``sr-bench keys`` and ``sr-bench try``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sr_bench.cli.show import console, print_done, print_json, print_table
from sr_bench.cli.standalone import JsonFlag
from sr_bench.errors import WrongUse
from sr_bench.project import require_project


def keys(
    method: Annotated[str, typer.Argument(help="Its name; see: sr-bench list methods.")],
    variant: Annotated[str, typer.Argument(help="One of the method's variants.")],
    scale: Annotated[int, typer.Argument(help="2, 3 or 4.")],
    file: Annotated[Path, typer.Argument(help="A checkpoint or safetensors file.")],
    json: JsonFlag = False,
) -> None:
    """Show what each key of a weights file becomes in the network, or why the file doesn't fit."""
    from sr_bench.method import find_method, load_methods

    folders = require_project().method_folders
    found = find_method(method, folders)
    if found.key_map is None:
        mapped = " and ".join(n for n, m in load_methods(folders).items() if m.key_map) or "none"
        raise WrongUse(f"method {method} has no key_map; those that have one: {mapped}")
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
    method: Annotated[str, typer.Argument(help="Its name, or its file: mine, methods/mine.py.")],
    json: JsonFlag = False,
) -> None:
    """Check a method file against the contract, for each of its variants, weights and scales.

    Weights that are fetched are used; others are made up by the method's own code, or skipped with
    the reason. Ends with 1 if a check fails.
    """
    from tempfile import TemporaryDirectory

    from sr_bench import method_contract
    from sr_bench.method import find_method_file, load_method

    path = Path(method)
    if path.suffix == ".py":
        found = load_method(path)
    else:
        path, found = find_method_file(method, require_project().method_folders)
    outcomes = []
    with TemporaryDirectory(prefix="sr-bench-try-") as folder:
        for outcome in method_contract.try_method(path, found, Path(folder), Path("data")):
            outcomes.append(outcome)
            if not json and outcome.status != "passed":
                line = f"{outcome.status}: {outcome.what}, {outcome.check}: {outcome.why}"
                console.print(line, highlight=False)
    counts = {s: sum(o.status == s for o in outcomes) for s in ("passed", "failed", "skipped")}
    told = f"{found.name}: " + ", ".join(f"{n} {s}" for s, n in counts.items())
    print_done(
        told,
        {"method": found.name, "file": str(path), "checks": [asdict(o) for o in outcomes]},
        json=json,
    )
    if counts["failed"] or not counts["passed"]:
        raise typer.Exit(1)


def _changed(divisor: float) -> str:
    return "as they are" if divisor == 1 else f"divided by {divisor:g}"
