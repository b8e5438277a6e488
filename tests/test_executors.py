"""Workers make the same SR images as this process, also when some of them are lost."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sr_bench.evaluation.upscaling.blocks import make_block
from sr_bench.evaluation.upscaling.upscale import BadImages, upscale_run
from sr_bench.project.project import Project
from sr_bench.project.run_weights import note_weights
from sr_bench.support import units
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.support.executors import ExecutorOptions, Processes
from sr_bench.support.files import sha256
from sr_bench.support.units import in_blocks

RUNS = ("mine-x2", "mine-x3")
METHOD = """
import os
from pathlib import Path

import torch

from sr_bench.networks.method import Method

LOST = Path(__file__).with_name("lost")  # as many workers as it has bytes are still to be lost


class Mine:
    colour = "any"

    def __init__(self, scale):
        self.scale = scale
        if scale == 2 and Path(__file__).with_name("broken").exists():
            raise ValueError("no x2 today")

    def __call__(self, lr):
        if LOST.exists() and LOST.stat().st_size and lr.shape[-1] == 11:
            LOST.write_bytes(LOST.read_bytes()[1:])
            os.kill(os.getpid(), 9)
        if lr.shape[-1] == 13 and Path(__file__).with_name("bad").exists():
            return lr * float("nan")
        size = [self.scale * n for n in lr.shape[2:]]
        return torch.nn.functional.interpolate(lr, size, mode="bilinear")


METHOD = Method(name="mine", load=lambda setup: Mine(setup.scale), reference="nobody")
"""


@pytest.fixture
def mine(project, filled, monkeypatch):
    """A project with two runs on twelve images, in small blocks."""
    filled(project, {f"{i:02}.png": (12, 12 + 2 * i, 3) for i in range(12)})
    (project / "methods").mkdir()
    (project / "methods/mine.py").write_text(METHOD)
    (project / "params.yaml").write_text(
        "methods: [methods]\nledger: null\nfetch: [Set5]\nprotocols: {edsr-2017: [Set5]}\nruns:\n"
        "  mine-x2: {method: mine, scale: 2, protocols: [edsr-2017]}\n"
        "  mine-x3: {method: mine, scale: 3, protocols: [edsr-2017]}\n"
    )
    for run in RUNS:
        note_weights(Project.load(project), run, progress=lambda _: None)
    monkeypatch.setattr(units, "PIXELS", 500)
    return project


def made(root):
    folder = root / "build" / "sr"
    return {p.relative_to(folder): sha256(p) for p in folder.rglob("*.png")}


def by(executor, root, run="mine-x2"):
    """Upscale; how many images were made."""
    opened, counted = Project.load(root), []
    done = upscale_run(opened, opened.run(run), progress=counted.append, executor=executor)
    assert sum(counted) == 12
    return sum(done.made.values())


def again(root):
    """The images that this process makes, with no worker."""
    (root / "build/made").rename(root / "build/made-before")
    (root / "build/sr").rename(root / "build/sr-before")
    for run in RUNS:
        by(None, root, run)
    return made(root)


@pytest.fixture
def processes():
    pool = Processes(2)
    yield pool
    pool.close()


@pytest.mark.slow
def test_processes_make_the_same_bytes_and_no_image_twice(mine, processes):
    assert [by(processes, mine, run) for run in RUNS] == [12, 12]
    assert [by(processes, mine, run) for run in RUNS] == [0, 0]
    found = made(mine)
    assert len(found) == 24 and found == again(mine)


@pytest.mark.slow
def test_a_lost_process_costs_nothing_that_was_finished(mine, processes):
    (mine / "methods/lost").write_bytes(b"xx")
    assert by(processes, mine) == 12
    assert not (mine / "methods/lost").read_bytes()  # two workers were lost
    assert set(made(mine).items()) <= set(again(mine).items())


@pytest.mark.slow
def test_a_block_that_loses_each_worker_is_an_error_that_names_it_and_no_other(mine, processes):
    (mine / "methods/lost").write_bytes(b"x" * 100)
    with pytest.raises(SrBenchError, match=r"3 times at mine-x2: rgb-matlab/Set5/03 to 05, though"):
        by(processes, mine)
    (mine / "methods/lost").unlink()
    assert by(processes, mine) == 3  # the other blocks are there


@pytest.mark.slow
def test_bad_images_are_named_and_the_others_kept(mine, processes):
    (mine / "methods/bad").touch()
    with pytest.raises(BadImages, match=r"1 of 12 images failed") as caught:
        by(processes, mine)
    assert caught.value.reasons[0].startswith("Set5/07.png: ")
    (mine / "methods/bad").unlink()
    assert by(processes, mine) == 1


@pytest.mark.slow
def test_dask_workers_make_the_same_bytes_though_one_is_killed(mine):
    distributed = pytest.importorskip("distributed")
    (mine / "methods/lost").write_bytes(b"x")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as here,
        ExecutorOptions("dask", scheduler=here.scheduler_address).opened() as executor,
    ):
        assert [by(executor, mine, run) for run in RUNS] == [12, 12]
    assert made(mine) == again(mine)


WORKING = """
import os, sys, time

