"""``sr-bench time``: settings one after another, each row saved as soon as it is there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from sr_bench.support.errors import SrBenchError
from sr_bench.support.version import __version__
from sr_bench.timing.launch import OUT_OF_MEMORY, Measured, OutOfMemory, launch
from sr_bench.timing.results import Results, TimingRow
from sr_bench.timing.rounds import median_and_iqr, rates
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
    """

    root: Path
    results: Results
    path: Path | None
    weights: dict[str, str | None]
    measure: Measure = launch
    started: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    models: dict[str, ModelChoice] = field(default_factory=dict)

    def missing(self, settings: list[Setting]) -> list[Setting]:
        """Those that the file doesn't hold for these weights, neither as out of memory."""
        return [s for s in settings if not self._held(s) and s not in self.results.out_of_memory]

    def time(self, settings: list[Setting], listener: Listener) -> dict[Setting, str]:
        """Time the settings, and save after each; frames that would take too long are left out.

        Returns:
            Those that failed, and why.
        """
        failed: dict[Setting, str] = {}
        for setting in settings:
            skipped = too_long(setting, self.results.rows)
            listener(setting, skipped or self._attempt(setting, failed))
        return failed

    def _attempt(self, setting: Setting, failed: dict[Setting, str]) -> TimingRow | str:
        try:
            row = self._row(setting)
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

    def _known_psnr(self, setting: Setting) -> float | None:
        """That of a row of this session which differs only in its input."""
        for row in self.results.rows.values():
            same = (row.run, row.device, row.precision, row.session)
            if same == (setting.run, setting.device, setting.precision, self.started):
                return row.psnr
        return None

    def _held(self, setting: Setting) -> bool:
        row = self.results.rows.get(setting)
        return row is not None and row.weights_sha256 == self.weights[setting.run]


def make_row(
    setting: Setting, measured: Measured, *, weights_sha256: str | None, session: str
) -> TimingRow:
    """A row from what the process measured.

    The share of the machine's matrix rate is that of the network alone at the median time.
    """
    facts, times = measured.facts, measured.times_s
    median, iqr = median_and_iqr(times)
    images, megapixels = rates(times, facts["pixels"])
    gflops = None
    if is_alone(setting.input) and facts["macs"]:
        gflops = 2 * facts["macs"] / median / 1e9
    matrix = facts["matrix_gflops"]
    return TimingRow(
        **setting.asdict(),
        **facts,
        median_s=median,
        iqr_s=iqr,
        rounds=len(times),
        images_per_s=images,
        megapixels_per_s=megapixels,
        gflops=gflops,
        of_matrix_rate=gflops / matrix if gflops and matrix else None,
        weights_sha256=weights_sha256,
        session=session,
        sr_bench=__version__,
        times_s=tuple(times),
    )


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
