"""``sr-bench init`` and ``sr-bench lock``: a project of one's own."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sr_bench.cli.show import JsonFlag, print_done
from sr_bench.project.project import require_project
from sr_bench.support.errors import SrBenchError


class Templates(StrEnum):
    """What a project starts as."""

    model = "model"
    paper = "paper"
    ci = "ci"


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Where; default: the current folder.")
    ] = Path(),
    template: Annotated[
        Templates,
        typer.Option(
            help="model: a method of your own beside bicubic, on photographs that need no "
            "download; paper: the test sets and published numbers of the field; ci: one quick "
            "run that each push compares with the committed scores."
        ),
    ] = Templates.model,
    json: JsonFlag = False,
) -> None:
    """Start a project: params.yaml, dvc.yaml, an example method, a workflow for GitHub.

    Nothing that is there is replaced. Then: dvc repro.
    """
    from sr_bench.project.start import start

    made = [path.relative_to(folder).as_posix() for path in start(folder, template.value)]
    lines = "\n".join(f"  {name}" for name in made)
    where = "" if folder == Path() else f"cd {folder} && "
    facts = {"folder": str(folder), "template": template.value, "files": made}
    print_done(f"{lines}\nnext: {where}dvc repro", facts, json=json)


def lock(
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether it is that of this sr-bench.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Write sr-bench.lock: which sr-bench the results of this project are made with.

    After an upgrade; dvc repro then repeats the stages that it changes. With --check: exit status 1
    if the lock names another sr-bench.
    """
    from sr_bench.project.lock import LOCK, fingerprint, require_locked, write_lock

    project = require_project()
    if check:
        if not (project.root / LOCK).is_file():
            raise SrBenchError(f"{project.root / LOCK}: no such file; write it: sr-bench lock")
        require_locked(project)
    else:
        write_lock(project.root)
    facts = fingerprint()
    print_done(f"{LOCK}: sr-bench {facts['version']}", facts, json=json)
