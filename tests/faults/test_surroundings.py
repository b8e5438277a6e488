"""Odd surroundings: the clock, folders that can't be written, names, limits, no home."""

import os
import time
from pathlib import Path

import pytest

from faults.harness import (
    CLEAR,
    MOST,
    SURVIVED,
    TRACEBACK,
    WRONG,
    again,
    bytes_of,
    clear,
    difference,
)

pytestmark = pytest.mark.slow
EVERY = ("fetch", "train", "upscale", "score", "report", "eval")
STAGES = EVERY if MOST else ("fetch", "upscale", "score")
MEMORY = (1 << 20, 16 << 20, 64 << 20) if MOST else (1 << 20,)
YEAR = 365 * 86400
NO_HOME = {"HOME": None, "XDG_CACHE_HOME": None, "USER": None, "LOGNAME": None}
HOMELESS = {"HOME": "/nonexistent", "XDG_CACHE_HOME": "/nonexistent"}
PLAIN = {"LC_ALL": "C", "LANG": "C", "TZ": "Pacific/Kiritimati"}
# The fault in the process, and its environment; None where all must go well.
SURROUNDINGS = {
    "clock set back": ({"kind": "clock", "seconds": -20 * YEAR}, {}),
    "no HOME": ({}, NO_HOME),
    "HOME that isn't there": ({}, HOMELESS),
    "TMPDIR that isn't there": ({}, {"TMPDIR": "/nonexistent"}),
    "plain C locale, another time zone": ({}, PLAIN),
    "few file descriptors": ({"kind": "files", "count": 40}, {}),
}


@pytest.mark.parametrize("what", SURROUNDINGS)
def test_odd_surroundings_change_no_byte(bench, what):
    fault, env = SURROUNDINGS[what]
    with bench.counting("odd surroundings", what) as counts:
        for name in STAGES:
            stage = bench.stages[name]
            root = bench.copy(stage.before)
            counts.add(*came_of(bench, root, stage, fault, env, what))


def came_of(bench, root, stage, fault, env, what, remedy=lambda root: None):
    said = f"{what}, {stage.name}"
    done = bench.nursery.run(root, stage.words, fault, **env)
    if done.fault:
        return done.fault, f"{said}: {done.err[-2000:]}"
    if done.status and not clear(done.err):
        return TRACEBACK, f"{said}: {done.err[-2000:]}"
    if done.status == 0:
        found = difference(stage.after, bytes_of(root))
        return (WRONG, f"{said}: {found}") if found else (SURVIVED, said)
    bad = again(bench, root, stage.words, stage.after, remedies=[remedy])
    return (bad[0], f"{said}: {bad[1]}") if bad else (CLEAR, said)


def test_files_of_the_future(bench):
    """As after the clock was set back: what is there is newer than what is made."""
    future = time.time() + 10 * YEAR
    with bench.counting("odd surroundings", "files of the future") as counts:
        for name in STAGES:
            stage = bench.stages[name]
            root = bench.copy(stage.before)
            for path in root.rglob("*"):
                os.utime(path, (future, future))
            counts.add(*came_of(bench, root, stage, {}, {}, "files of the future"))


@pytest.mark.parametrize("name", STAGES)
def test_a_folder_that_cannot_be_written(bench, name):
    """Each folder in turn that the stage writes into."""
    stage = bench.stages[name]
    new = [p for p in stage.after if not (stage.before / p).exists()]
    above = {folder for path in new for folder in Path(path).parents}
    folders = sorted(str(f) for f in above if (stage.before / f).is_dir())
    with bench.counting("read-only folder", name) as counts:
        for folder in folders:
            root = bench.copy(stage.before)
            (root / folder).chmod(0o555)
            said = f"read-only {folder}"
            fault = {"kind": "unprivileged"}
            mend = lambda root, folder=folder: (root / folder).chmod(0o755)  # noqa: E731
            counts.add(*came_of(bench, root, stage, fault, {}, said, mend))
            mend(root)


@pytest.mark.parametrize("name", STAGES)
def test_little_memory(bench, name):
    stage = bench.stages[name]
    with bench.counting("out of memory", name) as counts:
        for size in MEMORY:
            root = bench.copy(stage.before)
            fault = {"kind": "memory", "bytes": size}
            counts.add(*came_of(bench, root, stage, fault, {}, f"{size} bytes of memory"))


def test_a_method_that_runs_out_of_memory(bench):
    """Other runs are made; this one is named; its images come when it is mended."""
    stage = bench.stages["upscale"]
    with bench.counting("out of memory", "in one method") as counts:
        root = bench.copy(stage.before)
        method = root / "methods/tiny.py"
        whole = method.read_text()
        method.write_text(whole.replace("return self.network(lr)", "raise MemoryError"))
        mend = lambda root: (root / "methods/tiny.py").write_text(whole)  # noqa: E731
        counts.add(*came_of(bench, root, stage, {}, {}, "MemoryError", mend))


def test_a_name_that_is_not_utf8(bench, tmp_path):
    """In ``eval`` and ``score``, tables and error messages have it as an escape."""
    odd = os.fsdecode(b"caf\xe9.png")
    with bench.counting("odd surroundings", "a name that isn't UTF-8") as counts:
        root = bench.copy(bench.after("fetch"))
        lessons = root / "data/Lessons"
        (root / "odd").mkdir()
        (root / "odd" / odd).write_bytes((lessons / "1.png").read_bytes())
        eval_words = ("eval", "bicubic", "--scale", "2", "--dataset", "odd", "--csv", "a.csv")
        pair = ("--sr", "odd", "--hr", "odd", "--scale", "2", "--protocol", "edsr-2017")
        score_words = ("score", *pair, "--csv", "b.csv")
        for words, made in ((eval_words, "a.csv"), (score_words, "b.csv")):
            done = bench.nursery.run(root, words)
            said = f"{words[0]}: {done.status} {done.err[-2000:]}"
            if done.fault or done.status:
                counts.add(done.fault or WRONG, said)
                continue
            named = (
                b"caf\\xe9" in (root / made).read_bytes()
                or b"caf\\udce9" in (root / made).read_bytes()
            )
            counts.add(SURVIVED if named else WRONG, said)
