"""``dvc repro``, killed, twice at once, with a damaged dvc.lock: it ends as undisturbed."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from faults.harness import (
    CLEAR,
    HANGS,
    LOST,
    MOST,
    SEED,
    SURVIVED,
    TRACEBACK,
    WRONG,
    bytes_of,
    difference,
    flipped,
)  # fmt: skip
from faults.made_up import ROOT, make_project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MOST, reason="takes minutes: make faults"),
]
RUN = "bicubic-x2"
PARAMS = f"""\
methods: [methods]
ledger: null
fetch: [Tests]
datasets: {{}}
protocols: {{edsr-2017: [Tests]}}
runs:
  {RUN}: {{method: bicubic, scale: 2, protocols: [edsr-2017]}}
train: {{}}
train_warm: {{}}
train_joined: {{}}
figures: {{}}
viewer: {{}}
"""
LATE = 300
RERUNS = 40  # while a sr-bench still works that outlived its dvc


def environment(root):
    scripts = Path(sys.executable).parent
    return os.environ | {
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "SR_BENCH_MIRROR": str(root.parent / "mirror"),
        "DVC_NO_ANALYTICS": "1",
        "OMP_NUM_THREADS": "1",
    }


def start(root):
    """``dvc repro`` in a session of its own, whose processes can be killed together."""
    return subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro"],
        cwd=root,
        env=environment(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def repro(root):
    """``dvc repro`` to its end, as ``make repro`` begins it: exit status and what it said."""
    unlock = [sys.executable, "-m", "sr_bench.support.dvc_rwlock", ".dvc/tmp"]
    subprocess.run(unlock, cwd=root, env=environment(root), check=True, capture_output=True)
    process = start(root)
    try:
        said, _ = process.communicate(timeout=LATE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return HANGS, process.communicate()[0]
    return process.returncode, said


def outcome(root):
    """Every file that a user sees, and dvc.lock without the order of its stages."""
    hidden = (".dvc/", "build/made/", "dvc.lock")
    return bytes_of(root, *hidden) | {"dvc.lock": yaml.safe_load((root / "dvc.lock").read_text())}


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A project as ``sr-bench init`` begins it."""
    folder = tmp_path_factory.mktemp("dvc")
    root = folder / "begun"
    words = [sys.executable, "-m", "sr_bench", "init", str(root), "--template", "ci"]
    subprocess.run(words, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    make_project(root)
    (root / "params.yaml").write_text(PARAMS)
    (root / "methods/mine.py").unlink(missing_ok=True)
    return root


@pytest.fixture(scope="module")
def undisturbed(begun):
    """The project after ``dvc repro``, what it holds, and the seconds that took."""
    root = begun.parent / "undisturbed"
    shutil.copytree(begun, root)
    since = time.monotonic()
    status, said = repro(root)
    assert status == 0, said
    return root, outcome(root), time.monotonic() - since


def came_of(root, expected, said):
    """Repeat it until it says that all is done; what came of it."""
    for _ in range(RERUNS):
        status, told = repro(root)
        if "already writing" not in told:  # of a sr-bench that outlived its dvc
            break
        time.sleep(1)
    if status == HANGS or "Traceback" in told:
        return HANGS if status == HANGS else TRACEBACK, f"{said}: {told[-2000:]}"
    if status:
        return LOST, f"{said}: {told[-2000:]}"
    found = difference(expected, outcome(root))
    return (WRONG, f"{said}: {found}") if found else (SURVIVED, said)


@pytest.mark.parametrize("together", [True, False], ids=["with its commands", "alone"])
def test_killed_at_random_moments(bench, begun, undisturbed, together):
    _, expected, seconds = undisturbed
    dice = random.Random(SEED)
    what = "dvc repro and its commands" if together else "dvc repro alone"
    with bench.counting("SIGKILL at a random moment", what) as counts:
        for n in range(min(5, MOST)):
            root = begun.parent / f"killed {together} {n}"
            shutil.copytree(begun, root)
            process, moment = start(root), dice.random() * seconds
            time.sleep(moment)
            (os.killpg if together else os.kill)(process.pid, signal.SIGKILL)
            process.wait()
            counts.add(*came_of(root, expected, f"{what}, after {moment:.1f} s"))


def test_twice_at_once(bench, begun, undisturbed):
    with bench.counting("two at once", "dvc repro") as counts:
        root = begun.parent / "twice"
        shutil.copytree(begun, root)
        both = [start(root), start(root)]
        said = [process.communicate(timeout=LATE)[0] for process in both]
        if "Traceback" in "".join(said):
            counts.add(TRACEBACK, "".join(said)[-3000:])
        outcome_, told = came_of(root, undisturbed[1], "twice")
        one_failed = any(process.returncode for process in both)
        counts.add(CLEAR if outcome_ == SURVIVED and one_failed else outcome_, told)


def test_a_flipped_bit_in_dvc_lock(bench, begun, undisturbed):
    """DVC runs a stage again whose hash isn't the file's, or says that the lock is damaged."""
    made, expected, _ = undisturbed
    dice = random.Random(SEED)
    with bench.counting("flipped bit", "dvc.lock, dvc repro") as counts:
        for n in range(min(8, MOST)):
            root = begun.parent / f"flipped {n}"
            shutil.copytree(made, root, symlinks=True)
            lock = root / "dvc.lock"
            whole, bit = lock.read_bytes(), dice.randrange(8 * lock.stat().st_size)
            flipped(lock, bit)
            status, told = repro(root)
            said = f"bit {bit}"
            if status == 0:
                found = difference(expected, outcome(root))
                counts.add(WRONG if found else SURVIVED, f"{said}: {found}")
            elif "Traceback" not in told and re.search(r"ERROR|'\./dvc\.lock' \w+ failed", told):
                lock.write_bytes(whole)  # as from git
                bad, why = came_of(root, expected, said)
                counts.add(CLEAR if bad == SURVIVED else bad, why)
            else:
                counts.add(TRACEBACK, f"{said}: {told[-2000:]}")
