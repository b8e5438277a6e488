"""``sr-bench time``: settings one after another, each row saved as soon as it is there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from sr_bench.support.errors import SrBenchError
from sr_bench.support.version import __version__
from sr_bench.timing.launch import OUT_OF_MEMORY, Measured, OutOfMemory, launch
from sr_bench.timing.results import Results, TimingRow
from sr_bench.timing.rounds import median_and_iqr, medians, rates
from sr_bench.timing.setting import FRAME, SIZES, Setting, is_alone
from sr_bench.timing.tasks import ModelChoice, Task

LONGEST = 30.0  # seconds a call
Measure = Callable[[Task], Measured]
Listener = Callable[[Setting, TimingRow | str], None]  # gets the row, or why there is none


@dataclass
class Session:
    """The timings of one command: rows that belong together, since the machine was the same.

    Args:
        root: the project's folder.
        results: the machine's results so far.
        path: their file; ``None``: they are kept in memory alone.
        weights: sha256 of each run's weights.
        models: those runs that are no runs of the project.
        measure: times one setting.
        started: what the session's rows are marked with.
        processes: how many time each setting: one pass over all settings after the other, so that
            they are spread over the session.
        keep: whether rows that are there stay, and get the processes that they lack.
    """

    root: Path
    results: Results
    path: Path | None
    weights: dict[str, str | None]
    measure: Measure = launch
    started: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    models: dict[str, ModelChoice] = field(default_factory=dict)
    processes: int = 1
    keep: bool = False

    def missing(self, settings: list[Setting]) -> list[Setting]:
        """Those whose row lacks processes with these weights, and aren't noted as out of memory."""
        lacking = [s for s in settings if self._held(s) < self.processes]
        return [s for s in lacking if s not in self.results.out_of_memory]

    def time(self, settings: list[Setting], listener: Listener) -> dict[Setting, str]:
        """Time the settings, and save after each; frames that would take too long are left out.

        Returns:
            Those that failed, and why.
        """
        failed: dict[Setting, str] = {}
        for number in range(1, self.processes + 1):
            for setting in self._due(settings, number, failed):
                skipped = too_long(setting, self.results.rows)
                listener(setting, skipped or self._attempt(setting, failed, number))
        return failed

    def turns(self, settings: list[Setting]) -> int:
        """How many processes :meth:`time` will start at most."""
        there = [self._held(s) if self.keep else 0 for s in settings]
        return sum(max(0, self.processes - count) for count in there)

    def _due(
        self, settings: list[Setting], number: int, failed: Mapping[Setting, str]
    ) -> list[Setting]:
        """Those that a pass times: first all, unless what is there stays; then rows alone."""
        if number == 1:
            return [s for s in settings if not (self.keep and self._held(s))]
        return [s for s in settings if 0 < self._held(s) < number and s not in failed]

    def _attempt(
        self, setting: Setting, failed: dict[Setting, str], number: int
    ) -> TimingRow | str:
        try:
            row = self._row(setting) if number == 1 else self._joined(setting)
            self.results.add(row)
        except SrBenchError as error:
            failed[setting] = str(error)
            if isinstance(error, OutOfMemory):
                self.results.add_out_of_memory(setting, OUT_OF_MEMORY)
            return "failed"
        finally:
            if self.path is not None:
                self.results.save(self.path)
        return row

    def _row(self, setting: Setting) -> TimingRow:
        known = self._known_psnr(setting)
        model = self.models.get(setting.run)
        measured = self.measure(Task(self.root, setting, psnr=known is None, model=model))
        psnr = measured.facts["psnr"] if known is None else known
        return make_row(
            setting,
            Measured({**measured.facts, "psnr": psnr}, measured.times_s),
            weights_sha256=self.weights[setting.run],
            session=self.started,
        )

    def _joined(self, setting: Setting) -> TimingRow:
        """The row that is there, with one more process."""
        model = self.models.get(setting.run)
        measured = self.measure(Task(self.root, setting, psnr=False, again=True, model=model))
        return joined(self.results.rows[setting], measured)

    def _known_psnr(self, setting: Setting) -> float | None:
        """That of a row of this session which differs only in its input."""
        for row in self.results.rows.values():
            same = (row.run, row.device, row.precision, row.session)
            if same == (setting.run, setting.device, setting.precision, self.started):
                return row.psnr
        return None

    def _held(self, setting: Setting) -> int:
        """How many processes with these weights the row of a setting has."""
        row = self.results.rows.get(setting)
        if row is None or row.weights_sha256 != self.weights[setting.run]:
            return 0
        return row.processes


