"""One state of the scores: a folder of reports or of runs' tables, or those of a Git revision."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from sr_bench.evaluation.scoring.table import CELL, cells, read_per_image, read_scores
from sr_bench.project.dvc_lock import read_stages
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.support.files import naming, sha256
from sr_bench.support.text_files import read_object

SCORES, PER_IMAGE = "scores.csv", "per_image.csv.gz"
PROVENANCE, LOCK = "provenance.json", "dvc.lock"
_REMAKE = "make it with: dvc repro"


@dataclass(frozen=True)
class Snapshot:
    """Scores, and where to look for what made them."""

    name: str  # for messages
    cells: pd.DataFrame  # the rows of `scores.csv`
    # the rows of `per_image.csv.gz`; `None` where there is no such file
    images: pd.DataFrame | None
    provenance: Path | None = None  # `provenance.json`, if there is one
    lock: Path | None = None  # `dvc.lock`, if there is one; read when asked for
    # the runs that it is about; `None` is all, so that a run that isn't there is missing
    runs: tuple[str, ...] | None = None

    def only(self, runs: Collection[str]) -> Snapshot:
        """The rows of some runs; those that have no rows are left out without a word."""
        images = self.images
        return replace(
            self,
            cells=_rows_of(self.cells, runs),
            images=None if images is None else _rows_of(images, runs),
            runs=tuple(runs),
        )

    def stages(self) -> dict[str, Any]:
        """The stages of ``dvc.lock``; none without one."""
        if self.lock is None:
            return {}
        return read_stages(self.lock)

    def facts(self) -> dict[str, Any]:
        """The content of ``provenance.json``; nothing without one."""
        if self.provenance is None:
            return {}
        content = read_object(self.provenance, remedy=_REMAKE)
        parts = [content.get(key, {}) for key in ("records", "packages", "files")]
        records = parts[0].values() if isinstance(parts[0], dict) else ()
        if not all(isinstance(part, dict) for part in (*parts, *records)):
            raise SrBenchError(f"{self.provenance}: not a provenance; {_REMAKE}")
        return content


def _rows_of(table: pd.DataFrame, runs: Collection[str]) -> pd.DataFrame:
    return table[table["run"].isin(runs)].reset_index(drop=True)


def open_snapshot(path: Path) -> Snapshot:
    """The state that a ``scores.csv``, or the folder of one, belongs to.

    Args:
        path: the file or the folder. What lies beside ``scores.csv`` is taken too, and the
            ``dvc.lock`` above a folder ``reports``; a table of another name stands alone. A folder
            of ``<run>.csv``, as ``build/scores``, is a state of those runs alone.

    Raises:
        SrBenchError: if a table is missing, damaged, of another schema, or not the one that
            ``provenance.json`` beside it lists.
    """
    if not (path / SCORES).is_file() and (tables := sorted(path.glob("*.csv"))):
        return _of_runs(path, tables)
    scores = path / SCORES if path.is_dir() else path
    beside = scores.parent if scores.name == SCORES else None
    images = _there(beside, PER_IMAGE)
    snapshot = Snapshot(
        str(scores),
        read_scores(scores),
        None if images is None else read_per_image(images),
        _there(beside, PROVENANCE),
        _there(beside, LOCK) or _above(beside),
    )
    _require_written(snapshot, [path for path in (scores, images) if path is not None])
    return snapshot


def _require_written(snapshot: Snapshot, tables: list[Path]) -> None:
    """Refuse a table that isn't the one that ``provenance.json`` beside it lists."""
    listed = snapshot.facts().get("files", {})
    for path in tables:
        if path.name in listed and (found := sha256(path)) != listed[path.name]:
            raise SrBenchError(
                f"{path}: isn't the table that the report wrote: its sha256 is "
                f"{found[:12]}..., {snapshot.provenance} says "
                f"{str(listed[path.name])[:12]}...; reports aren't edited by hand: write it anew "
                "(sr-bench report) or restore both (git restore reports)"
            )


def _of_runs(folder: Path, tables: list[Path]) -> Snapshot:
    scored = pd.concat([_of_run(table) for table in tables], ignore_index=True)
    means = cells(scored)
    images = scored.merge(means[CELL], on=CELL)  # reports leave out the images of no cell, too
    return Snapshot(str(folder), means, images, runs=tuple(t.stem for t in tables))


def _of_run(path: Path) -> pd.DataFrame:
    """The table of the run that the file is named after."""
    table = read_per_image(path)
    found = ", ".join(table["run"].astype(str).unique()) or "no run"
    if found != path.stem:
        raise SrBenchError(
            f"{path}: is named after run {path.stem}, but holds scores of {found}; "
            f"make it with: sr-bench score {path.stem}"
        )
    return table


def _above(folder: Path | None) -> Path | None:
    """A project's ``dvc.lock``, seen from its reports."""
    if folder is None or folder.resolve().name != "reports":
        return None
    return _there(folder.resolve().parent, LOCK)


def _there(folder: Path | None, name: str) -> Path | None:
    return folder / name if folder is not None and (folder / name).is_file() else None


@contextmanager
def committed(root: Path, revision: str) -> Iterator[Snapshot]:
    """The reports of a project folder as a Git revision has them.

    Raises:
        WrongUse: if there is no such revision, or it has no ``reports/scores.csv``.
    """
    with tempfile.TemporaryDirectory(prefix="sr-bench-") as name:
        folder = Path(name)
        for path in (f"reports/{SCORES}", f"reports/{PER_IMAGE}", f"reports/{PROVENANCE}", LOCK):
            content, why = _shown(root, revision, path)
            if content is not None:
                with naming(folder / Path(path).name):
                    (folder / Path(path).name).write_bytes(content)
            elif path.endswith(SCORES):
                raise WrongUse(
                    f"no baseline: {path} of Git revision '{revision}' can't be had ({why}); name "
                    "a revision, a scores.csv or its folder with --baseline"
                )
        yield replace(open_snapshot(folder), name=f"{revision}:reports/{SCORES}")


def _shown(root: Path, revision: str, path: str) -> tuple[bytes | None, str]:
    """A file's content at a revision, or why there is none."""
    command = ["git", "-C", str(root), "show", f"{revision}:./{path}"]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        return None, "git is not installed"
    if done.returncode == 0:
        return done.stdout, ""
    return None, " ".join(done.stderr.decode(errors="replace").split())
