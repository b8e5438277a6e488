"""``sr-bench keys``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sr_bench.cli.show import console, print_json, print_table
from sr_bench.cli.standalone import JsonFlag
from sr_bench.errors import WrongUse
from sr_bench.project import require_project


def keys(
    method: Annotated[str, typer.Argument(help="As edsr; see: sr-bench list methods.")],
    variant: Annotated[str, typer.Argument(help="As baseline.")],
    scale: Annotated[int, typer.Argument(help="2, 3 or 4.")],
    file: Annotated[Path, typer.Argument(help="A checkpoint or safetensors file.")],
    json: JsonFlag = False,
) -> None:
    """Show what each key of a weights file becomes in the network, or why the file doesn't fit."""
    from sr_bench.method import find_method

    found = find_method(method, require_project().method_folders)
    if found.key_map is None:
        raise WrongUse(f"method {method} has no map of keys; edsr and mdsr do")
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


def _changed(divisor: float) -> str:
    return "as they are" if divisor == 1 else f"divided by {divisor:g}"
