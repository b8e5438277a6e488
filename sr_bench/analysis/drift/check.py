"""The check of scores: what moved between two states of them, how, and for what reason."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from sr_bench.analysis.drift.causes import Cause, find_causes
from sr_bench.analysis.drift.changes import (
    MOVED,
    Tolerances,
    changes,
    joined_on,
    load_tolerances,
    of_known_cells,
)
from sr_bench.analysis.drift.inputs import ChangedInput, changed_inputs, inputs_known
from sr_bench.analysis.drift.noise import Movement, movements
from sr_bench.analysis.drift.patterns import patterns
from sr_bench.analysis.drift.snapshot import Snapshot
from sr_bench.evaluation.scoring.table import CELL
from sr_bench.project.project import Project

_IMAGE = [*CELL, "image"]
_SHOWN = ["before", "after", "delta", "tolerance", "what"]


@dataclass(frozen=True)
class DriftReport:
    """The check's result."""

    before: str  # the state that is compared with
    after: str  # the state that is checked
    # cells that moved beyond tolerance, came or went: their key, `before`, `after`,
    # `delta`, `tolerance`, `what`
    cells: pd.DataFrame
    # the same for images, `image` beside the cell's key; none where a state has no per-image
    # scores
    images: pd.DataFrame
    # how the images of each run, protocol and metric moved, where any did
    movements: tuple[Movement, ...]
    compared: tuple[int, int]  # cells and images that both states have
    causes: tuple[Cause, ...] = ()  # known deviations that give the new numbers, or the old ones
    patterns: tuple[str, ...] = ()  # likely causes from the choice of moved cells
    inputs: tuple[ChangedInput, ...] = ()  # what changed of code, data, weights and environment
    notes: tuple[str, ...] = ()  # what could not be looked at

    @property
    def drift(self) -> bool:
        """Whether anything but numeric noise was found."""
        moved = any(m.drift for m in self.movements)
        return bool(len(self.cells) or len(self.images) or moved)

    @property
    def noise(self) -> tuple[Movement, ...]:
        """Movements that are no drift."""
        return tuple(m for m in self.movements if not m.drift)


def check_scores(
    before: Snapshot,
    after: Snapshot,
    *,
    project: Project | None = None,
    tolerances: Tolerances | None = None,
) -> DriftReport:
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
    joined = joined_on(CELL, before.cells, after.cells, allowed)
    cells = changes(joined)
    images, pairs = _images(before, after, cells, allowed)
    found = tuple(movements(pairs))
    notes = _notes(before, after)
    seen = _both(joined), len(pairs)
    table, per_image = cells[[*CELL, *_SHOWN]], images[[*_IMAGE, *_SHOWN]]
    result = DriftReport(before.name, after.name, table, per_image, found, seen, notes=notes)
    return _explained(result, before, after, project, joined) if result.drift else result


def _images(
    before: Snapshot, after: Snapshot, cells: pd.DataFrame, allowed: Tolerances
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Images that changed, and all that both states have, with their tolerance."""
    if before.images is None or after.images is None:
        empty = pd.DataFrame(columns=[*_IMAGE, *_SHOWN])
        return empty, empty
    joined = joined_on(_IMAGE, before.images, after.images, allowed)
    both = (joined["_merge"] == "both") & joined["delta"].notna()
    return of_known_cells(changes(joined), cells), joined[both]


def _both(joined: pd.DataFrame) -> int:
    return int((joined["_merge"] == "both").sum())


def _notes(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    notes = [] if after.runs is None else [f"compared these runs alone: {', '.join(after.runs)}"]
    lacking = [s.name for s in (before, after) if s.images is None]
    if lacking:
        notes += [f"no per_image.csv.gz beside {' and '.join(lacking)}: compared by cell alone"]
    return tuple(notes)


def _explained(
    found: DriftReport,
    before: Snapshot,
    after: Snapshot,
    project: Project | None,
    joined: pd.DataFrame,
) -> DriftReport:
    """The report with causes, patterns and changed inputs."""
    moved = found.images[found.images["what"] == MOVED]
    causes, unseen = ([], []) if project is None else find_causes(project, moved)
    both = joined[joined["_merge"] == "both"]
    drifted = found.cells.loc[found.cells["what"] == MOVED, CELL].assign(drift=True)
    flagged = both.merge(drifted, on=CELL, how="left")
    flagged["drift"] = flagged["drift"].eq(True)
    notes = [*found.notes, *unseen]
    if not inputs_known(before, after):
        notes.append("no dvc.lock or provenance.json beside both: what changed isn't known")
    return replace(
        found,
        causes=tuple(causes),
        patterns=tuple(patterns(flagged)),
        inputs=tuple(changed_inputs(before, after, _runs(found))),
        notes=tuple(notes),
    )


def _runs(found: DriftReport) -> list[str]:
    """Every run that drifted."""
    moved = [m.run for m in found.movements if m.drift]
    return list(dict.fromkeys([*found.cells["run"], *found.images["run"], *moved]))
