"""`sr-bench check --timings`: finds a method that became slower, whatever else the machine does."""

import json
import math
import runpy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sr_bench.analysis.drift.rank_tests import can_reach, p_longer, smallest_p
from sr_bench.analysis.drift.slowdown import FASTER, FEW, LEVEL, SLOWER, check_timings
from sr_bench.cli.app import app
from sr_bench.support.errors import SrBenchError
from sr_bench.timing.launch import Measured
from sr_bench.timing.results import Results
from sr_bench.timing.session import joined, make_row
from sr_bench.timing.setting import Setting

MACHINE = runpy.run_path(str(Path(__file__).with_name("made_up.py")))["MACHINE"]
SECONDS = {
    "bicubic-x2": 0.03, "bicubic-x4": 0.02, "srcnn-a-x2": 0.5, "srcnn-b-x2": 0.6,
    "srcnn-a-x4": 0.5, "edsr-x2": 5.0, "edsr-x4": 1.5, "mdsr-x2": 5.5,
}  # fmt: skip
REFERENCES = ("bicubic", "srcnn")
METHODS = {run: run.split("-")[0] for run in SECONDS}
SETTINGS = [
    Setting(run, device, precision, name)
    for device in ("cpu-1", "cpu-all")
    for name in ("720p", "720p-png", "Set14")
    for precision in ("float32", "bf16")
    for run in SECONDS
    if precision == "float32" or not run.startswith("bicubic")
]
Slowed = Callable[[Setting], float]
FACTS = {
    "peak_memory_mb": 400.0, "rss_before_mb": 300.0, "macs": None, "psnr": None, "params": 10,
    "psnr_of": None, "matrix_gflops": None, "threads": 1, "timer": "perf_counter", "warmup": 6,
    "stable": True, "load": 0.5, "pixels": [],
}  # fmt: skip


def timed(
    seed: int, *, slowed: Slowed = lambda _: 1.0, machine: float = 1.0, drift: float = 0.0
) -> Results:
    """A session on a shared machine.

    Each process is off by 2 %; each round by 3 %, some rounds meet a burst, and neighbouring rounds
    are alike; the machine gets slower by ``drift`` until the last setting.
    """
    rng = np.random.default_rng(seed)
    made = Results(MACHINE)
    for i, s in enumerate(SETTINGS):
        pixels = (rng_pixels() if s.input == "Set14" else [921600] * 9)[:14]
        own = math.exp(0.02 * rng.standard_normal()) * machine * (1 + drift * i / len(SETTINGS))
        noise = 0.03 * rng.standard_normal(len(pixels))
        noise[1:] += 0.5 * noise[:-1]
        noise += np.where(rng.random(len(pixels)) < 0.1, rng.exponential(0.3, len(pixels)), 0)
        base = SECONDS[s.run] * own * slowed(s) / (2.5 if s.precision == "bf16" else 1)
        times = base * np.array(pixels) / 921600 * np.exp(noise)
        made.add(row(s, times.tolist(), pixels, session=f"s{seed}"))
    return made


def rng_pixels() -> list[int]:
    return np.random.default_rng(0).integers(60_000, 400_000, 14).tolist()


def row(s: Setting, times: list[float], pixels: list[int], *, session: str = "s") -> object:
    facts = FACTS | {"params": 0 if s.run.startswith("bicubic") else 10, "pixels": pixels}
    return make_row(s, Measured(facts, times), weights_sha256=None, session=session)


def slower_runs(before: Results, after: Results) -> set[str]:
    return {v.setting.run for v in check_timings(before, after, METHODS, REFERENCES).those(SLOWER)}


def test_the_same_machine_twice_is_no_alarm() -> None:
    alarms = [slower_runs(timed(2 * i), timed(2 * i + 1)) for i in range(20)]
    assert sum(map(bool, alarms)) <= 1  # 5 % of sessions may have one


@pytest.mark.parametrize(("machine", "drift"), [(1.5, 0.0), (0.6, 0.0), (1.0, 0.4)])
def test_a_slower_neighbour_is_no_alarm(machine: float, drift: float) -> None:
    fresh = [timed(i + 100, machine=machine, drift=drift) for i in range(4)]
    assert not any(slower_runs(timed(i), after) for i, after in enumerate(fresh))


