"""A part of what a run is scored on: some of its datasets, some of its protocols."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sr_bench.project.entries import Run
from sr_bench.project.project import Project, Work
from sr_bench.support.errors import unknown


@dataclass(frozen=True)
class RunPart:
    """Which datasets and protocols of a run; empty stands for all.

    Args:
        datasets: names of datasets.
        protocols: names of protocols.
    """

    datasets: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.datasets or self.protocols)

    def of(self, project: Project, run: Run) -> list[Work]:
        """The work of the run that belongs to the part.

        Raises:
            WrongUse: for a dataset or a protocol that the run isn't scored on.
            SrBenchError: if nothing is left, or the run has no work at all.
        """
        work = project.require_work(run)
        where = f"what {run.name} is scored on (params.yaml: runs, protocols)"
        _require("dataset", self.datasets, (w.dataset for w in work), where)
        _require("protocol", self.protocols, (p.name for w in work for p in w.protocols), where)
        left = [self._within(one) for one in work if self._takes(one.dataset, self.datasets)]
        left = [one for one in left if one.protocols]
        if not left:
            raise unknown("protocol", self.protocols[0], _names(work, self.datasets), where=where)
        return left

    def _within(self, work: Work) -> Work:
        kept = tuple(p for p in work.protocols if self._takes(p.name, self.protocols))
        return work._replace(protocols=kept)

    @staticmethod
    def _takes(name: str, wanted: Sequence[str]) -> bool:
        return not wanted or name in wanted


WHOLE = RunPart()


def _require(what: str, wanted: Iterable[str], known: Iterable[str], where: str) -> None:
    names = set(known)
    for name in wanted:
        if name not in names:
            raise unknown(what, name, names, where=where)


def _names(work: Sequence[Work], datasets: Sequence[str]) -> list[str]:
    return [p.name for w in work for p in w.protocols if not datasets or w.dataset in datasets]
