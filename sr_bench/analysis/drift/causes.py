"""Which known deviation turns the committed numbers into the fresh ones, or back.

The moved images are scored, and if need be made, again under every deviation of
:mod:`sr_bench.analysis.explain.deviations`. A deviation that reproduces the fresh numbers describes
what the code does now; one that reproduces the committed numbers reverses the change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from sr_bench.analysis.drift.matching import Matcher, MovedImage, SrMaker
from sr_bench.analysis.explain.deviation import Deviation
from sr_bench.analysis.explain.measure import Made
from sr_bench.analysis.explain.runs import run_subject
from sr_bench.analysis.explain.way import SSIM_KINDS, Way
from sr_bench.data.datasets.manifest import Dataset, Entry
from sr_bench.imaging import images
from sr_bench.project.project import Project
from sr_bench.support.errors import SrBenchError

_METRICS = {"psnr": "psnr", **dict.fromkeys(SSIM_KINDS, "ssim")}  # as the deviations know them
_IMAGES, _OF_NETWORK = 3, 1  # images tried of a cell; networks are slow
_CELLS = 12  # tried: each takes a second or two
Cell = tuple[str, str, str, str]  # run, dataset, protocol, metric
Names = dict[str, str]  # deviation -> its text


@dataclass(frozen=True)
class Cause:
    """Deviations that explain cells."""

    names: tuple[str, ...]  # the deviations; more than one where they give the same numbers there
    texts: tuple[str, ...]
    undoes: bool  # whether they give the committed numbers, not the fresh ones
    cells: tuple[Cell, ...]  # which cells, of one run and dataset

    def __str__(self) -> str:
        run, dataset, _, _ = self.cells[0]
        protocols, metrics = (_listed(c[i] for c in self.cells) for i in (2, 3))
        gives = "gives the committed" if self.undoes else "gives the fresh"
        again = " again" if self.undoes else ""
        what = " or ".join(self.texts)
        return f"{what}: {gives} {metrics} of {run} on {dataset} under {protocols}{again}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def find_causes(project: Project, moved: pd.DataFrame) -> tuple[list[Cause], list[str]]:
    """Explain moved images, one cell for each protocol and metric.

    Returns:
        What was found, nothing where no deviation fits; and notes on what could not be looked at.
    """
    search = _Search(project)
    found: dict[tuple[bool, str, str], dict[Cell, Names]] = {}
    notes = []
    for cell, rows in _chosen(moved):
        try:
            undoes, deviations = search.explain(cell, rows)
        except (SrBenchError, ModuleNotFoundError) as error:  # no images here, or no torch
            notes.append(f"no cause was looked for in {cell[0]} on {cell[1]}: {error}")
            continue
        if deviations:
            named = {d.name: d.text for d in deviations}
            found.setdefault((undoes, *cell[:2]), {})[cell] = named
    causes = [c for (undoes, *_), cells in found.items() for c in _joined(cells, undoes)]
    return causes, list(dict.fromkeys(notes))


def _joined(cells: dict[Cell, Names], undoes: bool) -> list[Cause]:
    """One cause for cells that share deviations; what only some of a group share is dropped."""
    groups: list[tuple[Names, list[Cell]]] = []
    for cell, names in sorted(cells.items(), key=lambda item: len(item[1])):
        for shared, members in groups:
            if common := shared.keys() & names.keys():
                for name in shared.keys() - common:
                    del shared[name]
                members.append(cell)
                break
        else:
            groups.append((dict(names), [cell]))
    return [Cause(tuple(n), tuple(n.values()), undoes, tuple(m)) for n, m in groups]


def _chosen(moved: pd.DataFrame) -> Iterator[tuple[Cell, pd.DataFrame]]:
    """A cell for each protocol and metric: of a run without weights, where one moved.

    Where only networks moved, a cell for each run, since each has weights of its own.
    """
    known = moved[moved["metric"].isin(_METRICS)]
    exact = known[known["weights"] == "none"]
    shared = exact[["protocol", "metric"]].drop_duplicates()
    others = known.merge(shared, how="left", indicator="_exact")
    others = others[others["_exact"] == "left_only"]
    groups = [group for _, group in exact.groupby(["protocol", "metric"], sort=False)]
    groups += [group for _, group in others.groupby(["run", "protocol", "metric"], sort=False)]
    for group in groups[:_CELLS]:
        cells = group.groupby(["run", "dataset", "protocol", "metric"], sort=False)
        yield min(cells, key=lambda item: len(item[1]))


@dataclass
class _Search:
    """What was opened and made so far."""

    project: Project
    _made: dict[tuple[str, str], tuple[Dataset, SrMaker]] = field(default_factory=dict)

    def explain(self, cell: Cell, rows: pd.DataFrame) -> tuple[bool, list[Deviation]]:
        """Whether the deviations undo the change, and which they are; none if none fits."""
        run, name, protocol, metric = cell
        dataset, maker = self._open(run, name)
        base = Way.of(self.project.catalogue.protocols.find(protocol))
        folder = self.project.sr(run, base.degradation.name, name)
        count = _IMAGES if (rows["weights"] == "none").all() else _OF_NETWORK
        moved = [
            MovedImage(e.stem, _stored(dataset, e, folder), *values)
            for e, values in _smallest(dataset, rows)[:count]
        ]
        ssim = SSIM_KINDS.get(metric, "mean")
        base = replace(base, scoring=replace(base.scoring, ssim=ssim))
        matcher = Matcher(maker, moved, _METRICS[metric], base)
        fresh = matcher.giving_fresh()
        return (False, fresh) if fresh else (True, matcher.giving_committed())

    def _open(self, run: str, name: str) -> tuple[Dataset, SrMaker]:
        if (run, name) not in self._made:
            manifest = self.project.manifest(name)
            if not manifest.is_file():
                raise SrBenchError(f"{manifest}: no such file; the images aren't here")
            dataset = self.project.dataset(name)
            subject = run_subject(self.project, self.project.run(run), dataset, upscale=True)
            self._made[run, name] = dataset, SrMaker(subject)
        return self._made[run, name]


def _smallest(dataset: Dataset, rows: pd.DataFrame) -> list[tuple[Entry, tuple[float, float]]]:
    """The moved images with both values, coloured ones first, the smallest first."""
    values = {r.image: (r.before, r.after) for r in rows.itertuples()}
    entries = [e for e in dataset if e.stem in values]
    entries.sort(key=lambda e: (len(e.shape) == 2, e.shape[0] * e.shape[1]))
    return [(e, values[e.stem]) for e in entries]


def _stored(dataset: Dataset, entry: Entry, folder: Path) -> Made:
    sr, colour = images.read_tagged(folder / f"{entry.stem}.png")
    return Made(sr, dataset.read(entry), colour)
