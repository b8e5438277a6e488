"""`sr-bench time`: the file it writes, what it keeps when stopped, and how it refuses."""

import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from sr_bench.cli.app import app
from sr_bench.project.project import Project
from sr_bench.report.timings import SPEEDUPS, TIMINGS, speedups, timings
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.timing import launch as launching
from sr_bench.timing.launch import Measured, OutOfMemory, launch
from sr_bench.timing.plan import Selection, make_plan
from sr_bench.timing.results import SCHEMA, Results, _entry, results_folder
from sr_bench.timing.session import Session, make_row
from sr_bench.timing.setting import Setting
from sr_bench.timing.tasks import Task

MACHINE = runpy.run_path(str(Path(__file__).with_name("made_up.py")))["MACHINE"]
ROOT = Path(__file__).parents[1]
ONE = Setting("bicubic-x2", "cpu-1", "float32", "720p")
FILES = Setting("bicubic-x2", "cpu-1", "float32", "720p-png")
SETS = Setting("bicubic-x2", "cpu-1", "float32", "Set5")
CONTRACT = (
    "run,machine,device,precision,input,"
    "median_s,iqr_s,rounds,images_per_s,peak_memory_mb,params,macs"
)  # others rely on these; columns may follow
ADDED = "psnr,psnr_of,not_known,medians_s"
FACTS = {
    "peak_memory_mb": 400.0,
    "rss_before_mb": 300.0,
    "params": 10,
    "macs": 3_000_000_000,
    "psnr": None,
    "psnr_of": "Set5, edsr-2017",
    "matrix_gflops": 120.0,
    "threads": 1,
    "timer": "perf_counter",
    "warmup": 6,
    "stable": True,
    "load": 0.5,
    "pixels": [921600] * 5,
}


def measured(task: Task, times: tuple[float, ...] = (0.3, 0.1, 0.2, 0.5, 0.4)) -> Measured:
    facts = FACTS | {"psnr": 33.5 if task.psnr else None}
    if task.setting.input == "Set5":
        facts |= {"macs": None, "pixels": [100, 200], "matrix_gflops": None}
        times = times[:2]
    return Measured(facts, list(times))


@pytest.fixture
def session(tmp_path: Path) -> Callable[..., Session]:
    def make(measure: object = measured, **options: object) -> Session:
        results, path = Results.of(MACHINE, tmp_path / "results")
        return Session(tmp_path, results, path, {"bicubic-x2": "w"}, measure, **options)

    return make


def nobody(setting: Setting, row: object) -> None:
    pass


def test_a_row() -> None:
    row = make_row(ONE, measured(Task(Path(), ONE, True)), weights_sha256="w", session="s")
    assert (row.median_s, row.rounds, row.psnr) == (0.3, 5, 33.5)
    assert row.iqr_s == pytest.approx(0.2)
    assert row.images_per_s == pytest.approx(1 / 0.3)
    assert row.megapixels_per_s == pytest.approx(0.9216 / 0.3)
    assert row.gflops == pytest.approx(6 / 0.3)
    assert row.of_matrix_rate == pytest.approx(20 / 120)
    files = make_row(FILES, measured(Task(Path(), ONE, True)), weights_sha256="w", session="s")
    assert files.gflops is files.of_matrix_rate is None


def test_rounds_are_kept_where_a_fact_is_missing(session: Callable[..., Session]) -> None:
    def lacking(task: Task) -> Measured:
        facts = measured(task).facts | {"macs": None, "psnr": None, "matrix_gflops": None}
        return Measured(facts | {"not_known": {"macs": "why"}}, measured(task).times_s)

    made = session(lacking)
    assert made.time([ONE, SETS], nobody) == {}
    kept = Results.load(made.path)
    assert kept == made.results
    assert [row.not_known for row in kept.rows.values()] == [{"macs": "why"}] * 2
    assert kept.rows[ONE].median_s == 0.3 and kept.rows[ONE].gflops is None
    assert "not_known" not in json.dumps(_entry(make_row(
        ONE, measured(Task(Path(), ONE, True)), weights_sha256="w", session="s"
    )))  # fmt: skip


