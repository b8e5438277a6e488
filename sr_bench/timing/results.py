"""The results of one machine: ``benchmarks/results/<machine>.json``.

``extra_info`` of each of its ``benchmarks`` is a row, ``stats.data`` has the times of all rounds.
The names are pytest-benchmark's, which made such files with more in them; those are read as well.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from sr_bench.project.project import Project
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import write_text
from sr_bench.support.text_files import read_json
from sr_bench.timing.fingerprint import Fingerprint
from sr_bench.timing.rounds import medians
from sr_bench.timing.setting import Setting

SCHEMA = 2
_NUMBERS = re.compile(r"\[\n([-+.,\deE\s]+)\n\s*\]")


class TimingRow(BaseModel):
    """What one setting took. docs/timing.md explains each field.

    ``times_s`` are the seconds of all rounds, in order, ``pixels`` those of each round's sr, and
    ``rounds_of`` the number of rounds of each process. ``not_known`` says of fields that couldn't
    be found why not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    device: str
    precision: str
    input: str
    median_s: float
    iqr_s: float
    rounds: int
    images_per_s: float
    megapixels_per_s: float
    peak_memory_mb: float | None
    rss_before_mb: float | None
    params: int | None
    macs: int | None
    psnr: float | None
    psnr_of: str | None
    gflops: float | None
    matrix_gflops: float | None
    of_matrix_rate: float | None
    threads: int
    timer: str
    warmup: int
    stable: bool
    load: float | None
    weights_sha256: str | None
    session: str
    sr_bench: str
    pixels: tuple[int, ...]
    times_s: tuple[float, ...]
    rounds_of: tuple[int, ...]
    not_known: dict[str, str] = {}

    @model_validator(mode="before")
    @classmethod
    def _one_process(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Files that were written before there were several have none of it."""
        return {"rounds_of": (len(given["times_s"]),), **given}

    @property
    def setting(self) -> Setting:
        """What was timed."""
        return Setting(self.run, self.device, self.precision, self.input)

    @property
    def processes(self) -> int:
        """How many processes timed it."""
        return len(self.rounds_of)

    @property
    def medians_s(self) -> tuple[float, ...]:
        """The median of each process."""
        return medians(self.times_s, self.rounds_of)


@dataclass
class Results:
    """The rows of a machine, and the settings for which its memory is too small."""

    machine: Fingerprint
    rows: dict[Setting, TimingRow] = field(default_factory=dict)
    out_of_memory: dict[Setting, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Results:
        """Read a machine's file.

        Raises:
            SrBenchError: if it isn't one, or one of another schema.
        """
        content = read_json(path, remedy="move it away")
        schema = content.get("schema") if isinstance(content, dict) else None
        if schema != SCHEMA:
            raise SrBenchError(
                f"{path}: its schema is {schema!r}, this version reads and writes {SCHEMA}; use "
                "the version of sr-bench that wrote it, or move it away and time again"
            )
        try:
            return cls._parse(content)
        except (ValidationError, KeyError, TypeError) as error:
            what = " ".join(str(error).split())
            raise SrBenchError(f"{path}: not a results file ({what}); move it away") from error

    @classmethod
    def of(cls, machine: Fingerprint, folder: Path) -> tuple[Results, Path]:
        """The machine's results in a folder, empty where it has none yet, and their file."""
        path = folder / f"{machine.name}.json"
        return (cls.load(path) if path.is_file() else cls(machine)), path

    def add(self, row: TimingRow) -> None:
        """Put a row in the place of an earlier one of its setting."""
        self.rows[row.setting] = row
        self.out_of_memory.pop(row.setting, None)

    def add_out_of_memory(self, setting: Setting, why: str) -> None:
        """Note that a setting needs more memory than there is."""
        self.out_of_memory[setting] = why
        self.rows.pop(setting, None)

    def save(self, path: Path) -> None:
        """Write the file, in the order of the settings' names; whole or not at all."""
        failed = sorted(self.out_of_memory.items(), key=lambda item: str(item[0]))
        content = {
            "schema": SCHEMA,
            "machine_info": self.machine.model_dump(),
            "benchmarks": [_entry(self.rows[s]) for s in sorted(self.rows, key=str)],
            "out_of_memory": [{**s.asdict(), "why": why} for s, why in failed],
        }
        write_text(path, _json(content))

    @classmethod
    def _parse(cls, content: dict[str, Any]) -> Results:
        made = cls(Fingerprint.model_validate(content["machine_info"]))
        for entry in content["benchmarks"]:
            times = entry["stats"]["data"]
            made.add(TimingRow.model_validate({**entry["extra_info"], "times_s": times}))
        for failed in content["out_of_memory"]:
            why = failed.pop("why")
            made.out_of_memory[Setting(**failed)] = why
        return made


def results_folder(project: Project) -> Path:
    """Where the machines' files lie."""
    return project.root / "benchmarks" / "results"


def results_files(project: Project) -> list[Path]:
    """The file of each machine, by name."""
    return sorted(results_folder(project).glob("*.json"))


def files_to_compare(baseline: Path, fresh: Path) -> tuple[Path, Path]:
    """The two files to compare, each given as itself or as the folder that it lies in.

    Raises:
        SrBenchError: if a folder has none, or not exactly one fresh one.
    """
    found = sorted(fresh.glob("*.json")) if fresh.is_dir() else [fresh]
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise SrBenchError(f"{fresh}: holds {names}; name one file")
    if not found or not found[0].is_file():
        raise SrBenchError(f"{fresh}: no timings; make them: sr-bench time --results build/timings")
    path = baseline / found[0].name if baseline.is_dir() else baseline
    if not path.is_file():
        there = ", ".join(p.name for p in sorted(baseline.glob("*.json"))) or "none"
        raise SrBenchError(
            f"{path}: no such file; {found[0]} is of another machine (CPU, torch, ...) than "
            f"those timed there: {there}; commit timings of this machine first: sr-bench time"
        )
    return path, found[0]


def _entry(row: TimingRow) -> dict[str, Any]:
    unwritten = {"times_s"} if row.not_known else {"times_s", "not_known"}
    return {
        "name": str(row.setting),
        "extra_info": row.model_dump(exclude=unwritten),
        "stats": {"data": row.times_s},
    }


def _json(content: dict[str, Any]) -> str:
    """JSON with a line for each field, and for each list of numbers."""
    text = json.dumps(content, indent=1, allow_nan=False)
    return _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"
