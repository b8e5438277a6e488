"""All teams of a challenge, one after the other: scores, costs, and why a team has none."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sr_bench.data.catalogue.protocols import Protocol
from sr_bench.evaluation.evaluating.candidate import Candidate, CandidateOptions, open_candidates
from sr_bench.evaluation.evaluating.evaluate import evaluate
from sr_bench.evaluation.evaluating.parts import parts_of
from sr_bench.evaluation.evaluating.results import Result, results_of
from sr_bench.evaluation.evaluating.sets import TestSet
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.opened import Methods, OpenOptions
from sr_bench.support.errors import SrBenchError
from sr_bench.timing.challenge.official import BASELINE, Cost, Official
from sr_bench.timing.challenge.process import Limits, Process, team_process, threads
from sr_bench.timing.challenge.repository import Repository

SCALE, SIDE = 4, 256  # of the challenge; LR pixels a side of what its costs are counted on
_REFERENCE = "bicubic"
_USUAL = 0.1  # interquartile range of times by their median: of a machine left alone
_VARIES = (
    f"times vary by more than {_USUAL:.0%} of their median (interquartile range): the machine does "
    "other work, and the score is no better than the times"
)


@dataclass(frozen=True)
class Asked:
    """What is measured of a challenge.

    Args:
        repository: whose teams.
        sets: test images.
        protocols: by which they are degraded and scored.
        limits: what one team may take.
        timed: whether networks are timed as well.
    """

    repository: Repository
    sets: Sequence[TestSet]
    protocols: Sequence[Protocol]
    limits: Limits
    timed: bool = True


@dataclass
class Entry:
    """A team: what it scores and costs.

    Args:
        team: its number.
        name: what ``select_model`` calls the network.
        results: one for each test set and protocol that could be scored.
        costs: parameters, multiply-adds, activations and times, as the process found them.
        files: the weights that it read, name to sha256.
        notes: what was done to run it, and what it did.
        failed: why it has no scores, or not all; empty if it has.
        seconds: that all of it took.
    """

    team: int
    name: str = ""
    results: list[Result] = field(default_factory=list)
    costs: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    failed: str = ""
    seconds: float = 0.0

    @property
    def cost(self) -> Cost:
        """What the official score is made of."""
        found = (self.costs.get(name) for name in ("median_s", "macs", "params"))
        return Cost(*found)

    @property
    def remarks(self) -> list[str]:
        """The notes, what isn't known of its costs, and whether its times can be trusted."""
        unknown = self.costs.get("not_known", {})
        median, spread = (self.costs.get(name) or 0.0 for name in ("median_s", "iqr_s"))
        return [
            *self.notes,
            *(f"{name} not known: {why}" for name, why in unknown.items()),
            *([_VARIES] if spread > _USUAL * median else []),
        ]


def measured(asked: Asked, teams: Sequence[int]) -> Iterator[Entry]:
    """Measure the teams in turn; one that fails costs no other."""
    for team in teams:
        entry, start = Entry(team), time.monotonic()
        try:
            with team_process(asked.repository.root, asked.limits) as process:
                _measure(entry, process, asked)
        except SrBenchError as error:
            entry.failed = str(error)
        entry.seconds = time.monotonic() - start
        yield entry


def _measure(entry: Entry, process: Process, asked: Asked) -> None:
    limits = asked.limits
    told = {"device": str(limits.device), "memory_mb": limits.memory_mb, "threads": threads()}
    facts = process.ask("load", team=entry.team, **told)
    entry.name, entry.files, entry.notes = facts["name"], facts["files"], facts["notes"]
    if facts["tile"] is not None:
        entry.notes.append(f"the challenge runs it in tiles of {facts['tile']}; here on the whole")
    candidate = _candidate(entry, process, facts["range"])
    parts = parts_of([candidate], asked.sets, asked.protocols)
    evaluation = evaluate(parts, progress=lambda _: None)
    entry.results = results_of(parts, evaluation)
    entry.notes += [model.found for model in evaluation.unsteady]
    entry.failed = "; ".join(
        f"{fault.dataset} {fault.image}: {fault.reason}" for fault in evaluation.faults
    )
    try:
        told = {"size": SIDE, "white": facts["range"], "timed": asked.timed}
        entry.costs = process.ask("measure", **told)
    except SrBenchError as error:
        entry.costs = {"not_known": {"costs": str(error)}}


def _candidate(entry: Entry, process: Process, white: float) -> Candidate:
    label = f"team {entry.team}"
    model = process.model(white)

    def upscaler(rule: Any) -> Upscaler:
        return Upscaler(label, model, rule, SCALE)

    return Candidate(label, SCALE, "rgb", entry.name, upscaler)


def reference(asked: Asked, methods: Methods) -> list[Result]:
    """Bicubic on the same images: what a network is expected to exceed."""
    options = CandidateOptions(OpenOptions(scale=SCALE))
    opened, _ = open_candidates([_REFERENCE], project=None, methods=methods, options=options)
    parts = parts_of(opened, asked.sets, asked.protocols)
    return results_of(parts, evaluate(parts, progress=lambda _: None))


def scores(entries: Sequence[Entry], official: Official | None) -> dict[int, float]:
    """The official score of each team whose costs are known, beside the baseline's here."""
    baseline = next((entry.cost for entry in entries if entry.team == BASELINE), None)
    if official is None or baseline is None:
        return {}
    found = {entry.team: official.score(entry.cost, baseline) for entry in entries}
    return {team: score for team, score in found.items() if score is not None}


def findings(entries: Sequence[Entry], bicubic: Sequence[Result]) -> list[str]:
    """What stands out: networks below bicubic, and weights that several teams share."""
    floor = {(r.test_set.name, r.protocol.name): r.means["psnr"] for r in bicubic}
    found = [
        f"team {entry.team} has {result.means['psnr']:.2f} dB on {result.test_set.name} "
        f"({result.protocol}), less than bicubic's {least:.2f}"
        for entry in entries
        for result in entry.results
        if (least := floor.get((result.test_set.name, result.protocol.name))) is not None
        and result.means["psnr"] < least
    ]
    return found + list(_shared(entries))


def _shared(entries: Sequence[Entry]) -> Iterator[str]:
    holders: dict[str, dict[int, str]] = {}
    for entry in entries:
        for name, digest in entry.files.items():
            holders.setdefault(digest, {})[entry.team] = name
    for digest, teams in holders.items():
        if len(teams) > 1:
            listed = _listed(teams)
            yield f"{listed} have the same file, sha256 {digest[:12]}..."


def _listed(teams: Mapping[int, str]) -> str:
    return " and ".join(f"team {team} ({name})" for team, name in sorted(teams.items()))