def test_the_file_holds_all_that_was_measured(session: Callable[..., Session]) -> None:
    made = session()
    assert made.time([ONE, SETS], nobody) == {}
    assert Results.load(made.path) == made.results
    content = json.loads(made.path.read_text())
    assert content["schema"] == SCHEMA
    assert content["machine_info"] == json.loads(MACHINE.model_dump_json())
    assert made.path.name == f"{MACHINE.name}.json"
    first = content["benchmarks"][0]
    assert first["stats"]["data"] == [0.3, 0.1, 0.2, 0.5, 0.4]
    assert list(made.results.rows[ONE].times_s) == first["stats"]["data"]


def test_rows_are_merged(session: Callable[..., Session]) -> None:
    session(started="2026-01-01T00:00:00Z").time([ONE, FILES], nobody)
    again = session(lambda task: measured(task, (1.0, 1.0, 1.0)), started="2026-01-02T00:00:00Z")
    again.time([FILES], nobody)
    rows = Results.load(again.path).rows
    assert [rows[s].median_s for s in (ONE, FILES)] == [0.3, 1.0]
    assert [rows[s].session[:10] for s in (ONE, FILES)] == ["2026-01-01", "2026-01-02"]


def test_psnr_is_computed_once_a_session(session: Callable[..., Session]) -> None:
    asked: list[bool] = []

    def measure(task: Task) -> Measured:
        asked.append(task.psnr)
        return measured(task)

    made = session(measure, started="a")
    made.time([ONE, FILES, SETS], nobody)
    assert asked == [True, False, False]
    assert {row.psnr for row in made.results.rows.values()} == {33.5}
    session(measure, started="b").time([ONE], nobody)
    assert asked[3:] == [True]


def test_interruption_keeps_the_rows_that_are_done(session: Callable[..., Session]) -> None:
    def measure(task: Task) -> Measured:
        if task.setting == SETS:
            raise KeyboardInterrupt
        return measured(task)

    made = session(measure)
    with pytest.raises(KeyboardInterrupt):
        made.time([ONE, FILES, SETS], nobody)
    assert set(Results.load(made.path).rows) == {ONE, FILES}
    assert session().missing([ONE, SETS, FILES]) == [SETS]
    assert [p.name for p in made.path.parent.iterdir()] == [made.path.name]


def test_several_processes_are_one_row(session: Callable[..., Session]) -> None:
    """A pass over all settings, then the next; the median is that of the processes' medians."""
    asked: list[tuple[Setting, bool]] = []
    seconds = iter([0.3, 0.5, 0.1, 0.2, 0.9, 0.6])

    def measure(task: Task) -> Measured:
        asked.append((task.setting, task.again))
        made = measured(task, (next(seconds),) * (3 if task.again else 5))
        facts = made.facts | {"peak_memory_mb": 400.0 + len(asked), "load": len(asked) / 10}
        facts["pixels"] = facts["pixels"][: len(made.times_s)]
        if task.again:  # what is wanted once
            facts |= {"psnr": None, "macs": None, "matrix_gflops": None, "params": None}
        return Measured(facts, made.times_s)

    made = session(measure, processes=3, started="first")
    assert made.turns([ONE, FILES]) == 6
    assert made.time([ONE, FILES], nobody) == {}
    assert asked == [(s, again) for again in (False, True, True) for s in (ONE, FILES)]
    row = made.results.rows[ONE]
    assert (row.processes, row.rounds_of, row.rounds) == (3, (5, 3, 3), 11)
    assert row.medians_s == (0.3, 0.1, 0.9) and row.median_s == 0.3
    assert row.images_per_s == pytest.approx(1 / 0.3) and row.gflops == pytest.approx(6 / 0.3)
    assert (row.peak_memory_mb, row.load, row.psnr, row.macs) == (405.0, 0.5, 33.5, 3_000_000_000)
    assert len(row.pixels) == len(row.times_s) == 11
    assert Results.load(made.path) == made.results