def make_row(
    setting: Setting, measured: Measured, *, weights_sha256: str | None, session: str
) -> TimingRow:
    """A row from what the process measured."""
    facts, times = measured.facts, tuple(measured.times_s)
    return TimingRow(
        **setting.asdict(),
        **facts,
        **_what_times_say(setting, facts, times, (len(times),)),
        weights_sha256=weights_sha256,
        session=session,
        sr_bench=__version__,
    )


def joined(row: TimingRow, measured: Measured) -> TimingRow:
    """A row with what one more process measured: its rounds, and the larger of what it needed.

    What doesn't differ between processes, and the session, stay those of the first.
    """
    facts = row.model_dump() | {"pixels": (*row.pixels, *measured.facts["pixels"])}
    for name in ("peak_memory_mb", "rss_before_mb", "warmup", "load"):
        known = [v for v in (getattr(row, name), measured.facts[name]) if v is not None]
        facts[name] = max(known, default=None)
    facts["stable"] = row.stable and measured.facts["stable"]
    times = (*row.times_s, *measured.times_s)
    rounds_of = (*row.rounds_of, len(measured.times_s))
    return TimingRow(**facts | _what_times_say(row.setting, facts, times, rounds_of))


def _what_times_say(
    setting: Setting, facts: Mapping[str, Any], times: tuple[float, ...], rounds_of: tuple[int, ...]
) -> dict[str, Any]:
    """The fields that follow from the times of all rounds.

    The median is that of the processes' medians; the share of the machine's matrix rate is that of
    the network alone at the median time.
    """
    middle, (_, iqr) = median(medians(times, rounds_of)), median_and_iqr(times)
    images, megapixels = rates(times, facts["pixels"], middle)
    gflops = None
    if is_alone(setting.input) and facts["macs"]:
        gflops = 2 * facts["macs"] / middle / 1e9
    matrix = facts["matrix_gflops"]
    return {
        "median_s": middle,
        "iqr_s": iqr,
        "rounds": len(times),
        "images_per_s": images,
        "megapixels_per_s": megapixels,
        "gflops": gflops,
        "of_matrix_rate": gflops / matrix if gflops and matrix else None,
        "times_s": times,
        "rounds_of": rounds_of,
    }


def too_long(setting: Setting, rows: Mapping[Setting, TimingRow]) -> str:
    """Why a frame is left out; empty if it isn't.

    One above 720p is, if a call would take over 30 s: by the time of the largest smaller frame of
    the same run, device and precision, growing as the number of pixels. Where none was timed,
    nothing is known, and it is tried.
    """
    if setting.input not in SIZES or _pixels(setting.input) <= _pixels(FRAME):
        return ""
    smaller = [name for name in SIZES if _pixels(name) < _pixels(setting.input)]
    timed = [s for name in smaller if (s := replace(setting, input=name)) in rows]
    if not timed:
        return ""
    nearest = max(timed, key=lambda s: _pixels(s.input))
    growth = _pixels(setting.input) / _pixels(nearest.input)
    seconds = rows[nearest].median_s * growth
    if seconds <= LONGEST:
        return ""
    return f"left out: about {seconds:.0f} s a call, going by {nearest.input}"


def _pixels(frame: str) -> int:
    return math.prod(SIZES[frame])