@pytest.mark.parametrize("method", ["bicubic", "srcnn", "edsr", "mdsr"])
@pytest.mark.parametrize("machine", [1.0, 1.5])
def test_a_slower_method_is_named(method: str, machine: float) -> None:
    for seed in range(2):
        slow = timed(
            seed + 50, slowed=lambda s: 1.3 if METHODS[s.run] == method else 1.0, machine=machine
        )
        expected = {run for run in SECONDS if METHODS[run] == method}
        assert slower_runs(timed(seed), slow) == expected


def test_a_slower_run_of_a_reference_method_is_named() -> None:
    slow = timed(1, slowed=lambda s: 1.3 if s.run == "srcnn-a-x2" else 1.0)
    assert slower_runs(timed(0), slow) == {"srcnn-a-x2"}


def test_a_slowdown_of_one_input_is_named() -> None:
    found = check_timings(
        timed(0),
        timed(1, slowed=lambda s: 1.4 if (s.run, s.input) == ("edsr-x2", "Set14") else 1.0),
        METHODS,
        REFERENCES,
    )
    assert {(v.setting.run, v.setting.input) for v in found.those(SLOWER)} == {("edsr-x2", "Set14")}


def test_what_is_faster_is_information() -> None:
    found = check_timings(
        timed(0), timed(1, slowed=lambda s: 0.6 if s.run == "edsr-x2" else 1), METHODS, REFERENCES
    )
    assert found.those(SLOWER) == []
    assert {v.setting.run for v in found.those(FASTER)} == {"edsr-x2"}
    assert found.those(FASTER)[0].ratio == pytest.approx(0.6, rel=0.2)


def test_a_noisier_machine_raises_the_hurdle() -> None:
    before, after = timed(0), timed(1)
    quiet = check_timings(before, after, METHODS, REFERENCES)
    rng = np.random.default_rng(3)
    shaken = {s: math.exp(0.15 * rng.standard_normal()) for s in SETTINGS}
    noisy = check_timings(before, timed(1, slowed=lambda s: shaken[s]), METHODS, REFERENCES)
    assert quiet.noise == pytest.approx(0.03, abs=0.015) and quiet.hurdle < 1.2
    assert noisy.noise > 0.1 and noisy.hurdle > 1.3 and noisy.those(SLOWER) == []


BICUBIC, SRCNN, EDSR = (
    Setting(run, "cpu-1", "float32", "720p") for run in ("bicubic-x2", "srcnn-a-x2", "edsr-x2")
)


def few(factor: float = 1.0, rounds: int = 9, *, settings: object = (BICUBIC, SRCNN, EDSR),
        session: str = "s") -> Results:  # fmt: skip
    made = Results(MACHINE)
    for s in settings:
        slow = factor if s == EDSR else 1.0
        times = [slow * (1 + 0.01 * i) for i in range(rounds)]
        made.add(row(s, times, [921600] * rounds, session=session))
    return made


def test_too_few_rounds_are_said() -> None:
    found = check_timings(few(rounds=2), few(2.0, rounds=2), METHODS, REFERENCES)
    assert [v.what for v in found.verdicts] == [FEW] * 3
    (first, *_) = check_timings(few(), few(2.0), METHODS, REFERENCES).those(SLOWER)
    assert first.p == pytest.approx(3 / 48620)


def test_rows_without_references_beside_them_are_left_out() -> None:
    before, after = few(), few(2.0)
    before.add(row(EDSR, [1.0] * 9, [921600] * 9, session="later"))
    found = check_timings(before, after, METHODS, REFERENCES)
    assert list(found.left_out) == [EDSR] and "same session" in found.left_out[EDSR]
    with pytest.raises(SrBenchError, match="none of 1 settings can be compared; edsr-x2"):
        check_timings(few(settings=[EDSR]), after, METHODS, REFERENCES)


def test_further_processes_of_a_dataset_are_no_other_images() -> None:
    """Each image is compared with itself, of the first processes."""
    before, after = timed(0), timed(1)
    alone = check_timings(before, after, METHODS, REFERENCES)
    for s, old in after.rows.items():
        if s.input == "Set14":
            later = row(s, [9.0] * 14, rng_pixels())
            facts = later.model_dump(include=set(FACTS))
            after.rows[s] = joined(old, Measured(facts, list(later.times_s)))
    found = check_timings(before, after, METHODS, REFERENCES)
    assert found.left_out == {} and found == alone


def test_all_processes_of_a_network_alone_count() -> None:
    """The ratio is that of the medians of processes, the test that of all rounds."""
    after = few(3.0)
    for _ in range(2):
        later = row(EDSR, [3.3] * 4, [921600] * 4)
        again = Measured(later.model_dump(include=set(FACTS)), list(later.times_s))
        after.rows[EDSR] = joined(after.rows[EDSR], again)
    (slower,) = check_timings(few(), after, METHODS, REFERENCES).those(SLOWER)
    assert slower.setting == EDSR and slower.ratio == pytest.approx(3.3 / 1.04)


