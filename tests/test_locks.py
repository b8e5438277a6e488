"""One writer at a time: the second is told who the first is; a dead one's lock is taken over."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from sr_bench.evaluation.scoring.run import score_run
from sr_bench.evaluation.upscaling.upscale import upscale_run
from sr_bench.project.project import Project
from sr_bench.project.run_weights import note_weights
from sr_bench.support import locks
from sr_bench.support.dvc_rwlock import remove_unreadable_rwlock
from sr_bench.support.files import sweep
from sr_bench.support.locks import Locked, writing

HOLD = """
import sys
from pathlib import Path
from sr_bench.support import locks
if sys.argv[2] == "files":
    locks.fcntl = None
with locks.writing("a run", Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["flock", "files"])
def kind(request, monkeypatch):
    """With the system's locks, and where there are none."""
    if request.param == "files":
        monkeypatch.setattr(locks, "fcntl", None)
    elif locks.fcntl is None:
        pytest.skip("this system has no flock")
    return request.param


@pytest.fixture
def other(tmp_path, kind):
    """Another process that holds the lock until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "locks" / "a.lock"), kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def take(tmp_path, **options):
    with writing("a run", tmp_path / "locks" / "a.lock", **options):
        return True


def test_the_second_is_told_who_the_first_is(tmp_path, other):
    with pytest.raises(Locked) as caught:
        take(tmp_path)
    holder = f"another sr-bench (pid {other.pid} on {socket.gethostname()}, since 20"
    for fact in (holder, "already writing a run", "wait for it, or end it", "a.lock"):
        assert fact in str(caught.value)


def test_when_the_first_ends_the_second_may_and_nothing_is_left(tmp_path, other):
    other.communicate("")
    assert take(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_killed_process_leaves_no_lock(tmp_path, other):
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert list((tmp_path / "locks").iterdir())  # its file, which locks nothing
    assert take(tmp_path)
    assert not list(tmp_path.iterdir())


def test_who_waits_goes_on_when_the_first_ends(tmp_path, other, monkeypatch, caplog):
    monkeypatch.setattr(locks.time, "sleep", lambda _: other.communicate(""))
    assert take(tmp_path, wait=True)
    assert f"pid {other.pid}" in caplog.text and "waiting for it" in caplog.text


def test_the_lock_of_another_host_is_not_taken_over_without_flock(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "fcntl", None)
    (tmp_path / "locks").mkdir()
    facts = {"pid": os.getpid(), "host": "elsewhere", "since": "2026-01-01"}
    (tmp_path / "locks" / "a.lock.pid").write_text(json.dumps(facts))
    with pytest.raises(Locked, match="on elsewhere, since 2026"):
        take(tmp_path)


def test_a_failure_frees_the_lock(tmp_path, kind):
    with pytest.raises(KeyError), writing("a run", tmp_path / "locks" / "a.lock"):
        raise KeyError
    assert take(tmp_path)


def test_a_run_is_upscaled_or_scored_by_one_process(project):
    opened = Project.load(project)
    run = opened.run("bicubic-x2")
    note_weights(opened, run.name, progress=lambda _: None)
    with opened.writing("run bicubic-x2", "run-bicubic-x2"):
        for stage in (lambda: upscale_run(opened, run, progress=lambda _: None),
                      lambda: score_run(opened, run)):  # fmt: skip
            with pytest.raises(Locked, match="already writing run bicubic-x2"):
                stage()
    upscale_run(opened, run, progress=lambda _: None)
    assert len(score_run(opened, run)) > 0


def test_a_report_is_written_by_one_process(project, cli):
    with Project.load(project).writing("reports", "report"):
        _, err = cli(["report"], 1, cwd=project)
    assert "already writing" in err


def test_leftovers_of_an_output_are_swept_and_others_stay(tmp_path):
    mine = [".a.abcdef12.partial", "a/b/.x.png.abc_ef12.partial"]
    others = [".a.b.abcdef12.partial", ".b.abcdef12.partial", "a/b/x.png", "a/.hidden.partial"]
    for name in mine + others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / ".a.folder12.partial").mkdir()
    sweep(tmp_path / "a")
    left = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert left == set(others)
    assert not (tmp_path / ".a.folder12.partial").exists()


@pytest.mark.parametrize("content", [b"", b'{"build/sr": {"wri', b"\0\0\0"])
def test_an_unreadable_rwlock_of_dvc_is_removed_unless_dvc_runs(tmp_path, content, monkeypatch):
    (tmp_path / "rwlock").write_bytes(content)
    monkeypatch.setattr(
        "sr_bench.support.dvc_rwlock.is_held", lambda lock: lock == tmp_path / "rwlock.lock"
    )
    assert not remove_unreadable_rwlock(tmp_path) and (tmp_path / "rwlock").exists()
    monkeypatch.undo()
    assert remove_unreadable_rwlock(tmp_path) and not (tmp_path / "rwlock").exists()
    assert not remove_unreadable_rwlock(tmp_path)


def test_a_readable_rwlock_of_dvc_stays(tmp_path):
    (tmp_path / "rwlock").write_text('{"a": {"read": []}}')
    assert not remove_unreadable_rwlock(tmp_path) and (tmp_path / "rwlock").exists()


def test_a_held_lock_of_another_program_is_seen(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    (tmp_path / "lock").touch()
    assert not locks.is_held(tmp_path / "lock")
    with (tmp_path / "lock").open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert locks.is_held(tmp_path / "lock")