def test_missing_processes_are_added(session: Callable[..., Session]) -> None:
    session(started="first").time([ONE], nobody)
    more = session(processes=2, keep=True, started="second")
    assert more.missing([ONE, FILES]) == [ONE, FILES] and more.turns([ONE, FILES]) == 3
    asked: list[Setting] = []
    more.time([ONE, FILES], lambda setting, row: asked.append(setting))
    assert asked == [FILES, ONE, FILES]
    rows = Results.load(more.path).rows
    assert [rows[s].processes for s in (ONE, FILES)] == [2, 2]
    assert [rows[s].session for s in (ONE, FILES)] == ["first", "second"]
    assert more.missing([ONE, FILES]) == []
    more.weights = {"bicubic-x2": "other"}
    assert more.missing([ONE]) == [ONE]
    more.keep = False
    more.time([ONE], nobody)
    assert Results.load(more.path).rows[ONE].weights_sha256 == "other"


def test_a_failure_ends_the_passes_of_its_setting(session: Callable[..., Session]) -> None:
    asked: list[Setting] = []

    def measure(task: Task) -> Measured:
        asked.append(task.setting)
        if task.setting == ONE and task.again:
            raise SrBenchError("it broke")
        return measured(task)

    made = session(measure, processes=4)
    assert made.time([ONE, FILES], nobody) == {ONE: "it broke"}
    assert asked.count(ONE) == 2 and asked.count(FILES) == 4
    assert made.results.rows[ONE].processes == 1


def test_files_of_one_process_are_read(session: Callable[..., Session]) -> None:
    """Those that were written before there could be several have no ``rounds_of``."""
    made = session()
    made.time([ONE], nobody)
    content = json.loads(made.path.read_text())
    del content["benchmarks"][0]["extra_info"]["rounds_of"]
    made.path.write_text(json.dumps(content))
    assert Results.load(made.path) == made.results
    assert made.results.rows[ONE].rounds_of == (5,)


def test_missing_are_those_of_other_weights_too(session: Callable[..., Session]) -> None:
    session().time([ONE], nobody)
    made = session()
    assert made.missing([ONE]) == []
    made.weights = {"bicubic-x2": "other"}
    assert made.missing([ONE]) == [ONE]


def test_failures_are_reported_and_the_others_go_on(session: Callable[..., Session]) -> None:
    def measure(task: Task) -> Measured:
        if task.setting == ONE:
            raise OutOfMemory(f"{ONE}: out of memory (9 TB)")
        if task.setting == FILES:
            raise SrBenchError(f"{FILES}: /a/path is broken")
        return measured(task)

    made, told = session(measure), []
    failed = made.time([ONE, FILES, SETS], lambda s, said: told.append((s, said != "failed")))
    assert told == [(ONE, False), (FILES, False), (SETS, True)]
    assert list(failed) == [ONE, FILES]
    read = Results.load(made.path)
    assert read.out_of_memory == {ONE: "out of memory"}
    assert set(read.rows) == {SETS}
    assert "/a/path" not in made.path.read_text()
    assert made.missing([ONE, FILES, SETS]) == [FILES]
    made.measure = measured
    made.time([ONE], nobody)
    assert Results.load(made.path).out_of_memory == {}


