"""The check: what moved between two states of the scores, how, and what may have moved it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from sr_bench.analysis.drift.causes import Cause, find_causes
from sr_bench.analysis.drift.changes import MOVED, beside, changes, of_known_cells
from sr_bench.analysis.drift.noise import Movement, movements
from sr_bench.analysis.drift.patterns import patterns
from sr_bench.analysis.drift.snapshot import Snapshot
from sr_bench.analysis.drift.suspects import Suspect, known, suspects
from sr_bench.analysis.drift.tolerance import Tolerances, load_tolerances
from sr_bench.evaluation.scoring.table import CELL
from sr_bench.project.project import Project

_IMAGE = [*CELL, "image"]
_SHOWN = ["before", "after", "delta", "tolerance", "what"]


@dataclass(frozen=True)
class Check:
    """The answer.

    Args:
        before, after: names of the two states.
        cells: cells that moved beyond tolerance, came or went: their key, ``before``, ``after``,
            ``delta``, ``tolerance``, ``what``.
        images: the same for images, ``image`` beside the cell's key; none where a state has no
            per-image scores.
        movements: how the images of each run, protocol and metric moved, where any did.
        compared: cells and images that both states have.
        causes: known deviations that give the new numbers, or the old ones.
        patterns: likely causes from the choice of moved cells.
        suspects: what changed of code, data, weights and environment.
        notes: what could not be looked at.
    """

    before: str
    after: str
    cells: pd.DataFrame
    images: pd.DataFrame
    movements: tuple[Movement, ...]
    compared: tuple[int, int]
    causes: tuple[Cause, ...] = ()
    patterns: tuple[str, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def drift(self) -> bool:
        """Whether anything but numeric noise was found."""
        moved = any(m.drift for m in self.movements)
        return bool(len(self.cells) or len(self.images) or moved)

    @property
    def noise(self) -> tuple[Movement, ...]:
        """Movements that are no drift."""
        return tuple(m for m in self.movements if not m.drift)


def check(
    before: Snapshot,
    after: Snapshot,
    *,
    project: Project | None = None,
    tolerances: Tolerances | None = None,
) -> Check:
    """Compare two states of the scores.

    Args:
        before, after: baseline and fresh. Where the fresh state is about some runs alone, so is the
            comparison.
        project: with the images of the fresh scores, to look for causes in; without it causes are
            guessed from the numbers alone.
        tolerances: those of ``tolerances.yaml``, unless others are given.
    """
    allowed = tolerances or load_tolerances()
    if after.runs is not None:
        before = before.only(after.runs)
    joined = beside(before.cells, after.cells, CELL)
    cells = changes(joined, allowed)
    images, pairs = _images(before, after, cells, allowed)
    found = tuple(movements(pairs))
    notes = _notes(before, after)
    seen = _both(joined), len(pairs)
    table, per_image = cells[[*CELL, *_SHOWN]], images[[*_IMAGE, *_SHOWN]]
    result = Check(before.name, after.name, table, per_image, found, seen, notes=notes)
    return _explained(result, before, after, project, joined) if result.drift else result


def _images(
    before: Snapshot, after: Snapshot, cells: pd.DataFrame, allowed: Tolerances
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Images that changed, and all that both states have, with their tolerance."""
    if before.images is None or after.images is None:
        empty = pd.DataFrame(columns=[*_IMAGE, *_SHOWN])
        return empty, empty
    joined = beside(before.images, after.images, _IMAGE)
    changed = of_known_cells(changes(joined, allowed), cells)
    both = joined[(joined["_merge"] == "both") & joined["delta"].notna()]
    keys = both[["weights", "protocol", "metric"]].drop_duplicates()
    keys = keys.assign(
        tolerance=[
            allowed.of(weights=w, protocol=p, metric=m) for w, p, m in keys.itertuples(index=False)
        ]
    )
    return changed, both.merge(keys, on=["weights", "protocol", "metric"])


def _both(joined: pd.DataFrame) -> int:
    return int((joined["_merge"] == "both").sum())


def _notes(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    notes = [] if after.runs is None else [f"compared these runs alone: {', '.join(after.runs)}"]
    lacking = [s.name for s in (before, after) if s.images is None]
    if lacking:
        notes += [f"no per_image.csv.gz beside {' and '.join(lacking)}: compared by cell alone"]
    return tuple(notes)


def _explained(
    found: Check,
    before: Snapshot,
    after: Snapshot,
    project: Project | None,
    joined: pd.DataFrame,
) -> Check:
    """The check with causes, patterns and suspects."""
    moved = found.images[found.images["what"] == MOVED]
    causes, unseen = ([], []) if project is None else find_causes(project, moved)
    both = joined[joined["_merge"] == "both"]
    drifted = found.cells.loc[found.cells["what"] == MOVED, CELL].assign(drift=True)
    flagged = both.merge(drifted, on=CELL, how="left")
    flagged["drift"] = flagged["drift"].eq(True)
    notes = [*found.notes, *unseen]
    if not known(before, after):
        notes.append("no dvc.lock or provenance.json beside both: what changed isn't known")
    return replace(
        found,
        causes=tuple(causes),
        patterns=tuple(patterns(flagged)),
        suspects=tuple(suspects(before, after, _runs(found))),
        notes=tuple(notes),
    )


def _runs(found: Check) -> list[str]:
    """Every run that drifted."""
    moved = [m.run for m in found.movements if m.drift]
    return list(dict.fromkeys([*found.cells["run"], *found.images["run"], *moved]))