from sr_bench.support.executors import ExecutorOptions


def work(unit):
    time.sleep(0.05)
    return os.getpid()


if __name__ == "__main__":
    with ExecutorOptions(sys.argv[1], 2).opened(lambda text: None) as executor:
        for _, worker in executor.each(work, range(10_000)):
            print(worker, flush=True)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc, as on Linux")
@pytest.mark.parametrize("kind", ["processes", pytest.param("dask", marks=pytest.mark.slow)])
@pytest.mark.parametrize("ended", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_parent(tmp_path, kind, ended):
    if kind == "dask":
        pytest.importorskip("distributed")
    (tmp_path / "working.py").write_text(WORKING)
    words = [sys.executable, "working.py", kind]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as parent:
        workers = set()
        while len(workers) < 2:
            workers.add(int(parent.stdout.readline()))
        parent.send_signal(ended)
    until = time.monotonic() + 60
    while alive := [worker for worker in workers if is_working(worker)]:
        assert time.monotonic() < until, f"{alive} outlived their parent by a minute"
        time.sleep(0.1)


def is_working(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_worker_on_another_processor_refuses(mine, monkeypatch):
    given = []

    class Kept:
        def each(self, function, units):
            given.extend(units)
            for unit in units:
                yield unit, function(unit)

    by(Kept(), mine)
    facts = json.loads(given[0].facts) | {"processor": ["x86_64", "another", 64]}
    other = replace(given[0], facts=json.dumps(facts))
    with pytest.raises(SrBenchError, match=r"mine-x2: a worker differs in processor .*another"):
        make_block(other)


def test_blocks_hold_about_equal_work(mine):
    entries = Project.load(mine).dataset("Set5").entries
    found = list(in_blocks(entries, lambda e: e.shape[0] * e.shape[1]))
    assert [e for block in found for e in block] == list(entries) and len(found) == 5
    sizes = [[e.shape[0] * e.shape[1] for e in block] for block in found]
    assert all(sum(size) >= 500 > sum(size[:-1]) for size in sizes[:-1])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kind": "slurm"}, "executor 'slurm' is unknown; local, processes, dask"),
        ({"workers": 2}, "--workers is for --executor processes or dask"),
        ({"kind": "processes", "scheduler": "tcp://a:1"}, "--scheduler is for --executor dask"),
        ({"kind": "dask", "scheduler": "tcp://a:1", "workers": 2}, "its workers are there already"),
    ],
)
def test_options_that_do_not_go_together_are_refused(wrong, says):
    with pytest.raises(WrongUse, match=says):
        ExecutorOptions(**wrong)


def test_an_address_where_no_scheduler_is_says_so():
    pytest.importorskip("distributed")
    import dask

    with (
        dask.config.set({"distributed.comm.timeouts.connect": "300ms"}),
        pytest.raises(SrBenchError, match=r"tcp://127.0.0.1:9: no Dask scheduler answers there"),
        ExecutorOptions("dask", scheduler="tcp://127.0.0.1:9").opened(),
    ):
        pass


def test_all_runs_by_one_command(cli, mine, monkeypatch):
    monkeypatch.chdir(mine)
    out, _ = cli(["upscale", "--all", "--executor", "processes", "--workers", "2"])
    assert out.splitlines() == [
        f"{run}: upscaled 12 images (12 of rgb-matlab/Set5); 0 images were there" for run in RUNS
    ]
    out, _ = cli(["upscale", *RUNS, "--json"])
    assert [one["kept"] for one in json.loads(out)] == [12, 12]
    assert made(mine) == again(mine)


def test_a_run_that_fails_does_not_keep_the_others_from_theirs(cli, mine, monkeypatch):
    monkeypatch.chdir(mine)
    (mine / "methods/broken").touch()
    out, err = cli(["upscale", "--all"], 1)
    assert "1 of 2 runs failed:" in err and "no x2 today" in err
    assert out.startswith("mine-x3: upscaled 12")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["upscale"], "upscale takes runs of params.yaml, or --all"),
        (["upscale", "mine-x2", "--all"], "upscale takes runs of params.yaml, or --all"),
        (["upscale", "--all", "--executor", "slurm"], "executor 'slurm' is unknown"),
        (["upscale", "--model", "m.pth", "--out", "o"], "--model needs photos"),
    ],
)
def test_wrong_use_is_told(cli, mine, monkeypatch, words, says):
    monkeypatch.chdir(mine)
    assert says in cli(words, 2)[1]