def test_frames_that_would_take_too_long_are_left_out(session: Callable[..., Session]) -> None:
    large = [Setting("bicubic-x2", "cpu-1", "float32", name) for name in ("1080p", "2160p")]
    told: dict[str, object] = {}
    made = session(lambda task: measured(task, (8.0, 8.0)))
    made.time([ONE, *large], lambda s, said: told.update({s.input: said}))
    assert list(made.results.rows) == [ONE, large[0]]  # expected to take 18 s
    assert told["2160p"] == "left out: about 32 s a call, going by 1080p"
    alone = session(measured)
    alone.results.rows.clear()
    alone.time([large[1]], nobody)
    assert list(alone.results.rows) == [large[1]]  # nothing is known: it is tried


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "schema is None"),
        ('{"schema": 7}', r"schema is 7, this version reads and writes 2.*move it away"),
        ('{"schema": 2}', "not a results file"),
        ('{"schema": 2, "machine_info": {}, "benchmarks": []}', "not a results file"),
    ],
)
def test_other_files_are_left_alone(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / f"{MACHINE.name}.json"
    path.write_text(text)
    with pytest.raises(SrBenchError, match=said):
        Results.of(MACHINE, tmp_path)
    assert path.read_text() == text


def test_table(project: Path) -> None:
    root = Project.load(project)
    assert list(timings(root).columns) == TIMINGS == f"{CONTRACT},{ADDED}".split(",")
    path = results_folder(root) / f"{MACHINE.name}.json"
    Session(project, Results(MACHINE), path, {"bicubic-x2": None}, measured).time([ONE], nobody)
    other = MACHINE.model_copy(update={"cpu": "B"})
    there = results_folder(root) / f"{other.name}.json"
    gone = Setting("gone-x2", "cpu-1", "float32", "720p")
    weights = {"bicubic-x2": None, "gone-x2": None}
    Session(project, Results(other), there, weights, measured).time([SETS, gone], nobody)
    table = timings(root)
    assert list(table["machine"]) == [MACHINE.name, other.name]
    assert list(table["input"]) == ["720p", "Set5"]
    assert table["macs"].tolist()[0] == 3_000_000_000 and table["macs"].isna().tolist()[1]
    lines = table.to_csv(index=False).splitlines()
    assert lines[0] == f"{CONTRACT},{ADDED}" and ',10,,33.5,"Set5, edsr-2017",,0.2' in lines[2]


def test_speedups_over_the_plain_call(project: Path) -> None:
    root = Project.load(project)
    assert list(speedups(root).columns) == SPEEDUPS and speedups(root).empty
    plain, fast, alone = (
        Setting("bicubic-x2", "cpu-1", p, i)
        for p, i in (("float32-nchw", "720p"), ("bf16", "720p"), ("bf16", "Set5"))
    )
    path = results_folder(root) / f"{MACHINE.name}.json"
    seconds = {plain: 0.6, fast: 0.15, alone: 0.1}

    def measure(task: Task) -> Measured:
        made = measured(task, (seconds[task.setting],) * 5)
        return Measured(made.facts | {"psnr": 33.5 - (task.setting == fast) / 1024}, made.times_s)

    made = Session(project, Results(MACHINE), path, {"bicubic-x2": "w"}, measure, "one session")
    made.time([plain, fast, alone], nobody)
    table = speedups(root)
    assert table["precision"].tolist() == ["float32-nchw", "bf16"]
    assert table["speedup"].tolist() == pytest.approx([1, 4])
    assert table["psnr_difference"].tolist() == [0, -1 / 1024]
    assert table["of_matrix_rate"].tolist() == pytest.approx([10 / 120, 40 / 120])
    made.started = "another session"
    made.time([fast], nobody)
    assert speedups(root)["precision"].tolist() == ["float32-nchw"]


def test_plan(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("sr_bench.timing.devices.cores", lambda: 2)
    root = Project.load(project)
    plan = make_plan(root, Selection())
    devices = ("cpu-1", "cpu-all")
    assert [str(s) for s in plan.settings] == [
        f"bicubic-x2 {d} float32 {i}" for d in devices for i in ("720p", "720p-png", "Set5")
    ]
    assert plan.weights == {"bicubic-x2": None} and plan.failed == {}
    sizes = make_plan(root, Selection(devices=("cpu-1",), inputs=("sizes",))).settings
    assert [s.input for s in sizes] == ["180p", "360p", "720p", "1080p", "2160p"]
    for selection, said in (
        (Selection(runs=("bicubic-x9",)), "did you mean bicubic-x2"),
        (Selection(devices=("cuda",)), "no device 'cuda'"),
        (Selection(precisions=("float16",)), "unknown precision 'float16'"),
        (Selection(inputs=("Set15",)), "did you mean Set5"),
        (Selection(precisions=("fp16",)), "nothing to time"),
        (Selection(precisions=("bf16",)), "nothing to time"),
    ):
        with pytest.raises(WrongUse, match=said):
            make_plan(root, selection)


def test_images_that_are_not_there_are_named_and_frames_are_timed(project: Path) -> None:
    (project / "build" / "manifests" / "Set5.json").unlink()
    plan = make_plan(Project.load(project), Selection(devices=("cpu-1",)))
    assert plan.settings == [ONE, FILES] and "sr-bench fetch Set5" in plan.failed["bicubic-x2"]


def test_task_and_answer_cross(tmp_path: Path) -> None:
    task = Task(Path("/root"), SETS, psnr=True)
    task.write(tmp_path)
    assert Task.read(tmp_path) == task
    answer = measured(task)
    answer.write(tmp_path)
    assert Measured.read(tmp_path) == answer


@pytest.mark.parametrize(
    ("code", "why", "kind", "said"),
    [
        (-9, None, OutOfMemory, "killed by SIGKILL: out of memory"),
        (-11, None, SrBenchError, "killed by SIGSEGV"),
        (1, "CUDA out of memory. Tried 9 GiB", OutOfMemory, "out of memory"),
        (1, "DefaultCPUAllocator: can't allocate memory", OutOfMemory, "out of memory"),
        (1, "sr is wrong", SrBenchError, "sr is wrong"),
        (4, None, SrBenchError, "ended with 4: it says"),
    ],
)
def test_how_a_process_ends(
    code: int, why: str | None, kind: type, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(task: Task, folder: Path) -> subprocess.CompletedProcess[str]:
        if why:
            (folder / "failure.txt").write_text(why)
        return subprocess.CompletedProcess([], code, "it says", "")

    monkeypatch.setattr(launching, "_run", run)
    with pytest.raises(SrBenchError, match=said) as caught:
        launch(Task(Path(), ONE, psnr=False))
    assert type(caught.value) is kind and str(ONE) in str(caught.value)


def test_command(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it, in the processes that it starts; they import this package, not the folder's."""
    monkeypatch.chdir(project)
    (project / "sr_bench.py").write_text("raise SystemExit(3)")
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest keeps its own
    arguments = ["time", "--device", "cpu-1", "--input", "Set5", "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    (row,) = told["rows"]
    assert (row["rounds"], row["threads"], row["params"], row["macs"]) == (10, 1, 0, None)
    assert row["psnr_of"] == "Set5, edsr-2017" and 0 < row["psnr"] < 30
    assert 0 < row["rss_before_mb"] <= row["peak_memory_mb"]
    assert Results.load(Path(told["file"])).rows[SETS].pixels == (32 * 46, 34 * 44) * 5
    again = CliRunner().invoke(app, [*arguments, "--missing"])
    assert json.loads(again.stdout)["rows"] == []


def test_a_failure_in_the_process_is_told(project: Path) -> None:
    task = Task(project, Setting("bicubic-x2", "cpu-1", "float32", "Set15"), psnr=False)
    with pytest.raises(SrBenchError, match="bicubic-x2 cpu-1 float32 Set15: 'Set15'"):
        launch(task)


def test_todays_files_are_read_and_written_shorter(tmp_path: Path) -> None:
    """Files of version 0.1, which had all that pytest-benchmark computes."""
    (path,) = results_folder(Project.load(ROOT)).glob("*cpu-27f28eae.json")
    old = Results.load(path)
    old.save(tmp_path / "new.json")
    assert Results.load(tmp_path / "new.json") == old
    assert (tmp_path / "new.json").stat().st_size < 0.8 * path.stat().st_size


def test_peak_memory_is_the_programs_own() -> None:
    """Not that of the process which starts it, as ru_maxrss would have it."""
    held = bytearray(os.urandom(1) * 400_000_000)
    code = "from sr_bench.timing.devices import peak_mb; print(peak_mb())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(said.stdout) < len(held) / 1e6