def test_other_images_are_left_out() -> None:
    after = few()
    after.add(row(EDSR, [1.0] * 9, [5] * 9))
    assert "images differ" in check_timings(few(), after, METHODS, REFERENCES).left_out[EDSR]


def test_other_machines_and_nothing_in_common() -> None:
    other = few()
    other.machine = MACHINE.model_copy(update={"cpu": "B"})
    with pytest.raises(SrBenchError, match=r"two machines \(cpu A and B\)"):
        check_timings(few(), other, METHODS, REFERENCES)
    with pytest.raises(SrBenchError, match="no setting is in both files"):
        check_timings(few(settings=[EDSR]), few(settings=[SRCNN]), METHODS, REFERENCES)


def test_rank_tests() -> None:
    before, after = [1.0, 1.1, 1.2], [1.5, 1.6, 1.7]
    assert p_longer(before, after, factor=1.1, paired=False) == pytest.approx(1 / 20)
    assert p_longer(before, after, factor=1.1, paired=True) == pytest.approx(1 / 8)
    assert smallest_p(before, after, paired=False) == pytest.approx(1 / 20)
    assert smallest_p(before, after, paired=True) == pytest.approx(1 / 8)
    assert p_longer(before, after, factor=1.6, paired=False) > 0.9


def test_a_test_that_can_never_reach_the_level_does_not_count() -> None:
    assert can_reach([0.05, 0.05], LEVEL) == [True, False]
    assert can_reach([0.001, 0.3, 0.02], LEVEL) == [True, False, True]
    assert can_reach([0.1], LEVEL) == [False]


@pytest.fixture
def folders(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project with committed and fresh timings, EDSR 1.3 times slower in the fresh ones."""
    text = (project / "params.yaml").read_text()
    for run in ("srcnn-9-1-5-author-t91-x2", "edsr-baseline-author-x2"):
        method, _, tail = run.partition("-")
        variant, _, weights = tail.removesuffix("-x2").partition("-author")
        text += (
            f"  {run}: {{method: {method}, variant: {variant}, weights: author{weights}, "
            "scale: 2, protocols: [edsr-2017]}\n"
        )
    (project / "params.yaml").write_text(text)
    runs = ("bicubic-x2", "srcnn-9-1-5-author-t91-x2", "edsr-baseline-author-x2")
    for folder, factor in (("benchmarks/results", 1.0), ("build/timings", 1.3)):
        made = Results(MACHINE)
        for run in runs:
            times = [(factor if "edsr" in run else 1.0) * (1 + 0.01 * i) for i in range(9)]
            s = Setting(run, "cpu-1", "float32", "720p")
            made.add(row(s, times, [921600] * 9, session=folder))
        made.save(project / folder / f"{MACHINE.name}.json")
    monkeypatch.chdir(project)
    return project


def test_command(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = CliRunner().invoke(app, ["check", "--timings"])
    assert isinstance(done.exception, SrBenchError)
    said = str(done.exception)
    assert (
        "1 of 3 settings" in said and "edsr-baseline-author-x2 cpu-1 float32 720p: 1.30 x" in said
    )
    done = CliRunner().invoke(app, ["check", "--timings", "--json"])
    facts = json.loads(done.stdout)
    assert [v["verdict"] for v in facts["settings"]].count("slower") == 1
    same = ["check", "--timings", "--fresh", "benchmarks/results"]
    done = CliRunner().invoke(app, same)
    assert done.exit_code == 0 and "3 settings are no slower" in done.stdout


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda root: (root / "benchmarks/results" / f"{MACHINE.name}.json").unlink(),
         "of another machine .* than those timed there: none"),
        (lambda root: (root / "build/timings" / f"{MACHINE.name}.json").unlink(), "no timings"),
        (lambda root: (root / "build/timings/other.json").write_text("{}"), "name one file"),
        (lambda root: (root / "build/timings" / f"{MACHINE.name}.json").write_text('{"schema": 9}'),
         "its schema is 9"),
    ],
)  # fmt: skip
def test_bad_files(folders: Path, change: Callable[[Path], object], said: str) -> None:
    change(folders)
    done = CliRunner().invoke(app, ["check", "--timings"])
    with pytest.raises(SrBenchError, match=said):
        raise done.exception
